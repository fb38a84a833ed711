"""Running benchmarks: the page of results, and what happens where something is missing."""

from importlib import import_module

import pytest

from benchmarks import run
from benchmarks.common import UnavailableError


@pytest.fixture
def page(tmp_path, monkeypatch):
    """A copy of the page of results."""
    copy = tmp_path / "RESULTS.md"
    copy.write_text(run.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(run, "PAGE", copy)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize("name", run.FOLDERS)
def test_every_benchmark_can_be_imported(name):
    assert callable(import_module(f"benchmarks.{run.FOLDERS[name]}.{name}").main)


def test_every_section_keeps_figure_command_date_and_machine(page):
    sections = run.read_sections()
    assert list(sections) == list(run.FOLDERS)
    for name, text in sections.items():
        title, *_, note = text.splitlines()
        assert title == f"### {run.TITLES[run.FOLDERS[name]][name]}"
        assert f"python -m benchmarks.run {name}`, 20" in note and "torch" in note
    before = page.read_text(encoding="utf-8")
    run.write_sections(sections)
    assert page.read_text(encoding="utf-8") == before


def test_a_figure_takes_the_place_of_the_last_one(page, monkeypatch):
    before = run.read_sections()
    monkeypatch.setattr("benchmarks.speed.chain.main", lambda: "| 1.07 |")
    assert run.main(["chain"]) == 0
    after = run.read_sections()
    assert after["chain"].startswith("### The whole chain beside its networks alone\n\n| 1.07 |\n")
    assert {**after, "chain": ""} == {**before, "chain": ""}


def test_what_cannot_run_keeps_its_last_figure(page, monkeypatch, capsys):
    def absent():
        raise UnavailableError("It needs CUDA.")

    before = page.read_text(encoding="utf-8")
    monkeypatch.setattr("benchmarks.speed.chain.main", absent)
    assert run.main(["chain"]) == 0
    assert page.read_text(encoding="utf-8") == before
    assert "It needs CUDA." in capsys.readouterr().out


def test_an_unknown_name_is_refused(capsys):
    assert run.main(["chian"]) == 2
    assert "There are: upscaling, " in capsys.readouterr().out

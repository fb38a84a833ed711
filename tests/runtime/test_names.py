"""Names that are free, unique and short enough."""

import os
from pathlib import Path

import pytest

from helpers.runtime.names import (
    NAME_MAX,
    beside,
    cut_name,
    expand,
    final_name,
    free_name,
    part_name,
)

LONG = ["x" * 251 + ".mp4", "é" * 125 + ".mp4", "🎬" * 62 + ".mp4", "\udcff" * 251 + ".mp4"]


def length(path):
    return len(os.fsencode(path.name))


@pytest.mark.parametrize("name", ["film.mp4", "a", ".mp4", *LONG])
def test_no_name_that_is_made_is_too_long(tmp_path, name):
    path = tmp_path / name
    path.touch()
    for made in (part_name(path), beside(path, ".report.json"), free_name(path)):
        assert length(made) <= NAME_MAX and made.parent == tmp_path
        made.touch(exist_ok=False)


def test_a_temporary_name_is_made_once_and_keeps_the_ending():
    names = {part_name(Path("film.mp4")) for _ in range(100)}
    assert len(names) == 100
    assert all(name.name.startswith(".film.") and name.suffix == ".mp4" for name in names)
    assert {final_name(name) for name in names} == {final_name(Path("film.mp4"))} == {"film.mp4"}


def test_what_belongs_to_long_names_is_kept_apart():
    one, other = (beside(Path("x" * 250 + end), ".report.json") for end in ("1.mp4", "2.mp4"))
    assert one != other
    assert beside(Path("film.mp4"), ".report.json") == Path("film.mp4.report.json")


def test_a_name_is_not_cut_within_a_letter():
    assert cut_name("é" * 200, ".mp4") == "é" * 125


def test_the_next_free_name_is_found_and_said(tmp_path, caplog):
    path = tmp_path / "film restored.mp4"
    assert free_name(path) == path and not caplog.records
    path.touch()
    assert free_name(str(path)).name == "film restored (2).mp4"
    assert "film restored.mp4 is there already and is kept" in caplog.text
    (tmp_path / "film restored (2).mp4").symlink_to("nowhere")
    assert free_name(path).name == "film restored (3).mp4"


def test_the_home_folder_is_filled_in(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert expand("~/film.mp4") == tmp_path / "film.mp4"
    Path("~film.mp4").touch()
    assert expand("~film.mp4") == Path("~film.mp4")
    assert expand("~nobody-of-that-name/film.mp4") == Path("~nobody-of-that-name/film.mp4")

"""RIFE in ncnn as an engine: what is refused before anything is fetched, and what is fetched."""

import io
import os
import zipfile

import pytest

from helpers.catalog import fetch
from helpers.catalog.load import load_interpolator
from helpers.errors import ModelError
from helpers.stages.interpolate.vulkan import engine
from helpers.stages.interpolate.vulkan.probe import Verdict
from tests.support.faults import failing
from tests.support.machine import use


@pytest.fixture
def cache(tmp_path):
    use(cache=tmp_path / "models", scratch=tmp_path)
    return tmp_path / "models"


@pytest.fixture
def weights(cache, monkeypatch):
    """Whatever is asked of the network is an empty file."""

    def get(url, file, part):
        part.write_bytes(b"\0" * file.bytes)

    monkeypatch.setattr(fetch, "_download_once", get)
    monkeypatch.setattr(fetch, "_find_fault", lambda *_: "")


def test_without_a_card_no_program_is_fetched_and_the_reason_is_given(weights, monkeypatch):
    refusal = Verdict(False, "There is no card.", "", "Choose flow.")
    monkeypatch.setattr(engine.probe, "find_device", lambda: refusal)
    monkeypatch.setattr(engine, "find_program", lambda _: pytest.fail("a program was fetched"))
    with pytest.raises(ModelError, match=r"^There is no card\. Choose flow\.$"):
        load_interpolator("rife-4.6-vulkan")


def test_a_card_that_draws_wrongly_is_refused(weights, monkeypatch):
    found = Verdict(True, "A card.", "A card", gpu=0)
    wrong = Verdict(False, "It draws black.", "A card", "A newer driver may help.")
    monkeypatch.setattr(engine.probe, "find_device", lambda: found)
    monkeypatch.setattr(engine.probe, "probe_vulkan", lambda *_: wrong)
    monkeypatch.setattr(engine, "find_program", lambda _: None)
    with pytest.raises(ModelError, match=r"It draws black\. A newer driver"):
        load_interpolator("rife-4.6-vulkan")


def test_the_program_is_fetched_once_and_only_it_is_kept(cache, monkeypatch):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("rife-ncnn-vulkan", "LICENSE", "rife-v2/flownet.bin"):
            archive.writestr(f"rife-ncnn-vulkan-20221029-ubuntu/{name}", name)
    fetched = []

    def get(url, file, part):
        fetched.append(url)
        part.write_bytes(made.getvalue())

    monkeypatch.setattr(fetch, "_download_once", get)
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    monkeypatch.setattr(engine.sys, "platform", "linux")
    rows = {"linux": fetch.File("program.zip", ("https://example.org/program.zip",))}
    monkeypatch.setattr(engine, "PROGRAMS", rows)
    program = engine.find_program(cache)
    assert program is not None and os.access(program, os.X_OK)
    assert engine.find_program(cache) == program and len(fetched) == 1
    left = {path.name for path in cache.rglob("*") if path.suffix != ".sha256" and path.is_file()}
    assert left == {"rife-ncnn-vulkan", "LICENSE"}


@pytest.mark.parametrize("harm", [b"another program", None])
def test_a_program_that_is_not_as_it_was_fetched_is_not_run(tmp_path, monkeypatch, harm):
    path = tmp_path / "rife-ncnn-vulkan" / "rife-ncnn-vulkan"
    path.parent.mkdir()
    path.write_bytes(b"program")
    if harm:
        fetch.note_sha256(path)
        path.write_bytes(harm)
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    monkeypatch.setattr(engine, "fetch", failing(ModelError("it is fetched again")))
    with pytest.raises(ModelError, match="fetched again"):
        engine.find_program(tmp_path)


def test_the_files_of_the_program_are_checked():
    for file in engine.PROGRAMS.values():
        assert file.bytes > 400_000_000 and len(file.sha256) == 64

"""From a row to an engine: what is refused before anything is fetched, and what is fetched."""

import io
import os
import zipfile

import numpy as np
import pytest

from helpers.catalog import fetch
from helpers.catalog import load as loading
from helpers.catalog import table as catalog
from helpers.errors import ModelError, StageError
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.interpolate.vulkan import probe as vulkan
from helpers.stages.interpolate.vulkan.probe import Verdict
from tests.support.law import varying_clip
from tests.support.machine import use


@pytest.fixture
def cache(tmp_path):
    use(cache=tmp_path / "models", scratch=tmp_path)
    return tmp_path / "models"


def test_sixteen_bits_are_refused_by_an_engine_of_eight():
    film = varying_clip(dtype=np.uint16)
    with pytest.raises(StageError, match=r"draws in 8 bits and the film has 16.*rife-4\.6"):
        Interpolate("rife-4.6-vulkan", factor=2)(film).info  # noqa: B018
    assert Interpolate("rife-4.6", factor=2)(film).info.depth == 16


def test_without_a_card_nothing_is_fetched_and_the_reason_is_given(cache, monkeypatch):
    refusal = Verdict(False, "There is no card.", "", "Choose flow.")
    monkeypatch.setattr(vulkan, "find_device", lambda: refusal)
    monkeypatch.setattr(loading, "_vulkan_program", lambda: pytest.fail("a program was fetched"))
    with pytest.raises(ModelError, match=r"^There is no card\. Choose flow\.$"):
        loading._vulkan_interpolator(cache)


def test_a_card_that_draws_wrongly_is_refused(cache, monkeypatch):
    monkeypatch.setattr(vulkan, "find_device", lambda: Verdict(True, "A card.", "A card", gpu=0))
    wrong = Verdict(False, "It draws black.", "A card", "A newer driver may help.")
    monkeypatch.setattr(vulkan, "probe_vulkan", lambda *_: wrong)
    monkeypatch.setattr(loading, "_vulkan_program", lambda: None)
    with pytest.raises(ModelError, match=r"It draws black\. A newer driver"):
        loading._vulkan_interpolator(cache)


def test_the_program_is_fetched_once_and_only_it_is_kept(cache, monkeypatch):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("rife-ncnn-vulkan", "LICENSE", "rife-v2/flownet.bin"):
            archive.writestr(f"rife-ncnn-vulkan-20221029-ubuntu/{name}", name)
    fetched = []

    def get(url, file, part):
        fetched.append(url)
        part.write_bytes(made.getvalue())

    monkeypatch.setattr(fetch, "_get", get)
    monkeypatch.setattr(loading, "find_spec", lambda _: None)
    monkeypatch.setattr(loading.sys, "platform", "linux")
    rows = {"linux": fetch.File("program.zip", ("https://example.org/program.zip",))}
    monkeypatch.setattr(loading, "RIFE_PROGRAMS", rows)
    program = loading._vulkan_program()
    assert program is not None and os.access(program, os.X_OK)
    assert loading._vulkan_program() == program and len(fetched) == 1
    left = {path.name for path in cache.rglob("*") if path.is_file()}
    assert left - {"program.zip.sha256"} == {"rife-ncnn-vulkan", "LICENSE"}


def test_the_rows_of_the_program_are_checked():
    for file in catalog.RIFE_PROGRAMS.values():
        assert file.bytes > 400_000_000 and len(file.sha256) == 64

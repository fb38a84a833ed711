"""A project folder that version 0.1.0 laid is gone on with: nothing is searched or made again.

tests/data/project_0.1.0 was made by that version from the sample film: cleaned of everything and
saved whole; toned, and interpolated, each broken off before its last segment.
"""

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from helpers.project.manifest import StageManifest
from helpers.project.project import Project
from helpers.retime import Trim
from helpers.stages.cleaners import clean, finish_film
from helpers.stages.colorize.stage import Colorize
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from tests.support.law import same
from tests.support.paths import FILM

OLD = Path(__file__).parents[1] / "data" / "project_0.1.0"

ANEW = ("Denoise", "Colorize")
"""What that version did not keep, or kept less of."""


@pytest.fixture
def project(tmp_path):
    shutil.copytree(OLD, tmp_path / "talk")
    return Project(tmp_path / "talk")


@pytest.fixture
def run(project):
    def keep(name, clip, kind, find):
        def forbidden():
            raise AssertionError(f"{name} was looked for again")

        return project.keep(name, clip, kind, find if name in ANEW else forbidden)

    return replace(project.context(progress=False), keep=keep)


def bytes_of(project, name):
    return {path.name: path.read_bytes() for path in (project.folder / name).glob("*.mkv")}


def small(clip):
    return Upscale("bicubic", size=(64, 48))(clip)


def test_its_shots_are_known(project, monkeypatch):
    from helpers.project import film as module

    monkeypatch.setattr(module, "find_cuts", None)
    clip = project.source(FILM, progress=False)
    assert len(clip) == 108 and len(clip.cuts) == 2
    assert project.film == FILM  # it has moved


@pytest.mark.slow
def test_what_it_found_is_used_and_its_finished_stage_is_whole(project, run):
    film = project.source(FILM, progress=False)
    clip = clean(film, ("duplicates", "flicker", "damage", "shake", "noise"), run)
    clip = finish_film(small(Trim(0, Fraction(3, 2))(clip)), film, run)
    assert clip.recipe() == StageManifest.read(project.folder / "02_clean").recipe
    before = bytes_of(project, "02_clean")
    saved = project.save(clip, "02_clean", segment=Fraction(1, 2), progress=False)
    assert bytes_of(project, "02_clean") == before
    assert len(list(saved.frames())) == 18


def toned(project):
    stage = Colorize("tint", coloured=())
    return small(stage(Trim(0, 1)(project.source(FILM, progress=False))))


def smooth(project):
    return Interpolate("flow", factor=2)(project.load("02_clean"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "make"), [("03_colorize", toned), ("05_interpolate", smooth)])
def test_a_broken_off_stage_goes_on_at_its_missing_segment(project, tmp_path, name, make):
    before = bytes_of(project, name)
    saved = project.save(make(project), name, segment=Fraction(1, 2), progress=False)
    after = bytes_of(project, name)
    assert len(after) == len(before) + 1
    assert {file: after[file] for file in before} == before
    last = saved.segments[-1]
    fresh = list(make(project).frames(last.start, last.stop))
    assert same(list(saved.frames(last.start, last.stop)), fresh)

"""Cleaning as a whole: what a film needs, the order, and what is kept of the search."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from helpers.errors import StageError
from helpers.plan import Plan
from helpers.project.project import Project
from helpers.stages import cleaners as cleaning
from helpers.stages.cleaners import advised, check_cleaners, clean, examine, finished
from helpers.stages.duplicates.stage import RemoveDuplicates
from tests.support.law import assert_true, same, varying_clip
from tests.support.paths import FILM, TALK


def steps(clip):
    """The names of a clip's stages, from the film on."""
    return [step["stage"] for step in clip.recipe() if "stage" in step]


def test_cleaners_are_used_in_their_own_order():
    assert check_cleaners(("noise", "duplicates")) == ("duplicates", "noise")
    assert check_cleaners("auto") == ("auto",) and check_cleaners("none") == ()
    clip, notes = clean(varying_clip(), ("damage", "flicker", "duplicates", "shake"))
    assert steps(clip) == ["RemoveDuplicates", "Deflicker", "RemoveDamage", "Stabilize"]
    assert not notes
    assert_true(clip, list(clip))


def test_an_unknown_cleaner_is_refused_with_the_known_ones():
    with pytest.raises(StageError, match=r"no cleaner 'dust'; allowed are auto, none, .*damage"):
        Plan(clean=("dust",))
    with pytest.raises(StageError, match="no cleaner 'auto'"):
        check_cleaners(("auto", "noise"))


def test_blocks_are_not_taken_for_noise():
    found = replace(
        cleaning.diagnose(varying_clip()),
        noise=9.0, blocks=3.0, flicker=0.0, duplicates=0.3, damage=0.0,
    )  # fmt: skip
    assert advised(found) == ("duplicates", "blocks")


def test_a_worn_film_is_told_from_a_clean_one(tmp_path):
    worn = Project(tmp_path / "film").source(FILM, progress=False)
    found = examine(worn)
    assert {"duplicates", "flicker", "damage", "noise"} <= set(advised(found))
    assert found.duplicates == pytest.approx(0.5, abs=0.02)
    talk = Project(tmp_path / "talk").source(TALK, progress=False)
    assert not {"duplicates", "flicker", "damage"} & set(advised(examine(talk)))


def test_what_was_found_is_kept_for_that_clip_only(tmp_path):
    project, clip = Project(tmp_path), varying_clip()
    asked = []

    def find():
        asked.append(1)
        return RemoveDuplicates((clip.times[3],), "even")

    first = project.kept(RemoveDuplicates, clip, find)
    assert project.kept(RemoveDuplicates, clip, find) == first and len(asked) == 1
    assert Project(tmp_path).kept(RemoveDuplicates, clip, find) == first and len(asked) == 1
    project.kept(RemoveDuplicates, varying_clip(8), find)
    assert len(asked) == 2
    (tmp_path / "found.json").write_text(json.dumps([]))
    assert project.kept(RemoveDuplicates, clip, find) == first and len(asked) == 3


def test_finish_comes_last_and_its_grain_grows_with_the_picture():
    film = varying_clip(width=32, height=24)
    plan = Plan(upscale="bicubic", scale=Fraction(2), factor=2, clean=("finish",))
    made = plan.apply(film)
    assert steps(made) == ["Upscale", "Interpolate", "Finish"]
    assert made.recipe()[-1]["size"] == 2.4
    assert finished(film, film).recipe()[-1]["size"] == 1.2


def test_a_plan_with_cleaning_is_the_same_from_its_project(tmp_path):
    project = Project(tmp_path)
    film = project.source(FILM, progress=False)
    plan = Plan(upscale="none", interpolate="none", stop=Fraction(1), clean=("duplicates", "shake"))
    notes = []
    once = plan.apply(film, notes, project.kept)
    again = plan.apply(film, notes, project.kept)
    assert once.recipe() == again.recipe()
    assert same(list(once.frames(0, 3)), list(again.frames(0, 3)))
    assert len(once) == 12

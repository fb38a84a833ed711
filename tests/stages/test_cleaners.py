"""Cleaning as a whole: what a film needs, the order, and what is kept of the search."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from helpers.errors import StageError
from helpers.plan import Plan
from helpers.project.project import Project
from helpers.run import RunContext
from helpers.stages.cleaners import check_cleaners, clean, diagnose, examine
from helpers.stages.diagnosis import Fault
from helpers.stages.duplicates.find import Repeats
from tests.support.cadences import cadence, film
from tests.support.clips import steps
from tests.support.law import assert_true, varying_clip
from tests.support.paths import FILM, TALK


def test_cleaners_are_used_in_their_own_order():
    assert check_cleaners(("noise", "duplicates")) == ("duplicates", "noise")
    assert check_cleaners("auto") == ("auto",) and check_cleaners("none") == ()
    run = RunContext()
    clip = clean(varying_clip(), ("damage", "flicker", "duplicates", "shake"), run)
    assert steps(clip) == ["RemoveDuplicates", "Deflicker", "RemoveDamage", "Stabilize"]
    assert not run.notes
    assert_true(clip, list(clip))


def test_an_unknown_cleaner_is_refused_with_the_known_ones():
    with pytest.raises(StageError, match=r"no cleaner 'dust'. Choose auto, none, or some .*damage"):
        Plan.of(clean=("dust",))
    with pytest.raises(StageError, match="no cleaner 'auto'"):
        check_cleaners(("auto", "noise"))


def test_blocks_are_not_taken_for_noise():
    faults = [Fault(name, None, True, True, "") for name in ("duplicates", "blocks", "noise")]
    found = replace(diagnose(varying_clip()), faults=tuple(faults))
    assert found.advice == ("duplicates", "blocks")


@pytest.mark.slow
def test_a_worn_film_is_told_from_a_clean_one(tmp_path):
    worn = Project(tmp_path / "film").source(FILM, progress=False)
    found = examine(worn)
    assert {"duplicates", "flicker", "damage", "noise"} <= set(found.advice)
    assert found["duplicates"].amount == pytest.approx(0.5, abs=0.02)
    talk = Project(tmp_path / "talk").source(TALK, progress=False)
    assert not {"duplicates", "flicker", "damage"} & set(examine(talk).advice)


LOST = sorted([*range(90), 7, 12, 24, 31, 33, 47, 52, 66, 79])
"""Moments in order; some are shown twice, as where a recorder lost frames."""


@pytest.mark.slow
@pytest.mark.parametrize(("order", "fps", "kept", "words"), [
    ([*range(30), *range(29, 59)], 30, 60, "1.7% of the frames are repeats in no"),
    (LOST, 30, 99, "9.1% of the frames are repeats in no regular order. They are left"),
    (cadence(2), 24, 48, "50% of the frames are repeats."),
    (cadence(2, 1), 24, 48, "33% of the frames are repeats."),
])  # fmt: skip
def test_auto_removes_repeats_only_in_a_cadence_and_keeps_time(order, fps, kept, words):
    """A film of 30 frames a second became one of 29 for a single repeat."""
    run, clip = RunContext(), film(order, fps=fps)
    found = examine(clip, run)
    assert words in found["duplicates"].sentence
    made = clean(clip, "auto", run, even=False)
    assert len(made) == kept and made.end == clip.end
    assert len({b - a for a, b in pairwise(made.times)}) == 1
    assert found.decision in run.notes


def test_auto_says_that_it_changed_nothing():
    run = RunContext()
    clip = film(list(range(30)))
    assert clean(clip, "auto", run) is clip
    assert run.notes[0] == "No fault was found that needs cleaning, so nothing was cleaned."


def test_what_was_found_is_kept_for_that_clip_only(tmp_path):
    clip, asked = varying_clip(), []

    def find():
        asked.append(1)
        return Repeats((clip.times[3],))

    def kept(of=clip, kind=Repeats):
        return Project(tmp_path).keep("RemoveDuplicates", of, kind, find)

    assert kept() == kept() == Repeats((clip.times[3],)) and len(asked) == 1
    kept(varying_clip(8))
    assert len(asked) == 2
    (tmp_path / "found.json").write_text(json.dumps([]))
    assert kept() == Repeats((clip.times[3],)) and len(asked) == 3


@pytest.mark.parametrize(
    "change",
    [lambda row: row["fields"].pop("dropped"), lambda row: row.update(fields=3),
     lambda row: row["fields"].update(dropped=["half past"])],
)  # fmt: skip
def test_what_another_version_found_is_found_anew(tmp_path, change):
    project, clip = Project(tmp_path), varying_clip()
    clean(clip, ("duplicates",), project.context(progress=False))
    path = tmp_path / "found.json"
    values = json.loads(path.read_text())
    change(values[next(key for key in values if key.startswith("RemoveDuplicates@"))])
    path.write_text(json.dumps(values))
    again = clean(clip, ("duplicates",), project.context(progress=False))
    assert again.recipe() == clean(clip, ("duplicates",)).recipe()

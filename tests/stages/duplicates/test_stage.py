"""Repeats are left out; the rest keeps its times or is spread evenly."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.retime import Trim
from helpers.stages.duplicates.decisions import find_duplicates
from helpers.stages.duplicates.stage import RemoveDuplicates
from tests.support.cadences import cadence, film
from tests.support.law import varying_clip

# --- the stage ----------------------------------------------------------------------------------


def some(clip: Clip, retime: str) -> RemoveDuplicates:
    """A stage that drops frames at the start, in the middle and at the end of shots."""
    return RemoveDuplicates(tuple(clip.times[n] for n in (1, 2, 5, 7, 11)), retime)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("retime", ["keep", "even"])
def test_what_is_kept_is_as_it_was(retime, dtype):
    source = varying_clip(dtype=dtype)
    result = some(source, retime)(source)
    kept = [n for n in range(12) if n not in (1, 2, 5, 7, 11)]
    assert all(np.array_equal(f.image, source.images[n]) for f, n in zip(result, kept, strict=True))
    assert result.end == source.end


def test_kept_frames_keep_their_times():
    source = varying_clip()
    result = some(source, "keep")(source)
    assert list(result.times) == [source.times[n] for n in (0, 3, 4, 6, 8, 9, 10)]


def test_even_frames_are_spread_over_their_own_shot():
    source = varying_clip()  # shots begin at 0, 5 and 9
    result = some(source, "even")(source)
    begins = [source.times[n] for n in (0, 5, 9)] + [source.end]
    for first, count, shot in ((0, 3, 0), (3, 2, 1), (5, 2, 2)):
        begin, end = begins[shot : shot + 2]
        steps = [begin + (end - begin) * n / count for n in range(count)]
        assert list(result.times[first : first + count]) == steps
    assert result.cuts == tuple(begins[:3])


def test_a_cadence_becomes_even_motion():
    clip = film(cadence(3, 2), fps=60)
    result = find_duplicates(clip).stage("even")(clip)
    assert result.info.fps == 24
    assert {b - a for a, b in zip(result.times, result.times[1:], strict=False)} == {
        Fraction(1, 24)
    }


def test_nothing_to_drop_changes_nothing():
    source = varying_clip()
    for retime in ("keep", "even"):
        assert RemoveDuplicates((), retime)(source).times is source.times


def test_decisions_stay_true_after_a_trim():
    source = varying_clip()
    part = Trim(source.times[4])(source)
    assert list(some(source, "keep")(part).times) == [source.times[n] for n in (4, 6, 8, 9, 10)]


def test_a_shot_may_vanish_whole():
    source = varying_clip()
    stage = RemoveDuplicates(tuple(source.times[5:9]), "even")
    result = stage(source)
    assert result.cuts == (source.times[0], source.times[9])


def test_what_cannot_be_dropped_is_refused():
    source = varying_clip()
    with pytest.raises(StageError, match="Choose keep or even"):
        RemoveDuplicates((), "smooth")
    with pytest.raises(StageError, match="found in another film"):
        _ = RemoveDuplicates((source.times[3] + Fraction(1, 1000),))(source).times
    with pytest.raises(StageError, match="At least one must be kept"):
        _ = RemoveDuplicates(tuple(source.times))(source).times


def test_the_recipe_names_the_frames_by_their_sha256():
    source = varying_clip()
    recipe = some(source, "even").recipe()
    assert recipe["dropped"].startswith("5 frames, sha256 ")
    assert (
        recipe
        != RemoveDuplicates(tuple(source.times[n] for n in (1, 2, 5, 7, 10)), "even").recipe()
    )
    assert repr(some(source, "even")) == "RemoveDuplicates(5 frames, retime='even')"

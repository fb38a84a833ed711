"""A scratch changes from frame to frame as nothing in the picture does."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.stages.damage.scratches import Mark
from helpers.stages.damage.unsteady import UNSTEADY, changes, keep_unsteady

MARK = Mark((40,) * 12, (True,) * 12, 1, 1, 1, 0.9)

MOVES = [np.full(80, 2.0), np.full(80, -2.0)]


def noisy(seed, place=None):
    """A grey frame with noise, and a bright line of two pixels if one is asked for."""
    luma = 100 + np.random.default_rng(seed).normal(size=(120, 80)).astype(np.float32)
    if place is not None:
        across = np.abs(np.arange(80) - place)
        luma += 60 * (1.5 - across).clip(0, 1).astype(np.float32)
    return luma


def test_a_line_that_stands_in_a_picture_that_stands_is_part_of_it():
    still = [noisy(n, 40) for n in (1, 2, 3)]
    assert changes(MARK, noisy(0, 40), still) < 1.3


def test_a_line_that_jitters_is_a_scratch():
    jitters = [noisy(n, 40 + way) for n, way in ((1, 0.4), (2, -0.3), (3, 0.2))]
    assert changes(MARK, noisy(0, 40), jitters) > 2
    assert keep_unsteady([MARK], noisy(0, 40), jitters, jitters, MOVES) == [MARK]


def test_what_the_motion_of_the_picture_explains_is_no_scratch():
    away = [noisy(n, 50) for n in (1, 2)]
    still = [noisy(n, 40) for n in (1, 2)]
    assert changes(MARK, noisy(0, 40), away) > 10
    assert keep_unsteady([MARK], noisy(0, 40), away, still, MOVES) == []
    assert keep_unsteady([MARK], noisy(0, 40), still, away, MOVES) == []


def test_a_picture_that_stands_need_not_be_aligned():
    away, still = [noisy(1, 50)], [noisy(1, 40)]
    stands = [np.full(80, 0.1), np.full(80, -0.2)]
    assert keep_unsteady([MARK], noisy(0, 40), away, still, stands) == [MARK]


def test_flicker_is_no_change_of_the_line():
    darker = [noisy(n, 40) - 9 for n in (1, 2)]
    assert changes(MARK, noisy(0, 40), darker) < UNSTEADY


def test_a_second_scratch_beside_it_hides_no_scratch():
    def frame(seed, way):
        return noisy(seed, 40 + way) + noisy(seed + 9, 44 - way) - 100

    others = [frame(1, 0.4), frame(2, -0.4)]
    assert changes(MARK, frame(0, 0), others) > UNSTEADY


@pytest.mark.parametrize("present", [(False,) * 12])
def test_a_line_that_is_nowhere_does_not_change(present):
    nowhere = Mark((40,) * 12, present, 1, 1, 1, 0.9)
    assert changes(nowhere, noisy(0), [noisy(1)]) == 0

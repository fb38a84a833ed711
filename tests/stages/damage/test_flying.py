"""What flies is in the frames around, along one path; dirt is not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers.stages.damage.flying import drop_flying
from helpers.stages.damage.temporal_outliers import median_of


def frame(*segments, seed=0):
    """A grey frame with noise, and bright streaks, each from one point to another, x and y."""
    luma = 80 + np.random.default_rng(seed).normal(size=(90, 120)).astype(np.float32)
    for one, two in segments:
        shape = np.zeros((90, 120), np.uint8)
        cv2.line(shape, one, two, 150, 2, cv2.LINE_AA)
        luma += shape
    return luma


def found(here, around, offsets=(-1, 1, -2, 2)):
    """What is left of a mask of all that is bright in the frame: the share of its pixels."""
    mask = here > 120
    quiet = [frame(seed=n) for n in range(4)]
    witnesses = [*around, *quiet[len(around) :]]
    kept = drop_flying(mask, here, median_of(witnesses), witnesses, offsets)
    assert not (kept & ~mask).any()
    return kept.sum() / mask.sum()


def dot(x, y):
    return ((x, y), (x + 1, y))


def test_dirt_in_one_frame_stays_found():
    assert found(frame(dot(60, 40)), [frame(seed=1), frame(seed=2)]) == 1


@pytest.mark.parametrize("speed", [(9, 3), (-4, 20)])
def test_what_flies_along_a_straight_path_is_dropped(speed):
    at = [(60 + n * speed[0], 40 + n * speed[1]) for n in (0, -1, 1)]
    here, before, after = (frame(dot(*place), seed=n) for n, place in enumerate(at))
    assert found(here, [before, after]) == 0


def test_dirt_on_the_neighbours_that_is_not_on_a_path_proves_nothing():
    here = frame(dot(60, 40))
    assert found(here, [frame(dot(70, 45), seed=1), frame(dot(66, 60), seed=2)]) == 1
    assert found(here, [frame(dot(70, 45), seed=1), frame(seed=2)]) == 1


def test_what_stays_in_its_place_does_not_fly():
    here = frame(dot(60, 40))
    assert found(here, [frame(dot(60, 40), seed=1), frame(dot(60, 40), seed=2)]) == 1


def test_a_streak_that_flies_on_along_its_own_direction_is_dropped():
    here = frame(((40, 40), (52, 46)))
    ahead, beside = frame(((58, 49), (70, 55)), seed=1), frame(((32, 56), (44, 62)), seed=1)
    assert found(here, [frame(seed=2), ahead]) == 0
    assert found(here, [frame(seed=2), beside]) == 1


def test_upright_scratches_need_more_than_one_like_them():
    here, other = frame(((60, 30), (60, 45))), frame(((60, 55), (60, 70)), seed=1)
    assert found(here, [frame(seed=2), other]) == 1


def test_all_neighbours_may_be_on_one_side():
    here, near, far = frame(dot(60, 40)), frame(dot(67, 44), seed=1), frame(dot(74, 48), seed=2)
    assert found(here, [near, far], (1, 2, 3, 4)) == 0


def test_a_piece_at_the_edge_is_no_error():
    for place in ((0, 0), (118, 88), (0, 88)):
        assert found(frame(dot(*place)), [frame(seed=1), frame(seed=2)]) == 1

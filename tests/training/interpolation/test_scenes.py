"""Scenes in motion whose truth is known, and what a camera and a codec make of them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.training.interpolation.camera import FilmFinish
from helpers.training.interpolation.scenes import MotionScene
from helpers.training.interpolation.shapes import draw_pattern, draw_shape
from tests.support.photos import soft_photos


@pytest.fixture(scope="module")
def photos():
    return soft_photos()


def test_scenes_are_the_seeds_and_move_evenly(photos):
    for seed in range(6):
        one, other = (MotionScene(photos, np.random.default_rng(seed), 64) for _ in range(2))
        assert np.array_equal(one.draw(0.5), other.draw(0.5))
        drawn = one.draw(0.3)
        assert drawn.shape == (64, 64, 3) and drawn.dtype == np.float32
        assert drawn.min() >= 0 and drawn.max() <= 255


def test_shapes_and_patterns_are_in_range():
    for seed in range(24):
        alpha = draw_shape(np.random.default_rng(seed), 64)
        assert alpha.ndim == 2 and alpha.dtype == np.float32
        assert alpha.min() >= 0 and alpha.max() <= 1 + 1e-5
    stripes = draw_pattern(np.random.default_rng(1), 40)
    assert stripes.shape == (40, 40, 3) and stripes.dtype == np.uint8 and np.ptp(stripes) > 30


def test_a_finish_keeps_noise_out_of_the_truth():
    even = [np.full((48, 48, 3), 120, np.float32)] * 3
    dice = np.random.default_rng(0)
    finish = FilmFinish(dice)
    finish.noise, finish.kind, finish.dark = 6.0, "none", 1.0
    first, truth, last = finish.apply(even)
    assert truth.std() == 0 and first.std() > 3 and not np.array_equal(first, last)

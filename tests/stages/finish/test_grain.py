"""Grain as strong and as large as asked for; sharpening without halos; contrast."""

import numpy as np
import pytest

from helpers.stages.finish import grain as finish


@pytest.mark.parametrize("size", [0.5, 1.2, 3.0, 8.0])
def test_grain_has_the_strength_asked_for_at_every_size(size):
    grain = finish.make_grain(np.full((400, 400), 110, np.float32), 5.0, size, 1)
    assert abs(grain.mean()) < 0.5
    assert 3.5 < grain.std() < 5.5


def test_larger_grains_are_alike_over_more_pixels():
    flat = np.full((300, 300), 128, np.float32)

    def alike(size):
        grain = finish.make_grain(flat, 5.0, size, 1)
        return np.corrcoef(grain[:, :-2].ravel(), grain[:, 2:].ravel())[0, 1]

    assert alike(0.5) < 0.1 < alike(1.5) < alike(3.0)


def test_grain_shows_in_the_middle_greys():
    deviations = [
        finish.make_grain(np.full((200, 200), level, np.float32), 5.0, 1.2, 1).std()
        for level in (2, 110, 253)
    ]
    assert deviations[1] > 2.5 * deviations[0]
    assert deviations[1] > 4 * deviations[2]


def test_sharpening_makes_edges_steeper_without_halos():
    soft = np.tile(np.clip((np.arange(60) - 25) * 12.0, 0, 150) + 50, (20, 1)).astype(np.float32)
    made = finish.sharpen(soft, 1.5, 2.0)
    assert np.abs(np.diff(made)).max() > np.abs(np.diff(soft)).max()
    assert made.max() <= soft.max() + 2
    assert made.min() >= soft.min() - 2
    assert np.array_equal(finish.sharpen(np.full((9, 9), 77.0, np.float32), 2), np.full((9, 9), 77))


def test_a_full_picture_is_left_alone():
    ramp = np.linspace(0, 255, 256, dtype=np.float32)
    assert np.abs(finish.stretch(ramp, 2.0, 252.0) - ramp).max() < 1e-3

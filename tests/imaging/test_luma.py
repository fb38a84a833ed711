"""Brightness, and rounding it."""

import numpy as np

from helpers.imaging.luma import dithered


def test_rounding_leaves_whole_numbers_and_keeps_the_mean_of_others():
    whole = np.arange(256, dtype=np.float32).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(dithered(whole, np.dtype(np.uint8)), whole)
    between = np.full((64, 64, 3), 100.3, np.float32)
    assert abs(dithered(between, np.dtype(np.uint8)).mean() - 100.3) < 0.03

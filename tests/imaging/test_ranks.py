"""Medians and sorted pictures are those of NumPy, to the last bit."""

import numpy as np
import pytest

from helpers.imaging.ranks import median, middle, sort_pictures


@pytest.mark.parametrize("shape", [(1,), (2,), (3, 1), (4, 5), (37, 41), (40, 64)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_median_is_that_of_numpy(shape, dtype):
    values = np.random.default_rng(0).normal(0, 50, shape).astype(dtype)
    for found in (values, values.T, np.rint(values), values * 0):
        before = found.copy()
        assert median(found) == np.median(found) and median(found).dtype == dtype
        assert np.array_equal(found, before)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("shape", [(1, 1), (3, 70), (65, 40)])
def test_pictures_are_sorted_pixel_by_pixel(count, shape):
    dice = np.random.default_rng(count)
    pictures = [dice.normal(0, 9, shape).astype(np.float32) for _ in range(count)]
    before = [picture.copy() for picture in pictures]
    ordered = sort_pictures(pictures)
    assert np.array_equal(ordered, np.sort(np.stack(pictures), 0))
    assert np.array_equal(middle(ordered), np.median(np.stack(pictures), 0))
    assert middle(ordered).dtype == np.float32
    assert all(map(np.array_equal, pictures, before))

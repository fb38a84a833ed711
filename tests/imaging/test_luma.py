"""Brightness, the same for every depth, and the ways back to whole levels."""

import numpy as np
import pytest

from helpers.imaging.color_matrix import luma_of, small_luma, working_size
from helpers.imaging.luma import (
    blend,
    brightness,
    dither,
    opencv_luma,
    round_to,
    small_brightness,
    to_levels,
    to_uint8,
)
from tests.support.films import texture


def deep(image):
    return image.astype(np.uint16) * 257


LUMAS = pytest.mark.parametrize("luma", [brightness, opencv_luma])


@LUMAS
def test_luma_is_that_of_bt601(luma):
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    assert np.allclose(luma(image), [[76.245, 149.685, 29.07, 9]], atol=1e-3)
    assert luma(image).dtype == np.float32


@LUMAS
def test_luma_is_the_same_for_every_depth_and_never_rounded(luma):
    image = texture(50, 60)
    assert np.allclose(luma(image), luma(deep(image)), atol=1e-4)
    between = np.full((2, 2, 3), 12 * 257 + 100, np.uint16)
    assert np.allclose(luma(between), 12 + 100 / 257, atol=1e-4)


def test_the_two_ways_to_count_luma_differ_by_their_last_bit_at_most():
    for image in (texture(50, 54), deep(texture(50, 54)) ^ 7):
        assert np.abs(brightness(image) - opencv_luma(image)).max() <= 2 * np.spacing(
            np.float32(255)
        )


def test_luma_by_a_films_matrix_is_that_of_bt601_for_the_matrix_of_bt601():
    image = texture(30, 40)
    assert np.allclose(255 * luma_of(image, "smpte170m"), brightness(image), atol=1e-3)
    assert not np.allclose(255 * luma_of(image, "bt709"), brightness(image), atol=1)


def test_levels_are_those_of_eight_bits():
    image = texture(8, 9)
    assert np.array_equal(to_levels(image), image.astype(np.float32))
    assert np.allclose(to_levels(deep(image)), image, atol=1e-4)
    levels = image.astype(np.float32)
    assert to_levels(levels) is levels


def test_luma_is_rounded_to_eight_bits():
    luma = np.array([[0.5, 1.5, 254.4, 255.0, 260.0, -1.2]], np.float32)
    assert to_uint8(luma).tolist() == [[0, 2, 254, 255, 255, 1]]
    assert to_uint8(luma).dtype == np.uint8


def test_a_small_picture_is_never_enlarged():
    image = texture(30, 40)
    assert small_brightness(image, 20).shape == (15, 20)
    assert np.array_equal(small_brightness(image, 64), brightness(image))
    assert working_size(40, 30) == (40, 30) and working_size(40, 30, 20) == (20, 15)
    small = small_luma(image, "smpte170m", (20, 15))
    assert small.dtype == np.uint8 and small.shape == (15, 20)
    assert np.abs(small - small_brightness(image, 20)).max() <= 1


def test_pixels_are_rounded_and_clipped():
    pixels = np.array([-3.0, 0.5, 1.5, 254.6, 300.0])
    assert round_to(pixels, np.dtype(np.uint8)).tolist() == [0, 0, 2, 255, 255]
    assert round_to(pixels * 257, np.dtype(np.uint16)).tolist() == [0, 128, 386, 65432, 65535]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_blend_lies_between_and_its_ends_are_the_very_pictures(dtype):
    one, other = (texture(20, 30, seed).astype(dtype) * 200 // 3 for seed in (1, 2))
    one, other = one.astype(dtype), other.astype(dtype)
    assert blend(one, other, 0) is one and blend(one, other, 1) is other
    half = blend(one, other, 0.5)
    assert half.dtype == dtype
    assert np.abs(half - (one.astype(float) + other) / 2).max() <= 0.5
    assert np.array_equal(blend(one, one.copy(), 0.3), one)


def test_rounding_leaves_whole_numbers_and_keeps_the_mean_of_others():
    whole = np.arange(256, dtype=np.float32).repeat(3).reshape(16, 16, 3)
    assert np.array_equal(dither(whole, np.dtype(np.uint8)), whole)
    between = np.full((64, 64, 3), 100.3, np.float32)
    assert abs(dither(between, np.dtype(np.uint8)).mean() - 100.3) < 0.03

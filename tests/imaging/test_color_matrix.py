"""Light and colours are taken apart and joined; any colour keeps any luma."""

import cv2
import numpy as np
import pytest

from helpers.imaging.color_matrix import (
    blend_chroma,
    chroma_of,
    enlarge_chroma,
    join,
    luma_of,
    resize_planes,
    working_size,
)
from helpers.imaging.matrices import WEIGHTS
from tests.support.color_films import MATRIX, pan
from tests.support.law import varying_clip

# --- light ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("matrix", ["smpte170m", "bt709", "bt2020nc"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_colour_keeps_any_luma(matrix, dtype):
    top = np.iinfo(dtype).max
    luma = np.linspace(0, 1, 256, dtype=np.float32)[:, None].repeat(400, 1)
    chroma = np.random.default_rng(1).uniform(-0.5, 0.5, (256, 400, 2)).astype(np.float32)
    made = join(luma, chroma, matrix, dtype)
    assert made.dtype == dtype
    assert np.abs(luma_of(made, matrix) - luma).max() * top < 0.51
    assert np.ptp(made[0]) == 0 and np.ptp(made[-1]) == 0, "black and white stay black and white"


def test_a_colour_that_does_not_fit_is_paler_but_of_the_same_hue():
    luma = np.full((1, 50), 0.93, np.float32)
    chroma = np.tile(np.array([-0.2, 0.3], np.float32), (1, 50, 1))
    made = chroma_of(join(luma, chroma, "bt709", np.uint16), "bt709")[0, 0]
    assert np.hypot(*made) < 0.5 * np.hypot(0.2, 0.3)
    assert made[1] / made[0] == pytest.approx(-1.5, abs=0.02)


@pytest.mark.parametrize("matrix", WEIGHTS)
def test_taken_apart_and_joined_it_is_the_same(matrix):
    image = varying_clip(1, 40, 30)[0].image
    planes = luma_of(image, matrix), chroma_of(image, matrix)
    assert np.abs(join(*planes, matrix, np.uint8).astype(int) - image).max() <= 1
    grey = cv2.merge([image[..., 0]] * 3)
    assert np.array_equal(
        join(luma_of(grey, matrix), chroma_of(grey, matrix) * 9, matrix, np.uint8), grey
    )


def test_colours_that_were_made_small_come_back_nearly_as_they_were():
    image = pan(1, 160, 120)[0]
    chroma = chroma_of(image, MATRIX)
    small = resize_planes(chroma, (40, 30))
    assert np.abs(enlarge_chroma(small, 160, 120) - chroma).mean() * 255 < 1
    assert working_size(1920, 1080) == (384, 216) and working_size(3, 2000) == (1, 384)
    assert working_size(176, 144) == (176, 144)


def test_two_models_are_mixed_but_not_by_more_than_a_tenth():
    luma = np.full((2, 2), 0.5, np.float32)
    first, second = np.zeros((2, 2, 2), np.float32), np.full((2, 2, 2), 0.1, np.float32)
    assert np.allclose(blend_chroma(first, second, 0.5, luma), 0.05)
    assert np.allclose(blend_chroma(first, 9 * second, 0.5, luma), 0.1)
    assert np.allclose(blend_chroma(first, second, 0.0, luma), 0)
    assert np.allclose(blend_chroma(first, second, 1.0, luma * 0.02), 0), "not in the dark"

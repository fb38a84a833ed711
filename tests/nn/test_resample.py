"""Resizing on a card, beside OpenCV."""

import numpy as np
import pytest
import torch

from helpers.imaging.resample import resize
from helpers.nn.card import PixelsOnCard, upload
from helpers.nn.resample import resize_on_card, weigh_area, weigh_lanczos
from helpers.nn.tensors import UnroundedPixels

SIZES = [(1, 1), (40, 30), (20, 15), (57, 44), (80, 60), (33, 61), (61, 17), (39, 30), (160, 7)]
SMALLER = [(20, 15), (40, 15), (8, 10), (40, 30), (27, 15), (80, 60)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_card_resizes_as_opencv_does(size, dtype):
    noise = np.random.default_rng(3).integers(0, np.iinfo(dtype).max + 1, (30, 40, 3))
    image = noise.astype(dtype)
    expected = resize(image, *size)
    made = np.asarray(resize_on_card(PixelsOnCard(upload(image, "cpu").bits), *size))
    assert made.shape == expected.shape and made.dtype == dtype
    apart = np.abs(made.astype(int) - expected)
    assert apart.max() <= 1, apart.max()


@pytest.mark.parametrize("size", SMALLER, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_a_network_left_is_rounded_after_it_was_resized(size, dtype):
    noise = (1.2 * np.random.default_rng(4).random((30, 40, 3)) - 0.1).astype(np.float32)
    unit = torch.from_numpy(noise).permute(2, 0, 1)
    kind = torch.uint8 if dtype == np.uint8 else torch.int16
    pixels = UnroundedPixels(unit, kind)
    assert pixels.shape == (30, 40, 3) and pixels.dtype == dtype
    top = np.iinfo(dtype).max
    expected = resize(np.rint(noise.clip(0, 1) * top).astype(dtype), *size)
    made = np.asarray(resize_on_card(pixels, *size))
    assert made.shape == expected.shape and made.dtype == dtype
    assert np.abs(made.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("weigh", [weigh_area, weigh_lanczos])
@pytest.mark.parametrize("sides", [(7, 3), (1440, 720), (1000, 333), (5, 5)])
def test_weights_add_up_to_one_and_stay_inside(weigh, sides):
    places, weights = weigh(*sides)
    assert weights.shape == places.shape == (len(places), sides[1])
    assert np.allclose(weights.sum(axis=0), 1)
    assert places.min() >= 0 and places.max() < sides[0]


def test_halving_reads_two_pixels():
    assert len(weigh_area(1440, 720)[0]) == 2

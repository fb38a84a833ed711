"""Enlarged pictures have the low frequencies of the film."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from helpers.imaging.resample import resize
from helpers.nn.card import upload
from helpers.nn.consistency import hold_on_card
from helpers.stages.upscale.consistency import BLUR, hold_to_source
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from tests.support.esrgan import weights_of
from tests.support.law import one_picture
from tests.support.paths import TALK


def pictures(dtype=np.uint8, size=(160, 120), source=(40, 30)):
    """A source with soft shapes, and a picture that a network might make of it."""
    draw = np.random.default_rng(5)
    top = np.iinfo(dtype).max
    small = cv2.GaussianBlur(draw.uniform(0.2, 0.8, (source[1], source[0], 3)), (0, 0), 3)
    small = (small * top).astype(dtype)
    made = resize(small, *size, "bicubic").astype(float)
    made += draw.normal(0, 0.02 * top, made.shape) + np.array([0.02, -0.01, 0.03]) * top
    return np.clip(made, 0, top).astype(dtype), small


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(160, 120), (61, 47), (30, 20), (80, 20)])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_colour_and_shading_are_those_of_the_source(dtype, size, strength):
    made, source = pictures(dtype, size)
    held = hold_to_source(made, source, strength)
    assert held.shape == made.shape and held.dtype == dtype
    unit = np.iinfo(dtype).max / 255
    known = resize(source, *size, "bicubic")
    off = held.mean((0, 1)) - known.mean((0, 1))
    assert np.abs(made.mean((0, 1)) - known.mean((0, 1))).max() > 2 * unit
    assert np.abs(off).max() < 0.3 * unit
    blurred = [cv2.GaussianBlur(one.astype(float), (0, 0), 12) for one in (held, known)]
    assert np.abs(blurred[0] - blurred[1]).max() < 2 * unit


def test_fine_detail_stays():
    made, source = pictures()
    held = hold_to_source(made, source)
    fine = [one - cv2.GaussianBlur(one.astype(float), (0, 0), 2) for one in (made, held)]
    assert np.corrcoef(fine[0].ravel(), fine[1].ravel())[0, 1] > 0.99


def test_strength_is_the_share_of_the_network():
    made, source = pictures()
    whole = hold_to_source(made, source).astype(float)
    plain = cv2.resize(source.astype(np.float32), (160, 120), interpolation=cv2.INTER_CUBIC)
    half = hold_to_source(made, source, 0.5)
    assert np.abs(half - (whole + plain) / 2).max() < 1.1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(160, 120), (61, 47), (30, 20), (9, 7)])
def test_a_card_gives_what_the_processor_gives(dtype, size):
    made, source = pictures(dtype, size)
    there = hold_on_card(upload(made, "cpu"), upload(source, "cpu"), 0.7, BLUR)
    here = hold_to_source(made, source, 0.7)
    unit = np.iinfo(dtype).max // 255
    assert np.abs(np.asarray(there).astype(int) - here).max() <= unit


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("strength", [None, Fraction(1, 2)])
def test_a_film_keeps_its_colours_when_it_is_enlarged(scale, strength):
    weights_of("animevideov3")
    frame = one_picture(open_video(TALK)[10].image)
    made = Upscale("animevideov3", scale, strength=strength)(frame)[0].image
    plain = Upscale("bicubic", scale)(frame)[0].image
    assert np.abs(made.mean((0, 1)) - plain.mean((0, 1))).max() < 0.5


def test_without_strength_the_picture_is_plainly_enlarged():
    weights_of("animevideov3")
    frame = one_picture(open_video(TALK)[10].image)
    made = Upscale("animevideov3", 2, strength=0)(frame)[0].image
    assert np.array_equal(made, Upscale("bicubic", 2)(frame)[0].image)

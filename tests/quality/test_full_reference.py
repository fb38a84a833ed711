"""The measures that compare with a known truth."""

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from helpers.imaging.luma import brightness
from helpers.quality.full_reference import (
    MEASURES,
    colour_difference,
    compare_pictures,
    flicker,
    ms_ssim,
    psnr,
    ssim,
)
from tests.support.worn_films import panning

FILM = panning(4, 192, 192)


def noisy(image: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    grain = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)


def test_equal_pictures_are_as_near_as_can_be():
    found = compare_pictures(FILM, FILM)
    assert found["psnr"] == 99 and found["ssim"] == found["ms_ssim"] == 1
    assert found["colour"] == 0 and found["flicker"] == found["edges"] == 1
    assert set(found) == set(MEASURES) - {"vmaf"}


def test_psnr_is_that_of_the_textbook():
    flat = np.full((8, 8, 3), 100, np.uint8)
    assert psnr(flat + 10, flat) == pytest.approx(20 * np.log10(255 / 10))


def test_ssim_is_that_of_scikit_image():
    a, b = brightness(FILM[0]), brightness(noisy(FILM[0], 12))
    theirs = structural_similarity(
        a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(a, b) == pytest.approx(theirs, abs=0.002)


def test_structure_of_all_sizes_forgives_fine_noise_but_not_a_coarse_change():
    luma = brightness(FILM[0])
    grain = brightness(noisy(FILM[0], 12))
    blurred = cv2.GaussianBlur(luma, (0, 0), 6)
    assert ms_ssim(luma, luma) == pytest.approx(1)
    assert ms_ssim(grain, luma) > ssim(grain, luma) + 0.05
    assert ms_ssim(grain, luma) > ms_ssim(blurred, luma)


def test_structure_of_a_small_picture_is_measured_on_fewer_scales():
    small = brightness(FILM[0][:24, :24])
    assert ms_ssim(small, small) == pytest.approx(1)
    assert 0 <= ms_ssim(brightness(noisy(FILM[0], 30)[:24, :24]), small) < 1


def test_colours_are_compared_as_the_eye_does():
    grey = np.full((4, 4, 3), 128.0, np.float32)
    red, light = grey + np.float32((12, 0, 0)), grey + 12
    assert colour_difference(grey, grey) == 0
    assert colour_difference(red, grey) > colour_difference(light, grey) > 1


def test_flicker_is_what_differs_along_the_motion():
    lumas = [brightness(image) for image in FILM]
    pulsing = [luma + (8 if n % 2 else -8) for n, luma in enumerate(lumas)]
    assert flicker(lumas, lumas) == 1
    assert flicker(pulsing, lumas) > 3


def test_sixteen_bits_are_measured_like_eight():
    deep = [image.astype(np.uint16) * 257 for image in FILM[:2]]
    worse = [noisy(image, 5) for image in FILM[:2]]
    for name, value in compare_pictures(worse, FILM[:2]).items():
        same = compare_pictures([one.astype(np.uint16) * 257 for one in worse], deep)[name]
        assert same == pytest.approx(value, rel=0.02)

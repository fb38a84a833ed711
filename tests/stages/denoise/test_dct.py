"""Shrinking what is small in blocks of the picture."""

import numpy as np

from helpers.stages.denoise.dct import shrink
from tests.support.worn_films import moving, noisy


def test_noise_may_differ_from_place_to_place():
    image = noisy(moving(1), 8)[0].astype(np.float32)
    sigma = np.zeros(image.shape[:2], np.float32)
    sigma[:, 60:] = 8
    made = shrink(image, sigma, 0.0)
    assert np.abs(made[:, :40] - image[:, :40]).max() < 0.1
    assert np.abs(made[:, 80:] - image[:, 80:]).mean() > 3

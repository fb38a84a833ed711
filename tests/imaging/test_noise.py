"""Noise and blocks are measured."""

import numpy as np
import pytest

from helpers.imaging.noise import measure_blockiness, measure_noise
from tests.support.worn_films import moving, noisy


@pytest.mark.parametrize("sigma", [3, 8, 20])
def test_noise_is_measured(sigma):
    noise = measure_noise(*noisy(moving(2), sigma))
    assert abs(noise.sigma / sigma - 1) < 0.2
    assert noise.alike < 0.25


def test_blocks_are_seen():
    smooth = moving(1)[0]
    coarse = smooth.astype(np.float32).reshape(12, 8, 15, 8, 3).mean(axis=(1, 3))
    blocks = coarse.repeat(8, 0).repeat(8, 1).astype(np.uint8)
    assert measure_blockiness(smooth) < 1.3
    assert measure_blockiness(blocks) > 5

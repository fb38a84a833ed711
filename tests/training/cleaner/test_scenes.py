"""Scenes that are made of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.training.cleaner.scenes import Scene


@pytest.mark.parametrize("shape", [(64, 300), (300, 64), (70, 70)])
def test_scenes_are_made_of_pictures_of_any_shape(shape):
    picture = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    for seed in range(40):
        frame = Scene([picture], np.random.default_rng(seed), 96).draw(0.5)
        assert frame.shape == (96, 96) and 0 <= frame.min() <= frame.max() <= 255.5

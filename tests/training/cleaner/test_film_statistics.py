"""What a film tells of its grain and its damage."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.training.cleaner.film_statistics import extract_grain_and_damage
from tests.support.clips import clip_of
from tests.support.worn_films import dusty, panning


def test_a_film_gives_its_grain_and_its_damage():
    images = panning(5, 160, 140, speed=0)
    dice = np.random.default_rng(1)
    grainy = [
        np.rint((i + dice.normal(0, 4, i.shape[:2])[..., None]).clip(0, 255)).astype(np.uint8)
        for i in images
    ]
    grains, overlays = extract_grain_and_damage(clip_of(dusty(grainy, 2)[0]))
    assert grains and 2.5 < np.mean([piece.std() for piece in grains]) < 5
    assert len(overlays) == 2
    with pytest.raises(ModelError, match="at least 3 are needed"):
        extract_grain_and_damage(clip_of(images[:2]))

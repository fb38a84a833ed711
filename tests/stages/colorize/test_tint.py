"""Tones go from dark to light."""

import numpy as np
import pytest

from helpers.catalog.load import load_colorizer
from helpers.imaging.color_matrix import (
    chroma_of,
    luma_of,
)
from helpers.stages.colorize.tint import TONES, Tint
from tests.support.color_films import MATRIX


@pytest.mark.parametrize("tone", TONES)
def test_a_tone_goes_from_dark_to_light_and_is_coloured(tone):
    luma = np.linspace(0, 1, 128, dtype=np.float32)[None].repeat(128, 0)
    (made,) = load_colorizer("tint", tone).colours([luma], 8)
    assert made.shape == (128, 128, 3) and made.dtype == np.float32
    assert made.min() >= 0 and made.max() <= 1
    assert (np.diff(luma_of(made, MATRIX)[0]) >= -1e-6).all()
    assert np.abs(chroma_of(made, MATRIX)).max() * 255 > 3
    assert Tint(tone).render_factor == 24

"""Spectra, and what is taken out of them."""

from __future__ import annotations

import numpy as np

from helpers.audio import (
    spectral_denoise,
)
from tests.support.sounds import gain, noise, voice


def test_spectra_untouched_are_the_sound_again():
    for rate, count in ((8000, 1), (16_000, 777), (44_100, 30_001)):
        samples = noise(count, 0.3)[0]
        spectra = spectral_denoise.Spectra(rate, count)
        assert np.allclose(spectra.invert(spectra.transform(samples)), samples, atol=1e-5)


def test_rumble_goes_and_the_voice_stays():
    truth, time = voice(4.0), np.arange(64_000) / 16_000
    samples = truth + (0.2 * np.sin(2 * np.pi * 17 * time)).astype(np.float32)
    assert gain(samples, spectral_denoise.cut_rumble(samples, 16_000, 60), truth) > 12

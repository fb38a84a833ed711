"""Loudness, peaks and quiet stretches."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers.audio.filters import (
    find_quiet_stretch,
    limit_peaks,
    measure_loudness,
    set_loudness,
)
from helpers.audio.track import Sound, resample
from tests.support.sounds import noise, voice


def test_the_quiet_stretch_is_found():
    samples = np.concatenate([voice(1.5) + 0, np.zeros((1, 12_000)), voice(1.5)], 1)
    sound = Sound((samples + noise(60_000, 0.003)).astype(np.float32), 16_000, Fraction(10))
    begin, end = find_quiet_stretch(sound)
    assert 11.3 < begin < end < 12.4


# --- loudness -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [-23.0, -16.0])
def test_loudness_is_reached_and_the_peak_held(target):
    sound = Sound(voice(6.0, 48_000) * 0.2, 48_000)
    found = measure_loudness(set_loudness(sound, target, -1.5))
    assert found.integrated == pytest.approx(target, abs=0.5) and found.peak <= -1.4


def test_the_limiter_holds_peaks_between_samples():
    time = np.arange(48_000) / 48_000
    tone = (0.9 * np.sin(2 * np.pi * 12_000 * time + np.pi / 4))[None].astype(np.float32)
    made = limit_peaks(tone, 48_000, 2.0, 0.5)
    assert np.abs(resample(made, 48_000, 384_000)[:, 800:-800]).max() <= 0.505

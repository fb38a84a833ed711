"""Loudness is set, and peaks are held without flattening what is loud."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio.loudness import limit_peaks, measure_loudness, set_loudness
from helpers.audio.track import Sound, resample
from tests.support.sounds import voice


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


def test_loud_words_are_not_pressed_down():
    """The limiter lowered loud words by up to 5 dB, so that a talk could reach -16 LUFS."""
    samples = voice(6.0) * 0.05
    samples[:, 40_000:56_000] *= 8
    sound = Sound(samples, 16_000)
    made = set_loudness(sound, -10.0, -1.5, most=40.0)
    share = made.samples[samples != 0] / samples[samples != 0]
    assert share.min() > 0.8 * share.max()
    assert -25 < measure_loudness(made).integrated < -10 and measure_loudness(made).peak <= -1.4
    forced = set_loudness(sound, -10.0, -1.5).samples[samples != 0] / samples[samples != 0]
    assert forced.min() < 0.8 * forced.max()


def test_the_gain_has_a_limit():
    sound = Sound(voice(3.0) * 0.01, 16_000)
    made = set_loudness(sound, -16.0, -1.5, most=6.0)
    assert np.allclose(made.samples, sound.samples * 10 ** (6 / 20), rtol=1e-4)

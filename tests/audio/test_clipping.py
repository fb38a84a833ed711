"""Clipped peaks are found and restored; round ones are left."""

from __future__ import annotations

import numpy as np

from helpers.audio.clipping import find_clipping
from helpers.audio.diagnose import diagnose
from helpers.audio.filters import repair_clipping
from helpers.audio.track import Sound, resample
from tests.support.sounds import gain, voice


def test_cut_peaks_are_rounded_out():
    truth = voice(4.0)
    samples = np.clip(truth, -0.15, 0.15)
    found = diagnose(Sound(samples, 16_000))
    repaired = repair_clipping(Sound(samples, 16_000)).samples
    assert found.clipped > 0.001 and gain(samples, repaired, truth) > 2
    assert not diagnose(Sound(truth, 16_000)).clipped


def test_the_round_peaks_of_a_high_rate_are_not_clipped():
    """At 192 kHz the top of every wave is many samples long."""
    loud = resample(voice(2.0) * 3, 16_000, 192_000)[0]
    assert not find_clipping(loud)[0].any()

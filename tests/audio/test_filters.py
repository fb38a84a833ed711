"""Quiet stretches are found."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from helpers.audio.filters import find_quiet_stretch
from helpers.audio.track import Sound
from tests.support.sounds import noise, voice


def test_the_quiet_stretch_is_found():
    samples = np.concatenate([voice(1.5) + 0, np.zeros((1, 12_000)), voice(1.5)], 1)
    sound = Sound((samples + noise(60_000, 0.003)).astype(np.float32), 16_000, Fraction(10))
    begin, end = find_quiet_stretch(sound)
    assert 11.3 < begin < end < 12.4

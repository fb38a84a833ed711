"""What is wrong with a sound is measured."""

from __future__ import annotations

import pytest
from scipy.signal import butter, sosfiltfilt

from helpers.audio import (
    measures,
)
from helpers.audio.diagnose import diagnose
from helpers.audio.track import Sound
from tests.support.paths import TALK
from tests.support.sounds import noise, voice

# --- diagnosis ----------------------------------------------------------------------------------


def test_the_sample_talk_is_diagnosed():
    found = diagnose(TALK)
    assert found.preset == "talk" and found.hum and found.hum.base == pytest.approx(50, abs=0.1)
    assert 8 < found.snr < 20 and found.bandwidth < 8000 and "talk" in repr(found)


def test_the_noise_is_estimated():
    quiet, loud = (diagnose(Sound(voice(6.0) + noise(96_000, size), 16_000)).snr
                   for size in (0.001, 0.02))  # fmt: skip
    assert quiet > loud + 15
    dull = sosfiltfilt(butter(8, 4000, fs=48_000, output="sos"), noise(96_000, 0.1))
    assert 3000 < measures.bandwidth(dull, 48_000) < 7000
    assert measures.bandwidth(noise(96_000, 0.1), 48_000) == 24_000

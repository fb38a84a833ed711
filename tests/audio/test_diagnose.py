"""What is wrong with a sound is measured."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from helpers.audio import (
    measures,
)
from helpers.audio.diagnose import diagnose
from helpers.audio.track import Sound
from tests.support.paths import TALK, data_path
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


def test_music_is_not_taken_for_speech():
    """A piano's notes come as fast as syllables; the music of a silent film was called a talk."""
    dice, time = np.random.default_rng(0), np.arange(8_000) / 16_000
    samples = np.zeros(160_000)
    for start in range(0, 150_000, 4_000):
        for note in dice.choice(np.arange(40, 70), 3):
            tone = 440 * 2 ** ((note - 57) / 12)
            partials = sum(np.sin(2 * np.pi * n * tone * time) / n for n in range(1, 8))
            samples[start : start + 8_000] += (0.03 * partials * np.exp(-6 * time))[
                : 160_000 - start
            ]
    music = Sound((samples + noise(160_000, 0.0003))[0][None].astype(np.float32), 16_000)
    assert measures.rhythm(music.samples, 16_000).syllables > 0.3
    assert diagnose(music).preset == "film"
    assert diagnose(Sound(voice(10.0), 16_000)).preset == "talk"


@pytest.mark.data
def test_the_music_of_a_silent_film_is_not_taken_for_speech():
    assert diagnose(data_path("clips/oldfilm_chaplin.mp4")).preset == "film"
    assert diagnose(data_path("clips/oldfilm_friday_speech.mp4")).preset == "talk"


def test_noise_is_not_taken_for_speech():
    assert diagnose(Sound(noise(160_000, 0.01), 16_000)).preset == "film"

"""A recording from elsewhere is laid where it belongs; music is as long as the film."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from helpers.audio import (
    clean_audio,
)
from helpers.audio.align import align_file, fit_music
from helpers.audio.track import Sound, SoundError, resample
from tests.support.sounds import noise, voice

pytestmark = pytest.mark.usefixtures("models")

# --- from elsewhere -----------------------------------------------------------------------------


@pytest.mark.parametrize("late", [0, 5000, -3217])
def test_a_file_from_elsewhere_is_laid_where_it_belongs(tmp_path, late):
    truth = voice(9.0) * np.linspace(0.5, 1.5, 144_000, dtype=np.float32)
    truth += noise(144_000, 0.004, 9)
    sound = Sound(truth + noise(144_000, 0.01), 16_000, Fraction(1, 7))
    other = np.pad(truth, ((0, 0), (late, 0))) if late >= 0 else truth[:, -late:]
    file = Sound(resample(other, 16_000, 44_100), 44_100).save(tmp_path / "other.wav")
    made = clean_audio(sound, str(file)).sound
    assert (made.rate, made.start) == (44_100, sound.start)
    assert len(made) == math.ceil(sound.seconds * 44_100)
    wanted = resample(truth, 16_000, 44_100)[:, 10_000:-10_000]
    assert np.abs(made.samples[:, 10_000 : 10_000 + wanted.shape[1]] - wanted).max() < 0.02


def test_another_recording_is_refused(tmp_path):
    file = Sound(noise(100_000, 0.1, 5), 16_000).save(tmp_path / "other.wav")
    with pytest.raises(SoundError, match="does not sound like it"):
        align_file(Sound(voice(5.0), 16_000), file)


@pytest.mark.parametrize("seconds", [Fraction(1, 30), Fraction(3), Fraction(11)])
@pytest.mark.parametrize("loop", [True, False])
def test_music_is_as_long_as_the_film(seconds, loop):
    music = Sound(voice(3.0, 48_000), 48_000)
    made = fit_music(music, seconds, start=Fraction(1, 2), loop=loop)
    assert len(made) == round(seconds * 48_000) and made.start == Fraction(1, 2)
    assert abs(made.samples[0, -1]) < 0.01 and np.abs(made.samples).max() < 1
    if seconds == 11:
        assert bool(np.abs(made.samples[0, 5 * 48_000 :]).max() > 0.05) == loop

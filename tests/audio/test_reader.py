"""Sound is read to the sample, where it is in the film."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers.audio.reader import read_sound, track_count
from helpers.audio.track import Sound, SoundError
from tests.support.films import ffmpeg
from tests.support.paths import TALK, data_path
from tests.support.sounds import noisy_film, voice

# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "rate", "channels"),
    [
        ("pcm_s16le", 8_000, 1),
        ("pcm_s24le", 44_100, 2),
        ("pcm_f32le", 48_000, 6),
        ("flac", 96_000, 2),
        ("aac", 22_050, 2),
    ],
)
def test_every_sample_is_read(tmp_path, codec, rate, channels):
    sound = np.repeat(voice(rate=rate), channels, 0) * np.linspace(1, 0.3, channels)[:, None]
    path = noisy_film(tmp_path / "a.mkv", sound.astype(np.float32), rate=rate, codec=codec)
    found = read_sound(path)
    assert (found.rate, len(found.samples), found.track) == (rate, channels, 0)
    if codec == "aac":
        assert abs(len(found) - sound.shape[1]) <= 1024
    else:
        assert len(found) == sound.shape[1]
        assert np.abs(found.samples - sound).max() < (1e-4 if codec == "pcm_s16le" else 1e-6)


@pytest.mark.parametrize("ending", ["mp4", "mov"])
def test_what_an_encoder_added_is_left_out(tmp_path, ending):
    path = noisy_film(tmp_path / f"a.{ending}", voice(2.9), codec="aac")
    assert len(read_sound(path)) == round(2.9 * 16_000)


def test_a_late_track_says_so(tmp_path):
    path = noisy_film(tmp_path / "a.mkv", voice(), late=0.37)
    assert read_sound(path).start == Fraction(37, 100)


def test_a_gap_becomes_silence(tmp_path):
    first = Sound(voice(1.0), 16_000).save(tmp_path / "a.wav")
    ffmpeg(
        *("-i", first, "-itsoffset", "1.5", "-i", first, "-map", "0:a", "-map", "1:a"),
        *("-c:a", "pcm_s16le", tmp_path / "two.mkv"),
    )
    ffmpeg(
        *("-i", first, "-af", "asetpts='PTS+if(gte(T,0.5),1,0)/TB'", "-c:a", "pcm_s16le"),
        tmp_path / "gap.mkv",
    )
    found = read_sound(tmp_path / "gap.mkv")
    assert abs(float(found.seconds) - 2) < 0.1 and "missing" in found.notes[0]
    assert track_count(tmp_path / "two.mkv") == 2


def test_what_is_no_sound_is_refused(tmp_path):
    with pytest.raises(SoundError, match="has no sound"):
        read_sound(noisy_film(tmp_path / "a.mkv"))
    with pytest.raises(SoundError, match="0 to 0"):
        read_sound(TALK, 3)


@pytest.mark.data
def test_a_damaged_track_is_read_as_far_as_it_goes():
    found = read_sound(data_path("clips/short_audio.mp4"))
    assert abs(float(found.seconds) - 11.2) < 0.1

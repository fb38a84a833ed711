"""Sound is read to the sample, where it is in the film."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers.audio.reader import read_sound, track_count
from helpers.audio.track import Sound, SoundError
from tests.support.films import ffmpeg
from tests.support.flashes import click_times, write_source
from tests.support.odd_times import moved_sound
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


@pytest.mark.parametrize("ending", ["mkv", "ts", "mp4"])
def test_sound_counts_from_the_start_of_the_film(tmp_path, ending):
    options = ("-output_ts_offset", "7.77")
    path = noisy_film(tmp_path / f"a.{ending}", voice(), late=0.37, codec="mp2", options=options)
    assert float(read_sound(path).start) == pytest.approx(0.37, abs=0.04)


def test_one_wrong_timestamp_moves_nothing(tmp_path):
    path = write_source(tmp_path, "a.flv", "pcm_s16le")
    right = read_sound(path)
    for by in (2000, -300):
        found = read_sound(moved_sound(write_source(tmp_path, "b.flv", "pcm_s16le"), 20, 21, by))
        assert np.array_equal(found.samples, right.samples) and not found.notes


@pytest.mark.parametrize("by", [300, -300])
def test_sound_that_moves_for_good_is_followed(tmp_path, by):
    path = write_source(tmp_path, "a.flv", "pcm_s16le")
    before = click_times(read_sound(path).save(tmp_path / "a.wav"))
    found = read_sound(moved_sound(path, 15, 10_000, by))
    after = click_times(found.save(tmp_path / "b.wav"))
    assert np.subtract(after, before) == pytest.approx([0, *[by / 1000] * 3], abs=0.002)
    assert ("missing" if by > 0 else "there twice") in found.notes[0]


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

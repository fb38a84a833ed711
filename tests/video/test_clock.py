"""Where a film's clock jumps, picture and sound go on together."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers import open_video, write_video
from helpers.audio.reader import read_sound
from helpers.video.clock import EVEN, find_clock
from helpers.video.even import even_film
from tests.support.films import H264, ffmpeg, film
from tests.support.flashes import click_times, flash_times, write_source
from tests.support.kinds import kinds
from tests.support.odd_films import joined
from tests.support.odd_times import jumped, later, uneven
from tests.support.ranges import assert_ranges_equal_the_whole, shares

LATE = 7200
"""Seconds at which the clock of some recordings begins, so that it can be set back by an hour."""


def jump(ending, by):
    def make(folder, path):
        return jumped(path, folder / f"jumped{ending}", Fraction(3, 2), by)

    return ".flv" if ending == ".mkv" else ending, make


def join(ending, *parts):
    def make(folder, path):
        made = [part(path, folder / f"{n}{ending}") for n, part in enumerate(parts)]
        return joined(folder / f"joined{ending}", *made)

    return ending, make


def whole(path, copy):
    return path


def late(path, copy):
    return later(path, copy, LATE)


def an_hour_before(path, copy):
    return later(path, copy, LATE - 3600)


def picture_ends(path, copy):
    return uneven(path, copy, 3.3, 4.4)


def sound_ends(path, copy):
    return uneven(path, copy, 4.4, 3.3)


BREAKS = {
    "20 s on, ts": jump(".ts", 20),
    "an hour on, ts": jump(".ts", 3600),
    "20 s on, flv": jump(".flv", 20),
    "20 s on, mkv": jump(".mkv", 20),
    "an hour on, mp4": jump(".mp4", 3600),
    "twice, ts": join(".ts", whole, whole),
    "twice, vob": join(".vob", whole, whole),
    "twice, mpg": join(".mpg", whole, whole),
    "two hours on, ts": join(".ts", whole, late),
    "an hour back, ts": join(".ts", late, an_hour_before),
    "picture ends first, ts": join(".ts", picture_ends, whole),
    "sound ends first, ts": join(".ts", sound_ends, whole),
    "three, ts": join(".ts", sound_ends, picture_ends, whole),
}
QUICK = ("20 s on, ts",)


def assert_in_step(flashes, clicks):
    """Every flash is within 40 ms of a click; where either ends early, the other has more."""
    assert len(flashes) >= 2
    distances = np.abs(np.subtract.outer(flashes, clicks)).min(axis=1)
    alone = [time for time, far in zip(flashes, distances, strict=True) if far > 0.3]
    assert len(alone) <= 2 and all(far < 0.04 or far > 0.3 for far in distances), distances


@pytest.mark.parametrize("kind", kinds(BREAKS, QUICK))
def test_picture_and_sound_stay_together_where_the_clock_jumps(tmp_path, kind):
    ending, make = BREAKS[kind]
    path = make(tmp_path, write_source(tmp_path, f"a{ending}", SOUNDS[ending]))
    clip = open_video(path)
    assert clip.end < 14 and 20 < clip.info.fps <= 25.1
    assert "the clock of the film jumps" in " ".join(clip.notes)
    assert_ranges_equal_the_whole(clip, shares(clip))
    result = tmp_path / "result.mkv"
    write_video(clip, result, source=path)
    assert_in_step(flash_times(result), click_times(result))
    sound = read_sound(path).save(tmp_path / "sound.wav")
    start = float(read_sound(path).start)
    assert_in_step(
        [float(frame.time) for frame in clip if frame.image.mean() > 230],
        [time + start for time in click_times(sound)],
    )


def test_a_film_that_its_own_format_does_not_take_is_copied_all_the_same(tmp_path, monkeypatch):
    """A damaged header may state what no file of its kind may."""
    path = jump(".flv", 20)[1](tmp_path, write_source(tmp_path, "a.flv", "aac"))
    monkeypatch.setattr("helpers.video.even.FORMATS", {"flv": "wav"})
    with even_film(path, tmp_path) as even:
        assert len(open_video(even)) == len(open_video(path))
        assert find_clock(even) == EVEN


SOUNDS = {".ts": "aac", ".flv": "aac", ".mkv": "aac", ".mp4": "aac", ".vob": "ac3", ".mpg": "mp2"}


def test_a_gap_in_the_sound_alone_is_no_break(tmp_path):
    path = tmp_path / "a.ts"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=16", "-f", "lavfi", "-i", "sine=d=3"),
        *("-c:v", "mpeg4", "-af", "asetpts='PTS+if(gte(T,1),12,0)/TB'", "-c:a", "mp2", path),
    )
    assert find_clock(path) == EVEN
    assert read_sound(path).seconds == pytest.approx(15, abs=0.1)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_picture_that_is_shown_for_long_is_no_break(tmp_path, name):
    options = ("-c:v", "mjpeg") if name == "a.avi" else H264
    clip = open_video(film(tmp_path / name, *options, count=4, rate="1/30"))
    assert clip.times == (0, 30, 60, 90) and not clip.notes


def test_the_clock_of_an_ordinary_film_runs_on(tmp_path):
    for name in ("a.mp4", "a.mkv", "a.avi", "a.ts"):
        assert find_clock(write_source(tmp_path, name, "aac")) == EVEN

"""Tests that sound stays where it was: a click and a white picture at the same instant."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest

from helpers import Plan, Trim, open_video, restore, write_video
from helpers.audio import clean_audio
from helpers.clip import MemoryClip
from helpers.project.report import sound_offset_ms
from helpers.video.mux import copy_with_sound, join
from tests.support.films import ffmpeg
from tests.support.flashes import COUNT, FLASHES, click_times, flash_times, write_source
from tests.support.kinds import kinds


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A maker of films with B-frames whose picture or sound begins late; each is made once."""
    return cache(lambda *what: write_source(tmp_path_factory.mktemp("source"), *what))


@cache
def offsets(path):
    """Return how much later than each flash its click comes, in milliseconds."""
    flashes, clicks = flash_times(path), click_times(path)
    assert len(flashes) == len(clicks), (flashes, clicks)
    return np.subtract(clicks, flashes) * 1000


def assert_in_step(original, result, flashes=slice(None)):
    change = offsets(result) - offsets(original)[flashes]
    assert np.abs(change).max() < 5, change


@cache
def cleaned(path):
    """The film's sound, made as loud as it should be."""
    return clean_audio(path, "loudness").tracks


SOURCES = {
    "aac.mp4": ("a.mp4", "aac"),
    "mp3.mp4": ("a.mp4", "libmp3lame"),
    "aac.mkv": ("a.mkv", "aac"),
    "mp3.mkv": ("a.mkv", "libmp3lame"),
    "pcm.mkv": ("a.mkv", "pcm_s16le"),
    "vorbis.mkv": ("a.mkv", "libvorbis"),
    "aac.ts": ("a.ts", "aac"),
    "mp3.avi": ("a.avi", "libmp3lame"),
}
QUICK = ("aac.mp4", "pcm.mkv", "aac.ts")
LATE = {"together": (0, 0), "sound late": (0, 0.37), "picture late": (0.52, 0)}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("kind", kinds(SOURCES, quick=()))
def test_written_sound_keeps_step(tmp_path, source, kind, late):
    path = source(*SOURCES[kind], *LATE[late])
    result = tmp_path / "result.mp4"
    write_video(open_video(path), result, source=path)
    assert_in_step(path, result)


@pytest.mark.slow
@pytest.mark.parametrize("kind", QUICK)
def test_written_to_matroska_sound_keeps_step(tmp_path, source, kind):
    path = source(*SOURCES[kind], 0, 0.37)
    write_video(open_video(path), tmp_path / "result.mkv", source=path)
    assert_in_step(path, tmp_path / "result.mkv")


@pytest.mark.slow
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("kind", QUICK)
def test_a_stretch_keeps_step(tmp_path, source, kind, late):
    path = source(*SOURCES[kind], *LATE[late])
    whole = open_video(path)
    clip = Trim(whole.times[66], whole.times[90])(whole)
    result = tmp_path / "result.mp4"
    write_video(clip, result, source=path, start=clip.times[0], stop=clip.end)
    assert_in_step(path, result, slice(2, 3))


@pytest.mark.slow
@pytest.mark.parametrize("start", [None, Fraction(1)])
def test_a_restored_film_keeps_step(tmp_path, source, start):
    path = source("a.mp4", "aac", 0, 0.1)
    plan = Plan.of(upscale="bicubic", scale=Fraction(2), interpolate="none", start=start)
    result = tmp_path / "result.mp4"
    report = restore(path, result, plan=plan, progress=False)
    assert_in_step(path, result, slice(1 if start else 0, None))
    assert abs(report.sound_offset_ms) < 1


@pytest.mark.slow
def test_joined_recordings_keep_step(tmp_path, source):
    path = source("a.ts", "aac")
    (tmp_path / "joined.ts").write_bytes(path.read_bytes() * 2)
    clip = open_video(tmp_path / "joined.ts")
    write_video(clip, tmp_path / "result.mp4", source=tmp_path / "joined.ts")
    found = offsets(tmp_path / "result.mp4")
    assert len(found) == 2 * len(FLASHES)
    assert np.abs(found[:4] - offsets(path)).max() < 5
    assert np.abs(found[4:] - offsets(path)).max() < 5


@pytest.mark.slow
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("kind", QUICK)
def test_cleaned_sound_keeps_step(tmp_path, source, kind, late, ending, keep):
    """So does the original that is kept: that of an MPEG-TS came 347 ms early."""
    path = source(*SOURCES[kind], *LATE[late])
    result = tmp_path / f"result.{ending}"
    copy_with_sound(path, result, cleaned(path), keep=keep)  # looks at every track itself
    assert_in_step(path, result)
    assert abs(sound_offset_ms(path, result)) < 1


@pytest.mark.slow
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("kind", QUICK)
def test_a_stretch_of_cleaned_sound_keeps_step(tmp_path, source, kind, late):
    path = source(*SOURCES[kind], *LATE[late])
    whole = open_video(path)
    clip = Trim(whole.times[66], whole.times[90])(whole)
    write_video(clip, tmp_path / "picture.mp4")
    result = tmp_path / "result.mp4"
    ends = clip.times[0], clip.end
    join(tmp_path / "picture.mp4", clip.times[0], result, path, *ends, None, cleaned(path), False)
    assert_in_step(path, result, slice(2, 3))


@pytest.mark.parametrize("shift", [40, -25, 0, 333])
def test_the_report_measures_a_shift(tmp_path, source, shift):
    path = source("a.mkv", "pcm_s16le", 0, 0.4)
    shifted = tmp_path / "shifted.mkv"
    ffmpeg(
        *("-i", path, "-itsoffset", shift / 1000, "-i", path),
        *("-map", "0:v", "-map", "1:a", "-c", "copy", shifted),
    )
    assert sound_offset_ms(path, shifted) == pytest.approx(shift, abs=1)


@pytest.mark.parametrize("shift", [40, -25])
def test_the_report_measures_a_shift_of_a_stretch_in_another_codec(tmp_path, source, shift):
    path = source("a.mp4", "aac")
    shifted = tmp_path / "shifted.mp4"
    ffmpeg(
        *("-ss", "1", "-i", path, "-i", path, "-map", "0:v", "-map", "1:a"),
        *("-af", f"atrim=start={1 - shift / 1000},asetpts=PTS-STARTPTS", "-c:a", "libmp3lame"),
        shifted,
    )
    assert sound_offset_ms(path, shifted, Fraction(1)) == pytest.approx(shift, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_picture_before_the_start_is_kept(tmp_path, source, ending):
    path = source("a.mkv", "pcm_s16le", 0, 0.1)
    clip = open_video(path)
    early = MemoryClip(
        [frame.image for frame in clip],
        [t - Fraction(2, 25) for t in clip.times],
        clip.end - Fraction(2, 25),
    )
    result = tmp_path / f"result.{ending}"
    write_video(early, result, source=path)
    with av.open(str(result)) as container:
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert len(times) == COUNT and times[0] == 0
    assert np.abs(offsets(result) - offsets(path) - 80).max() < 5


@pytest.mark.slow
@pytest.mark.parametrize("audio", ["none", "loudness"])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("when", ["ended", "begun"])
def test_a_stretch_may_lie_where_there_is_no_sound(tmp_path, source, when, ending, audio):
    """A start without a stop failed where the sound had ended by then."""
    film, stretch = tmp_path / "film.mp4", {"start": 2, "stop": 0}
    if when == "ended":
        ffmpeg("-i", source("a.mp4", "aac"), "-c:v", "copy", "-af", "atrim=0:1", film)
    else:
        plain, stretch = source("a.mp4", "aac"), {"stop": 1}
        ffmpeg("-i", plain, "-itsoffset", 2, "-i", plain, "-map", "0:v", "-map", "1:a",
               "-c", "copy", film)  # fmt: skip
    plan = Plan.of(upscale="none", interpolate="none", audio=audio, **stretch)
    report = restore(film, tmp_path / f"b.{ending}", plan=plan, progress=False)
    note = "audio track 1 (aac) has nothing in this stretch and was left out"
    assert (note in report.notes) == (when == "begun" and ending == "mp4")

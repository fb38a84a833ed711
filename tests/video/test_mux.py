"""Tests that sound stays where it was: a click and a white picture at the same instant.

Flash and click are found here by decoding, without the help of report.py, which is tested too.
"""

from __future__ import annotations

import wave
from fractions import Fraction
from functools import cache
from itertools import pairwise

import av
import numpy as np
import pytest

from helpers import Plan, Trim, open_video, restore, write_video
from helpers.audio import clean_audio
from helpers.project.report import sound_offset_ms
from helpers.video.mux import copy_with_sound, join
from tests.support.films import ffmpeg, picture
from tests.support.kinds import kinds

RATE = 44_100
FPS = 25
SIZE = (80, 64)
FLASHES = (10, 40, 70, 95)
COUNT = 110


@cache
def flashing():
    """Make pictures that are white at FLASHES, and a matching sound of clicks, as raw bytes."""
    sound = np.random.default_rng(0).normal(0, 30, COUNT * RATE // FPS)
    burst = 20_000 * np.sin(np.arange(200) / 4) * np.exp(-np.arange(200) / 40)
    for flash in FLASHES:
        at = flash * RATE // FPS
        sound[at : at + len(burst)] += burst
    pictures = (
        picture(n, *SIZE) // 2 if n not in FLASHES else np.full_like(picture(n, *SIZE), 255)
        for n in range(COUNT)
    )
    return b"".join(map(bytes, pictures)), sound.astype("<i2").tobytes()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A maker of films with B-frames whose picture or sound begins late; each is made once."""
    return cache(lambda *what: write_source(tmp_path_factory.mktemp("source"), *what))


def write_source(folder, name, sound, picture_late=0.0, sound_late=0.0):
    pictures, sound_bytes = flashing()
    path = folder / name
    with wave.open(str(folder / "clicks.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound_bytes)
    codec = "mpeg4" if name.endswith("avi") else "libx264"  # AVI cannot time H.264 with B-frames
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*SIZE), "-r", FPS)
    ffmpeg(
        *(*raw, "-itsoffset", picture_late, "-i", "-"),
        *("-itsoffset", sound_late, "-i", folder / "clicks.wav", "-map", "0:v", "-map", "1:a"),
        *("-c:v", codec, "-bf", 3, "-g", 30, "-pix_fmt", "yuv420p", "-c:a", sound, path),
        data=pictures,
    )
    return path


def flash_times(path):
    """Return when white pictures are shown."""
    with av.open(str(path)) as container:
        seen = [
            (frame.pts * frame.time_base, frame.to_ndarray(format="gray").mean())
            for frame in container.decode(video=0)
        ]
    return [float(time) for time, light in seen if light > 230]


def click_times(path):
    """Return when clicks are heard."""
    times, loud = [], []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            loud.append(np.abs(frame.to_ndarray()[0].astype(float)))
            start = float(frame.pts * frame.time_base)
            times.append(start + np.arange(len(loud[-1])) / frame.sample_rate)
    times, loud = np.concatenate(times), np.concatenate(loud)
    peaks = times[loud > loud.max() / 2]
    return [peaks[0], *(b for a, b in pairwise(peaks) if b - a > 0.2)]


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
@pytest.mark.parametrize("kind", kinds(SOURCES, QUICK))
def test_written_sound_keeps_step(tmp_path, source, kind, late):
    path = source(*SOURCES[kind], *LATE[late])
    result = tmp_path / "result.mp4"
    write_video(open_video(path), result, source=path)
    assert_in_step(path, result)


@pytest.mark.parametrize("kind", QUICK)
def test_written_to_matroska_sound_keeps_step(tmp_path, source, kind):
    path = source(*SOURCES[kind], 0, 0.37)
    write_video(open_video(path), tmp_path / "result.mkv", source=path)
    assert_in_step(path, tmp_path / "result.mkv")


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


def test_joined_recordings_keep_step(tmp_path, source):
    path = source("a.ts", "aac")
    (tmp_path / "joined.ts").write_bytes(path.read_bytes() * 2)
    clip = open_video(tmp_path / "joined.ts")
    write_video(clip, tmp_path / "result.mp4", source=tmp_path / "joined.ts")
    found = offsets(tmp_path / "result.mp4")
    assert len(found) == 2 * len(FLASHES)
    assert np.abs(found[:4] - offsets(path)).max() < 5
    assert np.abs(found[4:] - offsets(path)).max() < 5


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("kind", QUICK)
def test_cleaned_sound_keeps_step(tmp_path, source, kind, late, ending):
    path = source(*SOURCES[kind], *LATE[late])
    result = tmp_path / f"result.{ending}"
    copy_with_sound(path, result, cleaned(path), keep=True)
    assert_in_step(path, result)
    assert abs(sound_offset_ms(path, result)) < 1


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

"""Every frame is found once, at its time, and any range equals the whole."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import pytest

from helpers import open_video
from tests.support.films import (
    H264,
    MPEG2,
    MPEG4,
    VP9,
    encode,
    film,
    number_of,
    numbers,
    picture,
)
from tests.support.kinds import kinds
from tests.support.ranges import RANGES, assert_ranges_equal_the_whole, shares

# --- the timeline, and random access ---

FILES = {
    "long.mp4": ("-c:v", "libx264", "-g", "250", "-bf", "3"),
    "open.mp4": (*H264, "-x264-params", "open-gop=1"),
    "refresh.mp4": ("-c:v", "libx264", "-x264-params", "intra-refresh=1:keyint=20"),
    "hevc.mkv": ("-c:v", "libx265", "-x265-params", "keyint=20:open-gop=1:log-level=error"),
    "h264.mkv": H264,
    "h264.ts": H264,
    "h264.avi": H264,
    "fragments.mp4": (*H264, "-movflags", "frag_keyframe+empty_moov"),
    "mpeg2.ts": MPEG2,
    "mpeg2.mpg": MPEG2,
    "packed.avi": (*MPEG4, "-mpv_flags", "+strict_gop"),
    "vp9.webm": VP9,
    "animated.gif": (),
    "mjpeg.avi": ("-c:v", "mjpeg", "-q:v", "3"),
    "ffv1.mkv": ("-c:v", "ffv1"),
    "prores.mov": ("-c:v", "prores_ks"),
    "raw.h264": H264,
    "raw.m2v": MPEG2,
}


QUICK = ("open.mp4", "h264.ts", "mpeg2.mpg", "packed.avi", "vp9.webm", "ffv1.mkv", "raw.h264")


@pytest.fixture(scope="module")
def encoded(tmp_path_factory):
    """A maker of films; each is made once."""
    return cache(lambda name: film(tmp_path_factory.mktemp("film") / name, *FILES[name]))


@pytest.mark.parametrize("scan", ["auto", "packets"])
@pytest.mark.parametrize("name", kinds(FILES, QUICK))
def test_every_frame_is_found_once_and_any_range_equals_the_whole(encoded, name, scan):
    clip = open_video(encoded(name), scan=scan)
    assert numbers(clip) == list(range(60))
    assert [time - clip.times[0] for time in clip.times] == [Fraction(n, 25) for n in range(60)]
    assert clip.end - clip.times[0] == Fraction(60, 25)
    assert clip.info.fps == 25
    assert_ranges_equal_the_whole(clip, RANGES)


def test_times_are_those_the_decoder_gives(tmp_path):
    path = film(tmp_path / "a.mp4", *H264, "-output_ts_offset", "7.77")
    with av.open(str(path)) as container:
        truth = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert list(open_video(path).times) == truth
    assert truth[0] == Fraction(777, 100)


def test_variable_rate(tmp_path):
    times = [Fraction(n * n, 100) for n in range(12)]
    path = encode(tmp_path / "a.mkv", [picture(n) for n in range(12)], times=times)
    clip = open_video(path)
    assert list(clip.times) == times
    assert numbers(clip) == list(range(12))
    assert [number_of(clip.at(t).image) for t in (0, 0.5, 1.209, 1.2101)] == [0, 7, 10, 11]


def test_an_edit_list_hides_the_beginning(tmp_path):
    path = film(
        tmp_path / "a.mp4",
        *H264,
        "-output_ts_offset",
        "-1.3",
        "-avoid_negative_ts",
        "disabled",
    )
    for scan in ("auto", "packets"):
        clip = open_video(path, scan=scan)
        assert numbers(clip) == list(range(33, 60))
        assert clip.times[0] == 0
        assert not clip.notes
        assert_ranges_equal_the_whole(clip, shares(clip))


def test_negative_times(tmp_path):
    path = film(
        tmp_path / "a.mkv", *H264, "-output_ts_offset", "-1.3", "-avoid_negative_ts", "disabled"
    )
    clip = open_video(path)
    assert numbers(clip) == list(range(60))
    assert [clip.times[0], clip.times[40], clip.end] == [
        Fraction(-13, 10),
        Fraction(3, 10),
        Fraction(11, 10),
    ]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.gif", "a.avi", "a.webm", "a.mpg"])
def test_very_short_films(tmp_path, name, count):
    options = {"avi": MPEG4, "webm": VP9, "mpg": MPEG2, "gif": ()}.get(name[2:], H264)
    clip = open_video(film(tmp_path / name, *options, count=count))
    assert numbers(clip) == list(range(count))
    assert clip.duration == Fraction(count, 25)

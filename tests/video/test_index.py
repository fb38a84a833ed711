"""Every frame is found once, at its time, and any range equals the whole."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import pytest

from helpers import Trim, open_video
from helpers.runtime import schema
from helpers.video import entries, reader
from helpers.video.decode import decode
from helpers.video.index import Index
from helpers.video.open import open_container
from helpers.video.timeline import FILM, make_timeline
from tests.support.films import (
    H264,
    MPEG2,
    MPEG4,
    VP9,
    encode,
    ffmpeg,
    film,
    number_of,
    numbers,
    picture,
)
from tests.support.kinds import kinds
from tests.support.odd_times import doubled_stamps, empty_samples, telecined, without_key_list
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


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.mpg"])
def test_times_are_those_the_decoder_gives_from_the_start_of_the_film(tmp_path, name):
    path = film(tmp_path / name, *(MPEG2 if name == "a.mpg" else H264), "-output_ts_offset", "7.77")
    with av.open(str(path)) as container:
        truth = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert truth[0] > 7
    for scan in ("auto", "packets"):
        clip = open_video(path, scan=scan)
        assert list(clip.times) == [time - truth[0] for time in truth]
        assert number_of(Trim(1, 2)(clip)[0].image) == 25


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
    assert numbers(clip) == numbers(Trim(0)(clip)) == list(range(60))
    first = clip.times[0]
    assert [clip.times[40] - first, clip.end - first] == [Fraction(8, 5), Fraction(12, 5)]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.gif", "a.avi", "a.webm", "a.mpg"])
def test_very_short_films(tmp_path, name, count):
    options = {"avi": MPEG4, "webm": VP9, "mpg": MPEG2, "gif": ()}.get(name[2:], H264)
    clip = open_video(film(tmp_path / name, *options, count=count))
    assert numbers(clip) == list(range(count))
    assert clip.duration == Fraction(count, 25)


def test_a_frame_that_the_decoder_gives_at_the_end_has_its_time(tmp_path):
    path = film(tmp_path / "a.mp4", *H264, count=1)
    with open_container(path) as container:
        (frame,) = decode(container, container.streams.video[0])
        assert (frame.pts, frame.time_base) == (0, container.streams.video[0].time_base)


# --- odd timestamps ---


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.mov", "a.mp4"])
def test_empty_packets_are_pictures_that_were_not_taken(tmp_path, name):
    gaps = [10, 11, 12, 30, 55, 59]
    plain = film(tmp_path / "a.mkv", "-c:v", "mjpeg", "-q:v", "3")
    sound = ("-f", "lavfi", "-i", "sine=d=2.4")  # between the pictures, so that they stay in place
    ffmpeg("-i", plain, *sound, "-c:v", "copy", "-c:a", "aac", tmp_path / name)
    path = empty_samples(tmp_path / name, *gaps)
    taken = [number for number in range(60) if number not in gaps]
    for scan in ("auto", "packets"):
        clip = open_video(path, scan=scan)
        assert numbers(clip) == taken
        assert list(clip.times) == [Fraction(number, 25) for number in taken]
        assert clip.end == Fraction(60, 25)
        assert [note for note in clip.notes if "6 pictures were not taken" in note] == [*clip.notes]
        assert_ranges_equal_the_whole(clip, shares(clip))


def test_a_doubled_timestamp_moves_no_other_frame(tmp_path):
    path = doubled_stamps(film(tmp_path / "a.flv", "-c:v", "flv1", "-q:v", "3"))
    clip = open_video(path)
    assert numbers(clip) == list(range(60))
    even = [Fraction(number, 25) for number in range(60)]
    moved = [n for n, (a, b) in enumerate(zip(clip.times, even, strict=True)) if a != b]
    assert all(number % 10 == 9 for number in moved)
    assert all(abs(clip.times[number] - even[number]) <= Fraction(1, 25) for number in moved)
    assert clip.end == even[-1] + Fraction(1, 25)
    assert "6 of 60 frames have a timestamp that is not later" in clip.notes[0]
    assert_ranges_equal_the_whole(clip, shares(clip))


def test_one_wrong_timestamp_moves_no_other_frame():
    stamps = [*range(0, 400, 40), 7000, *range(440, 800, 40), 3, *range(840, 1000, 40)]
    found = [(stamp, None) for stamp in stamps]
    pts, usable, _ = make_timeline(found, stream=Stream())  # type: ignore[arg-type]
    assert pts == list(range(0, 1000, 40)) and not usable


class Stream:
    """What is needed of a stream."""

    time_base, average_rate, guessed_rate = Fraction(1, 1000), Fraction(25), Fraction(25)


@pytest.mark.parametrize("scan", ["auto", "packets"])
@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_a_film_on_television_is_spaced_evenly(tmp_path, name, scan):
    clip = open_video(telecined(tmp_path / name), scan=scan)
    assert numbers(clip) == list(range(48))
    assert list(clip.times) == [number * FILM for number in range(48)]
    assert (clip.end, clip.info.fps) == (48 * FILM, 1 / FILM)
    assert "48 of 48 frames were stored for television" in clip.notes[0]
    assert_ranges_equal_the_whole(clip, shares(clip))


@pytest.mark.parametrize("rate", ["30000/1001", "24000/1001", "25", "60000/1001"])
@pytest.mark.parametrize("name", ["a.mkv", "a.ts"])
def test_other_rates_are_no_film_on_television(tmp_path, name, rate):
    index = open_video(film(tmp_path / name, *H264, rate=rate)).index
    assert (index.pulldown, index.moves) == ((), ())


def test_an_index_survives_json(tmp_path):
    for path in (telecined(tmp_path / "a.ts"), film(tmp_path / "b.mp4", *H264)):
        index = open_video(path).index
        assert schema.decode_json(json.dumps(schema.encode(index)).encode(), Index) == index


# --- after a seek ---

OLD_X264 = Path(__file__).parents[1] / "data" / "x264_core_148_444.mp4"
"""Made by the x264 of 2016, which had another way of coding 4:4:4."""


@pytest.mark.parametrize("scan", ["auto", "packets"])
def test_the_decoder_knows_the_encoder_after_a_seek(scan):
    clip = open_video(OLD_X264, scan=scan)
    assert len(clip.index.keys) == 5 and not clip.notes
    assert_ranges_equal_the_whole(clip, shares(clip))


def test_pictures_that_differ_after_a_seek_are_read_from_the_beginning(monkeypatch):
    def seek_only(container, stream, pts, **how):
        container.seek(pts, stream=stream, backward=True)
        return decode(container, stream, **how)

    for module in (entries, reader):
        monkeypatch.setattr(module, "decode_from", seek_only)
    clip = open_video(OLD_X264)
    assert "other pictures after a seek than from the beginning" in clip.notes[0]
    assert_ranges_equal_the_whole(clip, shares(clip))


def test_frames_that_are_no_key_frames_although_the_file_says_so(tmp_path):
    path = without_key_list(film(tmp_path / "a.mp4", "-c:v", "mpeg4", "-g", "12", "-q:v", "3"))
    clip = open_video(path, scan="packets")
    assert numbers(clip) == list(range(60))
    assert_ranges_equal_the_whole(clip, shares(clip))

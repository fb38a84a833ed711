"""Every wrong result is found, and what is right is not accused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.quality.wrong_results import FAULTS, make_rich, make_wrong
from helpers.verify.result import verify
from tests.support.films import H264, ffmpeg, film
from tests.support.kinds import kinds
from tests.support.promises import promise_of

pytestmark = pytest.mark.slow

COPY = ("-map", "0", "-c", "copy")
NAMED = {fault.name: fault for fault in FAULTS}
QUICK = ("mirrored left to right", "picture missing in the middle", "chapters missing")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another film, with sound."""
    folder = tmp_path_factory.mktemp("other")
    film(folder / "p.mkv", *H264, count=100, first=500)
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=4:a=0.3:seed=9")
    ffmpeg("-i", folder / "p.mkv", *noise, "-c:v", "copy", "-c:a", "flac", folder / "other.mkv")
    return folder / "other.mkv"


@pytest.fixture(scope="module")
def right(tmp_path_factory, other):
    folder = tmp_path_factory.mktemp("right")
    film(folder / "p.mkv", *H264, "-crf", "6", "-pix_fmt", "yuv420p", count=100)
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=4:a=0.3:seed=3")
    ffmpeg(*noise, folder / "sound.wav")
    return make_rich(folder / "p.mkv", folder / "sound.wav", folder)


@pytest.fixture(scope="module")
def promise(right):
    return promise_of(right)


@pytest.mark.parametrize("kind", kinds(NAMED, QUICK))
def test_a_fault_is_found_and_named(tmp_path, right, other, promise, kind):
    make_wrong(NAMED[kind], right, other, tmp_path / "wrong.mkv")
    found = verify(tmp_path / "wrong.mkv", promise, right)
    assert NAMED[kind].said in "; ".join(check.found for check in found.of("wrong", "note"))


@pytest.mark.parametrize(
    "name, options",
    [
        ("copy.mkv", COPY),
        ("copy.mp4", (*COPY, "-c:a", "aac", "-c:s", "mov_text", "-strict", "-2")),
        ("poor.mkv", (*COPY, "-c:v", "libx264", "-crf", "35")),
        ("poor.mov", (*COPY, "-c:v", "mpeg4", "-q:v", "8", "-c:a", "mp3", "-c:s", "mov_text")),
    ],
)
def test_what_is_right_is_not_accused(tmp_path, right, promise, name, options):
    ffmpeg("-i", right, *options, tmp_path / name)
    found = verify(tmp_path / name, replace(promise, colour=None), right)
    assert found.good, found
    assert not found.of("unknown")


def test_a_detail_that_is_lost_is_a_note_and_no_error(tmp_path, right, promise):
    ffmpeg("-i", right, *COPY, "-map_chapters", "-1", tmp_path / "a.mkv")
    found = verify(tmp_path / "a.mkv", promise, right)
    assert not found.wrong
    assert found.notes == ("the film has 2 chapters and the result 0",)


def test_a_track_that_a_note_names_is_not_missed(tmp_path, right, promise):
    ffmpeg("-i", right, *COPY, "-map", "-0:a:1", tmp_path / "a.mkv")
    note = "audio track 2 (flac) is not supported in .mkv and was left out"
    found = verify(tmp_path / "a.mkv", replace(promise, notes=(note,)), right)
    assert not found.wrong


def test_a_film_of_which_too_little_was_read_is_wrong(tmp_path, right, promise):
    few = promise.film[:10]
    made = replace(promise, times=few, film=few, end=promise.film[10])
    ffmpeg("-i", right, *COPY, "-t", "0.4", tmp_path / "a.mkv")
    found = verify(tmp_path / "a.mkv", made, right)
    assert "100 pictures, but only 10 of them were read" in found.wrong

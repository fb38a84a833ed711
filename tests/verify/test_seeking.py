"""A film that is too long to be decoded is looked at in some places."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.verify.contents import read_contents
from helpers.verify.ffmpeg import RATE, read_sound
from helpers.verify.film import Film
from helpers.verify.result import verify
from helpers.verify.sound import align
from tests.support.films import H264, ffmpeg, film
from tests.support.promises import promise_of


@pytest.fixture(scope="module", params=["a.mp4", "a.mkv", "a.ts"])
def long_film(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    film(folder / "p.mkv", *H264, "-pix_fmt", "yuv420p", count=500)
    noise = ("-f", "lavfi", "-i", "anoisesrc=d=20:a=0.3")
    codecs = ("-c:v", "copy", "-c:a", "aac")
    ffmpeg("-i", folder / "p.mkv", *noise, *codecs, folder / request.param)
    return folder / request.param


@pytest.mark.slow
def test_pictures_after_a_seek_are_those_of_the_whole(long_film):
    contents = read_contents(long_film)
    whole, part = (Film.open(contents, None, None) for _ in range(2))
    wanted = [3, 4, 250, 251, 499]
    whole.look(wanted, 1000)
    part.look(wanted, 0.001)
    assert part.pictures.keys() == whole.pictures.keys() == set(wanted)
    for number in wanted:
        assert np.array_equal(part.pictures[number], whole.pictures[number])


@pytest.mark.slow
def test_sound_after_a_seek_is_in_its_place(long_film):
    contents = read_contents(long_film)
    begin = float(contents.picture().times[0])
    whole = read_sound(long_film, 0, begin, 20, contents.zero)
    for at in (0.0, 1.5, 7.3, 15.0):
        part = read_sound(long_film, 0, begin + at, 4, contents.zero)
        shift, alike = align(whole[round(at * RATE) :][: 4 * RATE], part)
        assert abs(shift) <= 1
        assert alike > 0.9


@pytest.mark.slow
def test_a_fault_in_the_middle_is_found_without_decoding_everything(long_film, tmp_path):
    filters = "negate=enable='gte(t,6)*lt(t,16)'"
    ffmpeg("-i", long_film, "-c:a", "copy", "-vf", filters, tmp_path / "wrong.mkv")
    ffmpeg("-i", long_film, "-c", "copy", tmp_path / "right.mkv")
    promise = promise_of(long_film, colour=None)
    assert not verify(tmp_path / "right.mkv", promise, long_film, seconds=0.1).wrong
    assert "picture" in verify(tmp_path / "wrong.mkv", promise, long_film, seconds=0.1).wrong


def test_pictures_one_millisecond_apart_are_told_from_each_other():
    times = np.array([0.0, 0.08, 0.081, 0.16, 0.161])
    film = Film(None, None, times)
    numbers, apart = film.numbers_at(times)
    assert numbers.tolist() == [0, 1, 2, 3, 4] and apart.max() == 0
    numbers, _ = film.numbers_at(np.array([0.0795, 0.0806, 0.13]))
    assert numbers.tolist() == [1, 2, 3]

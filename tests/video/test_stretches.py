"""Films of which parts are telecined, interlaced video, or progressive are read part by part."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from helpers import diagnose, open_video
from helpers.project.project import Project
from helpers.runtime.storage import read_json, write_json
from helpers.video.telecine import measure_combing
from tests.support.films import encode, texture
from tests.support.interlaced import telecined, woven
from tests.support.ranges import assert_ranges_equal_the_whole

RATE = Fraction(30000, 1001)
FILM = RATE * Fraction(4, 5)
SIZE = (160, 192)


def shot(seed, count, speed):
    """Move a window over a picture of its own."""
    height, width = SIZE
    wide = texture(height, width + speed * count, seed=seed)
    return [np.ascontiguousarray(wide[:, n * speed : n * speed + width]) for n in range(count)]


def write(path, pictures):
    """Write pictures of television without loss, also of colour."""
    return encode(path, pictures, codec="ffv1", rate=RATE, options={"g": "10"})


def read(path):
    return open_video(path, deinterlace="telecine")


def runs(clip):
    return [(stretch.first, stretch.kind) for stretch in clip.stretches]


@pytest.mark.parametrize("order", ["tff", "bff"])
@pytest.mark.parametrize("pattern", [(2, 3), (3, 2), (2, 3, 3, 2)])
def test_a_telecined_film_comes_back_whatever_its_pattern(tmp_path, order, pattern):
    frames = shot(1, 60, 4)
    clip = read(write(tmp_path / "a.mkv", telecined(frames, order, pattern)))
    assert {stretch.kind for stretch in clip.stretches} == {"film"}
    assert abs(len(clip) - len(frames)) <= 1
    combs = [measure_combing(frame.image[..., 1]) for frame in clip]
    assert max(combs[:-1]) <= 0.002
    steps = np.diff([float(time) for time in clip.times])
    # Matroska rounds to milliseconds.
    assert np.abs(steps[1:-2] - float(1 / FILM)).max() < 0.0011


def mixed(order="tff", cut=0):
    """Join shots: film, video, progressive, film; the first loses its last `cut` pictures."""
    film = telecined(shot(1, 40, 4), order)
    video = woven(shot(2, 80, 3), order)
    whole = shot(3, 40, 5)
    more = telecined(shot(4, 40, 3), order)[cut:]
    return [film[: 50 - cut], video, whole, more]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "cut"), [("tff", 0), ("tff", 1), ("tff", 2), ("tff", 3), ("bff", 4), ("bff", 2)]
)
def test_every_part_is_read_as_what_it_is(tmp_path, order, cut):
    parts = mixed(order, cut)
    path = write(tmp_path / "a.mkv", [picture for part in parts for picture in part])
    clip = read(path)
    kinds = [kind for _, kind in runs(clip)]
    assert kinds == ["film", "video", "progressive", "film"]
    begins = np.cumsum([0, *map(len, parts[:-1])])
    assert max(abs(n - begin) for (n, _), begin in zip(runs(clip), begins, strict=True)) <= 2
    assert clip.info.field_order == order
    images = list(clip)
    assert len(images) == len(clip) and list(clip.times) == sorted(set(clip.times))
    combs = [measure_combing(frame.image[..., 1]) for frame in images]
    assert np.mean(np.array(combs) > 0.01) < 0.02
    begin, stop = (Fraction(int(begins[n])) / RATE for n in (2, 3))
    inside = [f for f in images if begin + Fraction(1, 10) < f.time < stop - Fraction(1, 10)]
    # The progressive part is as it was: no picture is lost, none is touched.
    assert len(inside) >= 40 - 7
    plain = {frame.time: frame.image for frame in open_video(path, deinterlace="off")}
    assert all(np.array_equal(frame.image, plain[frame.time]) for frame in inside)


@pytest.mark.slow
def test_the_film_in_it_has_no_judder_and_no_frame_is_invented(tmp_path):
    parts = mixed(cut=2)
    clip = read(write(tmp_path / "a.mkv", [picture for part in parts for picture in part]))
    frames = shot(1, 40, 4)
    images = [frame for frame in clip if frame.time < Fraction(44) / RATE]
    errors = [[np.abs(f.image.astype(int) - frame).mean() for frame in frames] for f in images]
    numbers = [int(np.argmin(row)) for row in errors]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    steps = np.diff([float(frame.time) for frame in images])
    assert np.abs(steps[1:] - float(1 / FILM)).max() < 0.0011


@pytest.mark.slow
def test_a_range_of_it_equals_the_whole(tmp_path):
    pictures = [picture for part in mixed(cut=3) for picture in part]
    clip = read(write(tmp_path / "a.mkv", pictures))
    last = len(clip)
    ranges = [(0, 1), (5, 7), (36, 42), (38, 39), (76, 82), (110, 125), (last - 2, last)]
    assert_ranges_equal_the_whole(clip, ranges)


def test_progressive_pictures_are_left_alone(tmp_path):
    path = write(tmp_path / "a.mkv", shot(5, 60, 3))
    clip = read(path)
    assert runs(clip) == [(0, "progressive")] and len(clip) == 60
    assert clip.times == open_video(path).times
    assert "progressive" in clip.notes[-1]


def test_a_project_keeps_the_stretches_and_an_older_one_goes_on_without(tmp_path):
    path = write(tmp_path / "a.mkv", telecined(shot(1, 60, 4)))
    made = Project(tmp_path / "p").source(path, deinterlace="telecine").source
    again = Project(tmp_path / "p").source(path).source
    assert again.stretches == made.stretches and again.recipe() == made.recipe()
    known = tmp_path / "p" / "source.json"
    laid = read_json(known, dict)
    del laid["stretches"]  # which no earlier version wrote
    write_json(known, laid)
    old = Project(tmp_path / "p").source(path).source
    assert old.telecine and not old.stretches and "stretches" not in old.recipe()[0]
    assert len(list(old)) == len(old)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["tff", "bff"])
def test_a_film_that_is_telecined_in_parts_is_recognised(tmp_path, order):
    film, video, whole, _ = mixed(order)
    for name, parts in {"a": [film, video, whole], "b": [film, shot(6, 130, 3)]}.items():
        path = write(tmp_path / f"{name}.mkv", [picture for part in parts for picture in part])
        clip = open_video(path)
        assert clip.info.telecined
        assert any("--deinterlace telecine" in note for note in clip.notes)
        assert "telecine" in [fault.name for fault in diagnose(clip).faults]
    for pictures in (video, shot(6, 130, 3)):
        assert not open_video(write(tmp_path / "c.mkv", pictures)).info.telecined

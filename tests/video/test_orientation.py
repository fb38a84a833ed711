"""Pictures that are turned or mirrored come out upright, and are turned no second time."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from helpers import open_video, write_video
from helpers.audio import clean_audio, replace_sound
from helpers.errors import VerificationError
from helpers.video import mux
from helpers.video.orientation import orientation_of
from tests.support.films import H264, film
from tests.support.odd_films import with_matrix, with_sound
from tests.support.ranges import assert_ranges_equal_the_whole

pytestmark = pytest.mark.slow

UPRIGHT = {  # a display matrix, and what it makes of a stored picture
    (1, 0, 0, 1): lambda image: image,
    (-1, 0, 0, 1): lambda image: image[:, ::-1],
    (1, 0, 0, -1): lambda image: image[::-1],
    (-1, 0, 0, -1): lambda image: image[::-1, ::-1],
    (0, 1, -1, 0): lambda image: np.rot90(image, -1),
    (0, -1, 1, 0): lambda image: np.rot90(image),
    (0, 1, 1, 0): lambda image: image.transpose(1, 0, 2),
    (0, -1, -1, 0): lambda image: np.rot90(image.transpose(1, 0, 2), 2),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return film(tmp_path_factory.mktemp("plain") / "plain.mp4", *H264, count=6)


@pytest.mark.parametrize("matrix", UPRIGHT)
def test_all_eight_matrices_are_upright(tmp_path, plain, matrix):
    clip = open_video(with_matrix(plain, tmp_path / "a.mp4", *matrix))
    expected = UPRIGHT[matrix](open_video(plain)[2].image)
    assert np.array_equal(clip[2].image, expected)
    assert (clip.info.height, clip.info.width) == expected.shape[:2]
    assert not clip.notes
    assert_ranges_equal_the_whole(clip, [(2, 4)])


@pytest.mark.parametrize("matrix", UPRIGHT)
def test_what_is_written_is_upright_and_not_turned_twice(tmp_path, plain, matrix):
    source = with_matrix(plain, tmp_path / "a.mp4", *matrix)
    clip = open_video(source)
    write_video(clip, tmp_path / "b.mp4", source=source, quality=10)
    assert orientation_of(tmp_path / "b.mp4").upright
    error = open_video(tmp_path / "b.mp4")[2].image.astype(int) - clip[2].image
    assert np.abs(error).mean() < 4


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("matrix", UPRIGHT)
def test_a_copy_with_other_sound_keeps_the_orientation(tmp_path, matrix, ending):
    source = with_matrix(with_sound(tmp_path / "p.mp4", "aac"), tmp_path / "a.mp4", *matrix)
    result = tmp_path / f"b.{ending}"
    assert not replace_sound(source, clean_audio(source, "loudness"), result)
    assert orientation_of(result) == orientation_of(source)
    assert np.array_equal(open_video(result)[2].image, open_video(source)[2].image)


def test_a_copy_that_lost_its_orientation_gets_no_name(tmp_path, monkeypatch):
    plain = with_sound(tmp_path / "p.mp4", "aac")
    source = with_matrix(plain, tmp_path / "a.mp4", 0, 1, -1, 0)
    join = mux.join
    monkeypatch.setattr(mux, "join", lambda film, *rest, **named: join(plain, *rest, **named))
    with pytest.raises(VerificationError, match="turned"):
        replace_sound(source, clean_audio(source, "loudness"), tmp_path / "b.mkv")
    assert not (tmp_path / "b.mkv").exists()


@pytest.mark.parametrize(("degrees", "right"), [(10, 0), (-60, 270), (135.5, 180)])
def test_other_angles_become_the_nearest_right_one_with_a_note(tmp_path, plain, degrees, right):
    a, b = math.cos(math.radians(degrees)), -math.sin(math.radians(degrees))
    clip = open_video(with_matrix(plain, tmp_path / "a.mp4", a, b, -b, a))
    assert clip.rotation == right
    assert f"so it is turned by {right}" in clip.notes[0]


def test_a_matrix_that_says_nothing_is_ignored(tmp_path, plain):
    clip = open_video(with_matrix(plain, tmp_path / "a.mp4", 0, 0, 0, 0))
    assert (clip.rotation, clip.mirrored) == (0, False)


def test_a_scaled_matrix_turns_as_well(tmp_path, plain):
    clip = open_video(with_matrix(plain, tmp_path / "a.mp4", 0, Fraction(1, 2), -2, 0))
    assert (clip.rotation, clip.mirrored) == (270, False)

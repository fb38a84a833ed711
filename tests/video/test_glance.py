"""One look at a film, as quick as it is long."""

from fractions import Fraction

import numpy as np
import pytest

from helpers import sample
from helpers.errors import VideoOpenError
from helpers.video.glance import glance
from tests.support.films import film, number_of
from tests.support.odd_films import with_matrix


def test_it_says_what_the_file_states():
    seen = glance(sample("talk"))
    assert (seen.bytes, seen.fps, seen.sar) == (sample("talk").stat().st_size, 8, 1)
    assert seen.seconds == pytest.approx(5, abs=0.05)
    assert seen.image.shape == (120, 160, 3) and seen.image.dtype == np.uint8


def test_the_picture_is_from_the_middle(tmp_path):
    path = film(tmp_path / "film.mp4", "-c:v", "libx264", "-g", 10, count=100)
    assert number_of(glance(path).image) == 50


@pytest.mark.parametrize("name", ["film.h264", "film.m2v", "film.gif", "film.ts", "film.mkv"])
def test_a_film_that_states_less_or_cannot_be_sought_is_seen_too(tmp_path, name):
    seen = glance(film(tmp_path / name, count=30))
    assert seen.image.shape == (128, 160, 3)


def test_it_is_upright_and_its_pixels_have_their_shape(tmp_path):
    path = film(tmp_path / "film.mp4", "-vf", "setsar=2", "-c:v", "libx264")
    assert (glance(path).sar, glance(path).image.shape) == (2, (128, 160, 3))
    turned = glance(with_matrix(path, tmp_path / "turned.mp4", 0, 1, -1, 0))
    assert (turned.sar, turned.image.shape) == (Fraction(1, 2), (160, 128, 3))


@pytest.mark.parametrize("content", [b"", b"<html>no film</html>"])
def test_what_is_no_film_is_refused(tmp_path, content):
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    with pytest.raises(VideoOpenError):
        glance(path)

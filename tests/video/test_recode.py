"""Compressing known pictures as films are compressed."""

import numpy as np
import pytest

from helpers.video.recode import (
    _ENCODERS,
    Compression,
    compress_alike,
    measure_compression,
    quantiser_options,
    recode,
)
from tests.support.paths import TALK
from tests.support.worn_films import panning

GRAIN = np.random.default_rng(0).normal(0, 6, (6, 64, 96, 3))
FILM = [np.clip(a + b, 0, 255).astype(np.uint8) for a, b in zip(panning(6), GRAIN, strict=True)]


def away(made: list[np.ndarray]) -> float:
    return float(
        np.mean([np.abs(a.astype(float) - b).mean() for a, b in zip(FILM, made, strict=True)])
    )


@pytest.mark.parametrize("encoder", sorted({row[0] for row in _ENCODERS.values()} | {"mpeg4"}))
def test_a_coarser_quantiser_makes_a_worse_and_smaller_film(encoder):
    fine, coarse = (recode(FILM, encoder, quantiser_options(encoder, q)) for q in (10, 30))
    assert len(fine.pictures) == len(fine.sizes) == len(FILM)
    assert fine.pictures[0].shape == FILM[0].shape and fine.pictures[0].dtype == np.uint8
    assert sum(coarse.sizes) < 0.8 * sum(fine.sizes)
    assert 0.1 < away(fine.pictures) < 0.95 * away(coarse.pictures)


def test_colours_are_not_shifted():
    grey = [np.full((32, 48, 3), 90, np.uint8)] * 3
    made = recode(grey, "mpeg4", quantiser_options("mpeg4", 2)).pictures
    assert np.abs(made[-1].astype(int) - 90).max() <= 1


@pytest.mark.parametrize("codec", ["h264", "flv1", "mpeg2video", "rv40"])
def test_a_film_is_compressed_as_hard_as_another(codec):
    light, easy = compress_alike(FILM, Compression(codec, 0.8))
    heavy, hard = compress_alike(FILM, Compression(codec, 0.2))
    assert hard > easy and away(heavy) > away(light)
    again, same = compress_alike(FILM, Compression(codec, 0.2), hard)
    assert same == hard
    np.testing.assert_array_equal(again, heavy)


def test_the_compression_of_a_film_is_measured():
    found = measure_compression(TALK)
    assert found and found.codec == "h264" and found.visible
    assert 0.02 < found.bits < 0.3

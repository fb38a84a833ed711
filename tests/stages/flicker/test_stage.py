"""Flicker goes; fades, lamps and passing carts stay."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.imaging.luma import brightness
from helpers.retime import Trim
from helpers.stages.flicker.stage import Deflicker
from helpers.video.reader import open_video
from tests.support.clips import clip_of, levels
from tests.support.law import same, varying_clip
from tests.support.paths import data_path
from tests.support.worn_films import flickering, houses


def film(pictures, dtype=np.uint8, cuts=()):
    return clip_of(levels(pictures, dtype), cuts)


def means(clip):
    return np.array([brightness(frame.image).mean() for frame in clip])


def index(light, reach=12):
    """Standard deviation after the slow trend (a moving average over a second) is taken off."""
    trend = [light[max(n - reach, 0) : n + reach + 1].mean() for n in range(len(light))]
    return np.std(light - trend)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_flicker_is_cut_by_nine_tenths(dtype):
    clip = film(flickering(), dtype)
    assert index(means(Deflicker()(clip))) < 0.1 * index(means(clip))


def test_flicker_of_contrast_is_cut_too():
    powers = np.exp(0.15 * np.random.default_rng(2).standard_normal(40))
    clip = film([255 * (houses() / 255) ** power for power in powers])
    assert index(means(Deflicker()(clip))) < 0.2 * index(means(clip))


def test_flicker_of_a_part_of_the_picture_is_cut_where_it_is():
    dice = np.random.default_rng(3)
    pictures = []
    for _ in range(40):
        gain = np.ones((1, 96, 1))
        gain[:, :48] += 0.15 * dice.standard_normal()
        pictures.append(houses() * gain)
    clip = film(pictures)

    def left(clip):
        return np.array([brightness(frame.image)[:, :40].mean() for frame in clip])

    plain, local = (index(left(Deflicker(local=on)(clip))) for on in (False, True))
    assert local < 0.5 * index(left(clip))
    assert local < plain


def test_a_lamp_that_is_switched_on_stays_on():
    clip = film([houses() * (0.55 if number < 20 else 1) for number in range(40)])
    assert np.abs(means(Deflicker()(clip)) - means(clip)).max() < 1


@pytest.mark.parametrize("end", [0.1, 1.3])
def test_a_fade_stays_a_fade(end):
    clip = film([houses() * gain for gain in np.linspace(0.8, end, 40)])
    assert np.abs(means(Deflicker()(clip)) - means(clip)).max() < 1.5


def test_what_drives_in_does_not_change_the_rest():
    pictures = []
    for number in range(40):
        picture = houses()
        picture[20:60, : max(0, (number - 10) * 3)] = 20
        pictures.append(picture)
    clip = film(pictures)
    made = [frame.image[:18].astype(int) for frame in Deflicker()(clip)]
    assert max(np.abs(a - b[:18]).mean() for a, b in zip(made, pictures, strict=True)) < 1.5


def test_nothing_pumps_at_a_cut():
    bright, dark = flickering(20), [picture * 0.4 for picture in flickering(20)]
    both = list(Deflicker()(film([*bright, *dark], cuts=[20])))
    alone = list(Deflicker()(film(bright)))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(alone, both, strict=False))


def test_a_steady_film_is_left_as_it_is():
    clip = film([houses()] * 10)
    assert same(list(Deflicker()(clip)), list(clip))


def test_no_strength_is_the_input():
    clip = varying_clip()
    assert same(list(Deflicker(0)(clip)), list(clip))


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (31, 33)])
def test_tiny_and_odd_frames(shape):
    images = [np.full((*shape, 3), level, np.uint8) for level in (90, 110, 95, 104)]
    clip = MemoryClip(images, [Fraction(n) for n in range(4)], Fraction(4))
    assert len(list(Deflicker(local=True)(clip))) == 4
    assert len(list(Deflicker()(MemoryClip(images[:1], [Fraction(0)], Fraction(1))))) == 1


@pytest.mark.data
def test_old_film_flickers_less():
    clip = Trim(Fraction(0), Fraction(4))(open_video(data_path("clips/oldfilm_hydepark.mp4")))
    assert index(means(Deflicker()(clip))) < 0.4 * index(means(clip))


@pytest.mark.parametrize("bad", [{"strength": 1.1}, {"strength": -0.1}, {"hold": -1}])
def test_values_that_cannot_be(bad):
    with pytest.raises(StageError, match=r"allowed is 0 to|must be from"):
        Deflicker(**bad)

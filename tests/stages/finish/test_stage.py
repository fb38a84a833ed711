"""Grain lives and is the same again, contrast does not pump."""

import json
from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.imaging.luma import brightness
from helpers.stages.finish.find import find_levels
from helpers.stages.finish.stage import Finish
from helpers.stages.scenes.stage import MarkShots
from tests.support.clips import clip_of
from tests.support.law import same, varying_clip
from tests.support.worn_films import scene

PLAIN = {"sharpen": 0.0, "grain": 0.0}


def test_no_strength_and_nothing_to_do_are_the_input():
    clip = varying_clip()
    for stage in (Finish(0, levels=find_levels(clip)), Finish(**PLAIN)):
        assert same(list(stage(clip)), list(clip))


def test_grain_is_alive_and_the_same_again():
    picture = np.full((60, 80, 3), 128, np.uint8)
    clip = Finish(sharpen=0, grain=4)(clip_of([picture] * 3))
    one, two, _ = (frame.image.astype(int) for frame in clip)
    assert np.abs(one - two).mean() > 2
    assert np.array_equal(clip[1].image, two)
    other = Finish(sharpen=0, grain=4, seed=1)(clip_of([picture] * 3))
    assert not np.array_equal(other[1].image, two)


def test_grain_belongs_to_the_time_and_not_to_the_number():
    picture = np.full((60, 80, 3), 128, np.uint8)
    long, short = clip_of([picture] * 3), MemoryClip([picture], [Fraction(2, 24)], Fraction(1))
    assert np.array_equal(Finish()(long)[2].image, Finish()(short)[0].image)


def test_grain_does_not_change_colour_or_brightness():
    picture = np.full((100, 100, 3), (180, 110, 60), np.uint8)
    made = Finish(sharpen=0, grain=6)(clip_of([picture]))[0].image.astype(float)
    assert np.abs(made.mean(axis=(0, 1)) - picture[0, 0]).max() < 0.6
    ratio = made[..., 0] / made[..., 1]
    assert abs(ratio.mean() - 180 / 110) < 0.05


def test_a_dull_shot_is_spread_and_nothing_is_cut_off():
    dull = (scene() * 0.45 + 70).astype(np.uint8)
    clip = clip_of([dull] * 4)
    made = Finish(levels=find_levels(clip), **PLAIN)(clip)[0].image
    before, after = brightness(dull), brightness(made)
    assert np.ptp(after) > 1.4 * np.ptp(before)
    assert after.max() < 255
    assert after.min() > 0
    order = np.argsort(before.ravel())
    assert (np.diff(after.ravel()[order]) > -3).all()


def test_levels_belong_to_shots_and_do_not_pump():
    dark, light = (scene() * 0.3).astype(np.uint8), scene()
    clip = clip_of([dark] * 5 + [light] * 5, cuts=[5])
    levels = find_levels(clip)
    assert [time for time, _, _ in levels] == list(clip.cuts)
    made = list(Finish(levels=levels, **PLAIN)(clip))
    assert all(np.array_equal(made[0].image, frame.image) for frame in made[:5])
    assert len(find_levels(clip, whole=True)) == 1


def test_levels_read_back_from_a_recipe_are_the_same_stage():
    clip = MarkShots((Fraction(1, 8),))(clip_of([scene()] * 6))
    stage = Finish(levels=find_levels(clip))
    again = json.loads(json.dumps(stage.recipe()))
    assert Finish(levels=again["levels"]) == stage


@pytest.mark.parametrize("shape", [(1, 1), (2, 5)])
def test_tiny_frames(shape):
    clip = clip_of([np.full((*shape, 3), 90, np.uint8)])
    assert len(list(Finish(levels=find_levels(clip))(clip))) == 1


@pytest.mark.parametrize("bad", [{"strength": 2}, {"grain": -1}, {"size": 0}, {"radius": 99}])
def test_values_that_cannot_be(bad):
    with pytest.raises(StageError, match=r"allowed|must be from"):
        Finish(**bad)

"""Grain lives and is the same again, sharpening has no halos, contrast does not pump."""

import json
from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.imaging.luma import brightness
from helpers.stages.finish import grain as finish
from helpers.stages.finish.find import find_levels
from helpers.stages.finish.stage import Finish
from helpers.stages.scenes.stage import MarkShots
from tests.support.clips import clip_of
from tests.support.law import assert_law, assert_true, same, varying_clip
from tests.support.worn_films import scene

PLAIN = {"sharpen": 0.0, "grain": 0.0}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_it_obeys_the_law(dtype):
    source = varying_clip(14, 40, 36, dtype=dtype)
    for stage in (Finish(), Finish(0.5, 1.0, 2.0, 5.0, 2.5, 3, find_levels(source))):
        clip = stage(source)
        assert_true(clip, assert_law(clip))


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


@pytest.mark.parametrize("size", [0.5, 1.2, 3.0, 8.0])
def test_grain_has_the_strength_asked_for_at_every_size(size):
    grain = finish.grain(np.full((400, 400), 110, np.float32), 5.0, size, 1)
    assert abs(grain.mean()) < 0.5
    assert 3.5 < grain.std() < 5.5


def test_larger_grains_are_alike_over_more_pixels():
    flat = np.full((300, 300), 128, np.float32)

    def alike(size):
        grain = finish.grain(flat, 5.0, size, 1)
        return np.corrcoef(grain[:, :-2].ravel(), grain[:, 2:].ravel())[0, 1]

    assert alike(0.5) < 0.1 < alike(1.5) < alike(3.0)


def test_grain_shows_in_the_middle_greys():
    deviations = [
        finish.grain(np.full((200, 200), level, np.float32), 5.0, 1.2, 1).std()
        for level in (2, 110, 253)
    ]
    assert deviations[1] > 2.5 * deviations[0]
    assert deviations[1] > 4 * deviations[2]


def test_grain_does_not_change_colour_or_brightness():
    picture = np.full((100, 100, 3), (180, 110, 60), np.uint8)
    made = Finish(sharpen=0, grain=6)(clip_of([picture]))[0].image.astype(float)
    assert np.abs(made.mean(axis=(0, 1)) - picture[0, 0]).max() < 0.6
    ratio = made[..., 0] / made[..., 1]
    assert abs(ratio.mean() - 180 / 110) < 0.05


def test_sharpening_makes_edges_steeper_without_halos():
    soft = np.tile(np.clip((np.arange(60) - 25) * 12.0, 0, 150) + 50, (20, 1)).astype(np.float32)
    made = finish.sharpen(soft, 1.5, 2.0)
    assert np.abs(np.diff(made)).max() > np.abs(np.diff(soft)).max()
    assert made.max() <= soft.max() + 2
    assert made.min() >= soft.min() - 2
    assert np.array_equal(finish.sharpen(np.full((9, 9), 77.0, np.float32), 2), np.full((9, 9), 77))


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


def test_a_full_picture_is_left_alone():
    ramp = np.linspace(0, 255, 256, dtype=np.float32)
    assert np.abs(finish.stretch(ramp, 2.0, 252.0) - ramp).max() < 1e-3


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
    with pytest.raises(StageError, match="allowed"):
        Finish(**bad)

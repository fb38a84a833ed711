"""Dust, hairs and scratches go; everything else stays to the last bit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers.catalog import table as catalog
from helpers.errors import ModelError, StageError
from helpers.stages.damage.stage import RemoveDamage
from helpers.video.reader import open_video
from tests.support.clips import clip_of
from tests.support.law import assert_true, varying_clip
from tests.support.paths import data_path
from tests.support.worn_films import damage_left, dusty, panning

METHODS = [row.name for row in catalog.models("clean")]


@pytest.fixture(params=METHODS)
def method(request):
    if not catalog.get(request.param, "clean").present:
        pytest.skip(f"the weights of {request.param} are not here")
    return request.param


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_specks_of_both_polarities_go_and_the_rest_stays(method, dtype):
    clean = panning(dtype=dtype)
    worn, mask = dusty(clean)
    made = RemoveDamage(method)(clip_of(worn))[4].image
    assert made.dtype == dtype
    assert damage_left(made, clean[4], mask) < 0.1 * damage_left(worn[4], clean[4], mask)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    assert np.array_equal(made[~near], worn[4][~near])
    for number in (2, 3, 5, 6):  # a speck is not carried to the frames around it
        assert np.array_equal(RemoveDamage(method)(clip_of(worn))[number].image, clean[number])


def test_a_clean_film_is_left_as_it_is(method):
    images = panning(6)
    for frame, image in zip(RemoveDamage(method)(clip_of(images)), images, strict=True):
        assert np.array_equal(frame.image, image)


@pytest.mark.data
def test_brightness_is_kept(method):
    path = data_path("clips/oldfilm_hydepark.mp4")
    source = open_video(path)
    for before, after in zip(
        source.frames(40, 42), RemoveDamage(method)(source).frames(40, 42), strict=True
    ):
        assert abs(before.image.mean() - after.image.mean()) < 0.5


def test_a_grey_film_stays_grey(method):
    clean = [np.repeat(image[..., :1], 3, 2) for image in panning()]
    made = RemoveDamage(method)(clip_of(dusty(clean)[0]))[4].image
    assert (made == made[..., :1]).all() and not np.array_equal(made, dusty(clean)[0][4])


def test_strength_blends_with_the_input():
    worn, _ = dusty(panning())
    none, half, whole = (
        RemoveDamage("median", strength=strength)(clip_of(worn))[4].image
        for strength in (0, 0.5, 1)
    )
    assert np.array_equal(none, worn[4])
    middle = (worn[4].astype(float) + whole) / 2
    assert np.abs(half - middle).max() <= 0.5


def test_nothing_is_seen_across_a_cut():
    """A shot gives the same whatever stands before and after it."""
    shot, other = panning(5, seed=1), panning(4, seed=2)
    worn, _ = dusty(shot, 0)
    alone = [frame.image for frame in RemoveDamage("median")(clip_of(worn))]
    joined = clip_of([*other, *worn, *other], cuts=(4, 9))
    between = [frame.image for frame in RemoveDamage("median")(joined).frames(4, 9)]
    assert all(map(np.array_equal, alone, between))


@pytest.mark.parametrize("number", [0, 8])
def test_the_ends_of_a_shot_are_cleaned_from_one_side(method, number):
    clean = panning()
    worn, mask = dusty(clean, number)
    made = RemoveDamage(method)(clip_of(worn))[number].image
    assert damage_left(made, clean[number], mask) < 0.25 * damage_left(
        worn[number], clean[number], mask
    )


def test_a_speck_on_a_repeated_picture_goes_from_both():
    clean = panning(10)
    clean[5] = clean[4]
    worn, mask = dusty(clean, 4)
    worn[5] = worn[4]
    for number in (4, 5):
        made = RemoveDamage("median")(clip_of(worn))[number].image
        assert damage_left(made, clean[4], mask) < 0.2 * damage_left(worn[4], clean[4], mask)


def test_a_ball_that_flies_by_is_no_dust():
    images = panning(9, speed=0)
    thrown = [
        cv2.circle(image.copy(), (10 + 9 * n, 30), 2, (250, 250, 250), -1, cv2.LINE_AA)
        for n, image in enumerate(images)
    ]
    made = RemoveDamage("median", lines=False)(clip_of(thrown))[4].image
    assert damage_left(made, thrown[4], np.ones((64, 96), bool)) < 0.05


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (33, 7), (61, 47)])
@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_any_size_and_any_length_will_do(size, count):
    clip = RemoveDamage("median")(varying_clip(count, *size, cuts=()))
    assert_true(clip, list(clip))


def test_values_it_cannot_use_are_refused():
    for wrong in ({"strength": 1.5}, {"radius": 3}, {"method": "median", "weights": "x"}):
        with pytest.raises(StageError, match=r"must be|has no weights|allowed"):
            RemoveDamage(**wrong)
    with pytest.raises(ModelError, match="median"):
        RemoveDamage("magic")


@pytest.mark.parametrize("column", [1, 94])
def test_specks_at_the_edge_of_a_moving_picture_go(method, column):
    clean = panning(speed=1)
    worn = clean[4].copy()
    worn[28:34, column - 1 : column + 2] = 0
    mask = (worn != clean[4]).any(-1)
    made = RemoveDamage(method, lines=False)(clip_of([*clean[:4], worn, *clean[5:]]))[4].image
    assert damage_left(made, clean[4], mask) < 0.25 * damage_left(worn, clean[4], mask)

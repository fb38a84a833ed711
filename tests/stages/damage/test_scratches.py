"""Lines that stay in a film go; posts and edges of the picture are none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers.stages.damage import scratches
from helpers.stages.damage.stage import RemoveDamage
from tests.support.clips import clip_of
from tests.support.worn_films import damage_left, panning

# --- lines --------------------------------------------------------------------------------------


def lined(images, place=40.0, drift=0.4, level=235, opacity=0.7):
    """Draw a scratch of two pixels that drifts."""
    worn, masks = [], []
    for number, image in enumerate(images):
        across = np.abs(np.arange(image.shape[1]) - (place + drift * number))
        alpha = (np.clip(1.5 - across, 0, 1) * opacity)[None, :, None]
        worn.append(np.rint(image * (1 - alpha) + level * alpha).astype(np.uint8))
        masks.append((worn[-1] != image).any(-1))
    return worn, masks


@pytest.mark.parametrize("level", [235, 5])
def test_a_line_that_stays_goes(level):
    clean = panning(9, 160, 120)
    worn, masks = lined(clean, level=level)
    made = RemoveDamage("median")(clip_of(worn))[4].image
    assert damage_left(made, clean[4], masks[4]) < 0.35 * damage_left(worn[4], clean[4], masks[4])
    near = cv2.dilate(masks[4].astype(np.uint8), np.ones((1, 7), np.uint8)).astype(bool)
    assert np.array_equal(made[~near], worn[4][~near])
    left = RemoveDamage("median", lines=False)(clip_of(worn))[4].image
    assert damage_left(left, clean[4], masks[4]) > 2 * damage_left(made, clean[4], masks[4])


def test_a_post_in_the_picture_is_no_scratch():
    images = panning(9, 160, 120, speed=2)
    for number, image in enumerate(images):
        image[:, 100 - 2 * number : 102 - 2 * number] = 20
    made = RemoveDamage("median")(clip_of(images))[4].image
    assert np.array_equal(made, images[4])


def weaving(count, steps, post=None):
    """Show a picture through a gate it weaves in by whole pixels; a post stands in it if asked."""
    wide = panning(1, 200, 120)[0]
    if post is not None:
        wide[:, post : post + 2] = 20
    return [wide[:, 20 + steps[n] : 180 + steps[n]].copy() for n in range(count)]


WEAVE = (0, 1, 1, 0, -1, 0, 0, 1, 0, 0, -1, -1, 0)


def test_a_line_stays_in_every_frame_of_a_film_that_weaves():
    clean = weaving(13, WEAVE)
    worn, masks = lined(clean, place=70, drift=0.15)
    made = [frame.image for frame in RemoveDamage("median")(clip_of(worn)).frames()]
    for one, other, truth, mask in zip(made, worn, clean, masks, strict=True):
        assert damage_left(one, truth, mask) < 0.5 * damage_left(other, truth, mask)


def test_a_post_that_weaves_with_the_picture_is_no_scratch():
    images = weaving(13, WEAVE, post=90)
    for number, frame in enumerate(RemoveDamage("median")(clip_of(images)).frames()):
        assert np.array_equal(frame.image, images[number]), number


def test_a_line_goes_on_where_it_fades_and_ends_where_it_ends():
    shares = np.array([0, 0.2, 0.6, 0.9, 0.2, 0.15, 0.2, 0.05, 0, 0.2, 0, 0])
    assert np.flatnonzero(scratches._find_present(shares)).tolist() == [1, 2, 3, 4, 5]


def test_the_edge_of_a_picture_is_no_line():
    image = np.zeros((120, 160), np.float32)
    image[:, 40:120] = 150
    image[:, 40] = image[:, 119] = 170  # sharpened
    assert scratches.find_marks(image) == []


def test_bridging_joins_what_is_left_and_right():
    image = np.tile(np.arange(20, dtype=np.float32), (6, 1))
    mask = np.zeros((6, 20), bool)
    mask[:, 8:11] = mask[:, 0] = True
    spoiled = np.where(mask, 99, image)
    filled = scratches.bridge(spoiled, mask)
    assert np.allclose(filled[2:4, 8:11], image[2:4, 8:11], atol=0.01)
    assert filled[3, 0] == 1


def test_a_thin_mast_before_moving_clouds_is_no_scratch():
    images = panning(9, 160, 120)
    for image in images:
        image[:, 80:82] = 20
    made = RemoveDamage("median")(clip_of(images))[4].image
    assert np.array_equal(made, images[4])


def test_a_post_that_passes_more_quickly_than_the_picture_is_no_scratch():
    images = panning(9, 160, 120, speed=1)
    for number, image in enumerate(images):
        place = 90 - 3 * number // 2
        image[:, place : place + 2] = 20
    marks = {n - 4: scratches.find_marks(image[..., 0].astype(np.float32)) for n, image in
             enumerate(images)}  # fmt: skip
    assert marks[0] and not scratches.find_lines(marks, {1: np.full(160, -0.2)})


def test_a_line_that_ends_in_the_picture_in_all_frames_is_no_scratch():
    def frames(present):
        marks = [scratches.Mark((40,) * 12, present, 1, 1, 1, 0.9)]
        return scratches.find_lines(dict.fromkeys(range(-4, 5), marks), {})

    whole, post = (True,) * 12, (False,) * 2 + (True,) * 10
    assert frames(whole) and not frames(post) and not frames(post[::-1])
    assert frames((False, *whole[1:]))  # it fades where the picture is bright

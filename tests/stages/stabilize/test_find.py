"""The camera's path is found, whatever moves before it."""

import numpy as np

from helpers.stages.stabilize.find import find_shake
from tests.support.clips import clip_of
from tests.support.worn_films import scene, shaken


def places(path):
    return np.array([place[1:3] for shot in path for place in shot])


def test_motion_is_found_to_a_tenth_of_a_pixel():
    clip, moves = shaken()
    found = np.array([place[1:] for place in find_shake(clip)[0]])
    true = np.array(moves) - moves[0]
    assert np.abs(found[:, :2] - true[:, :2]).max() < 0.2
    assert np.abs(found[:, 2] - true[:, 2]).max() < 0.002


def test_flicker_and_depth_do_not_matter():
    clip, moves = shaken()
    gains = 1 + 0.15 * np.random.default_rng(6).standard_normal(len(clip))
    images = [
        np.clip(frame.image * gain * 257, 0, 65535).astype(np.uint16)
        for frame, gain in zip(clip, gains, strict=True)
    ]
    found = places(find_shake(clip_of(images)))
    assert np.abs(found - (np.array(moves) - moves[0])[:, :2]).max() < 0.4


def test_a_passing_cart_moves_nothing():
    back, cart = scene(), scene(seed=9)
    images = []
    for number in range(24):
        image = back.copy()
        right = min(max(number * 10 - 20, 0), 200)
        left = max(right - 110, 0)
        image[40:, left:right] = (
            cart[40:, left + 200 - right : 200] if right < 200 else cart[40:, : right - left]
        )
        images.append(image)
    assert np.abs(places(find_shake(clip_of(images)))).max() < 1.0


def test_shots_have_nothing_to_do_with_each_other():
    one, _ = shaken(12)
    other = [np.ascontiguousarray(np.roll(image, 37, axis=1)) for image in one.images]
    path = find_shake(clip_of([*one.images, *other], cuts=[12]))
    assert len(path) == 2
    assert path[1][0][1:] == (0.0, 0.0, 0.0)
    assert path[0] == find_shake(one)[0]

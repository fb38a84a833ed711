"""The part of a film that shows most is found."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from helpers.clip import MemoryClip
from helpers.show.telling import find_part, find_stretch
from tests.support.films import texture


def film(lively, count=120):
    """A grey film of ten frames a second that has a moving picture in one span of frames only."""
    wide = texture(90, 160 + 2 * count, blur=1)
    images = [
        np.ascontiguousarray(wide[:, 2 * n : 2 * n + 160])
        if n in lively
        else np.full((90, 160, 3), 128, np.uint8)
        for n in range(count)
    ]
    return MemoryClip(images, [Fraction(n, 10) for n in range(count)], Fraction(count, 10))


def test_the_stretch_with_detail_and_motion_is_chosen():
    for first in (0, 40, 80):
        start, stop = find_stretch(film(range(first, first + 40)), 2)
        assert stop - start == 2
        assert first / 10 - 1 <= start <= first / 10 + 3


def test_a_short_film_is_taken_whole():
    clip = film(range(20), count=20)
    assert find_stretch(clip, 5) == (0, 2)


def test_the_part_with_most_detail_is_chosen():
    image = np.full((200, 300, 3), 128, np.uint8)
    image[110:190, 190:290] = texture(80, 100, blur=0.7)
    left, top, wide, high = find_part(image)
    assert left > 0.5 and top > 0.4 and left + wide <= 1.01 and top + high <= 1.01
    assert find_part(image.astype(np.uint16) * 257) == (left, top, wide, high)

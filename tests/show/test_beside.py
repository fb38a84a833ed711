"""Two films beside each other are one film, of which any range can be read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from helpers.clip import MemoryClip
from helpers.show.beside import GAP, Beside
from tests.support.ranges import assert_ranges_equal_the_whole


def shades(count, fps, width, height, sar=1, deep=False):
    scale = 257 if deep else 1
    kind = np.uint16 if deep else np.uint8
    images = [np.full((height, width, 3), 10 * n * scale, kind) for n in range(count)]
    times = [Fraction(n, fps) for n in range(count)]
    return MemoryClip(images, times, Fraction(count, fps), sar=Fraction(sar))


def test_each_frame_stands_beside_what_is_shown_at_its_time():
    clip = Beside(shades(4, 8, 40, 30), shades(12, 24, 80, 60))
    assert clip.info.size == f"{80 + GAP + 80}x60" and clip.times == clip.right.times
    for number, frame in enumerate(clip):
        assert frame.image[30, 5, 0] == 10 * (number // 3) and frame.image[30, -5, 0] == 10 * number
        assert not frame.image[30, 80 : 80 + GAP].any()
    assert_ranges_equal_the_whole(clip, [(0, 1), (2, 7), (5, 6), (11, 12), (4, 4)])


def test_deep_and_anamorphic_films_are_shown_in_their_shape():
    clip = Beside(shades(3, 8, 40, 30, sar=2, deep=True), shades(3, 8, 40, 30))
    assert clip.info.width == 80 + GAP + 40
    assert clip[2].image.dtype == np.uint8 and clip[2].image[5, 5, 0] == 20


def test_labels_stand_above_and_a_late_result_is_beside_its_moment():
    film, part = shades(8, 8, 40, 30), shades(4, 8, 80, 60)
    clip = Beside(film, part, ("before", "<after>"), late=Fraction(1, 2))
    assert clip.info.size == f"{80 + GAP + 80}x{60 + 26}"
    image = clip[1].image
    assert image[60, 5, 0] == 50 and image[60, -5, 0] == 10
    left, right = image[:26, :80], image[:26, 80 + GAP :]
    assert left.max() > 200 and right.max() > 200
    assert_ranges_equal_the_whole(clip, [(0, 1), (1, 3), (3, 4)])

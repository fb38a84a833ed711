"""How dark and how light every shot is, found once for the whole film.

levels = find_levels(clip)
clip = Finish(levels=levels)(clip)
"""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction

import numpy as np

from helpers.clip import Clip
from helpers.imaging.luma import small_brightness

Range = tuple[Fraction, float, float]
"""When a shot begins, and the grey levels (0..255) that nearly all of it lies between."""

WIDTH = 240
"""Pixels to which frames are narrowed: dust and grain are not to decide what is black."""

TAILS = (0.5, 99.5)
"""Percentiles that are called black and white."""


def find_levels(clip: Clip, whole: bool = False, samples: int = 8) -> tuple[Range, ...]:
    """Return the range of every shot.

    A shot has one range from its first frame to its last, so that nothing can pump.

    Args:
        clip: a film that knows its shots.
        whole: one range for the whole film: night stays darker than day.
        samples: how many frames of a shot are looked at.
    """
    starts = [clip.times[0]] if whole else list(clip.cuts)
    numbers = [bisect_left(clip.times, start) for start in starts]
    found = []
    for start, first, stop in zip(starts, numbers, [*numbers[1:], len(clip)], strict=True):
        count = samples * (4 if whole else 1)
        places = np.unique(np.linspace(first, stop - 1, count + 2)[1:-1].round().astype(int))
        ends = [np.percentile(small_brightness(clip[int(n)].image, WIDTH), TAILS) for n in places]
        # The darkest and lightest that more than a single frame shows: a flash is no white.
        black = float(np.percentile([low for low, _ in ends], 25))
        white = float(np.percentile([high for _, high in ends], 75))
        found.append((start, round(black, 1), round(max(white, black + 1), 1)))
    return tuple(found)

"""Find the part of a film that shows most: some seconds to try a plan on, a piece of a picture.

start, stop = find_stretch(clip, 5)        # where there is detail and motion, within one shot
left, top, wide, high = find_part(image)   # where there is most detail
"""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

import cv2
import numpy as np

from helpers.clip import Clip
from helpers.imaging.luma import small_brightness
from helpers.show.picture import Part

PLACES = 12
"""So many places of a film are looked at."""

SIDE = 160
"""They are looked at in pictures of about this many pixels."""


def find_stretch(clip: Clip, seconds: Fraction | float) -> tuple[Fraction, Fraction]:
    """Return where some seconds of a clip begin and end: those that show most.

    They have detail and motion, are neither black nor white, and lie within one shot if one is
    long enough. Two neighbouring frames are read at each of a few places.

    Args:
        seconds: how long; a shorter clip is taken whole.
    """
    length = Fraction(seconds)
    if clip.duration <= length:
        return clip.times[0], clip.end
    room = clip.duration - length
    starts = [clip.times[0] + room * place / (PLACES - 1) for place in range(PLACES)]
    best = max(starts, key=lambda start: _rate(clip, start, length))
    begin = clip.times[clip.number_at(best)]
    return begin, min(begin + length, clip.end)


def _rate(clip: Clip, start: Fraction, length: Fraction) -> float:
    """Rate a stretch by two frames of its middle."""
    number = min(clip.number_at(start + length / 2), max(len(clip) - 2, 0))
    first, second = (
        small_brightness(clip[n].image, SIDE) for n in (number, min(number + 1, len(clip) - 1))
    )
    detail = float(np.abs(cv2.Laplacian(first, cv2.CV_32F)).mean())
    # Motion shows what a plan does to it, but a blur shows nothing.
    motion = min(float(np.abs(first - second).mean()), 8.0)
    dark = float(((first < 16) | (first > 240)).mean())
    cuts = bisect_right(clip.cuts, start + length) - bisect_right(clip.cuts, start)
    return (detail + motion) * (1 - dark) / (1 + cuts)


def find_part(image: np.ndarray, share: float = 0.4) -> Part:
    """Return the part of a picture that has most detail: left, top, width, height, 0..1.

    Args:
        image: (H, W, 3) RGB, uint8 or uint16.
        share: the width and height of the part, as shares of the picture's.
    """
    small = small_brightness(image, SIDE)
    height, width = small.shape
    wide, high = max(round(width * share), 1), max(round(height * share), 1)
    detail = np.abs(cv2.Laplacian(small, cv2.CV_32F))
    # Edges of the picture itself, such as black bars, are no detail.
    sums = cv2.boxFilter(np.minimum(detail, 40), -1, (wide, high), normalize=False)
    inner = sums[
        high // 2 : height - high + high // 2 + 1, wide // 2 : width - wide + wide // 2 + 1
    ]
    top, left = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(left) / width, int(top) / height, wide / width, high / height

"""Medians and ranks of pictures, several times as fast as NumPy's, with the same results.

NumPy's median also looks for values that are not numbers, and it sorts every pixel of a few
pictures by itself. There must be no such values here, and a few pictures are sorted as wholes.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

_ROWS = 32
"""Rows that are sorted at once, so that they stay in the cache of a core. It has no effect on the
result."""

_NETWORKS = {
    1: (),
    2: ((0, 1),),
    3: ((0, 1), (1, 2), (0, 1)),
    4: ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2)),
}
"""Sorting networks: the pairs to be put in order, one after the other (Knuth, The Art of Computer
Programming, volume 3, section 5.3.4)."""


def median(values: np.ndarray) -> np.floating:
    """Return the median of all values of an array, as `np.median` does.

    Args:
        values: float32 or float64, of any shape, not empty; no NaN.
    """
    half = values.size // 2
    ordered = np.partition(values, half, axis=None)
    upper = ordered[half]
    if values.size % 2:
        return upper
    return (ordered[:half].max() + upper) / values.dtype.type(2)


def sort_pictures(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Sort the values that pictures have at each pixel.

    Args:
        pictures: float32 (H, W) each; no NaN.

    Returns:
        (pictures, H, W) float32: the least value of each pixel first.
    """
    ordered = np.stack(pictures)
    if len(pictures) not in _NETWORKS:
        ordered.sort(axis=0)
        return ordered
    for top in range(0, ordered.shape[1], _ROWS):
        strip = ordered[:, top : top + _ROWS]
        for one, two in _NETWORKS[len(pictures)]:
            lower = cv2.min(strip[one], strip[two])
            cv2.max(strip[one], strip[two], dst=strip[two])
            strip[one] = lower
    return ordered


def middle(ordered: np.ndarray) -> np.ndarray:
    """Return the median of sorted pictures, (H, W); of two in the middle, their mean."""
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / ordered.dtype.type(2)

"""Tell a scratch from an upright line of the picture by how it changes from frame to frame.

A post, a seam or the edge of a curtain is the same in the next frame: where it was, or where the
picture's motion has carried it. A scratch is neither. It jitters where the picture stands, and
stands where the picture moves.

    change = changes(mark, luma, neighbours)        # in changes of its surroundings
    scratches = keep_unsteady(marks, luma, neighbours, aligned, moved)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from helpers.imaging.ranks import median
from helpers.stages.damage.scratches import Mark, draw_mask

UNSTEADY = 1.4
"""The least change of a scratch, in changes of its surroundings. Nine in ten of the scratches that
jitter by a third of a pixel in benchmarks/quality/clean_film.py have 2.3 and more, and those of the
sample film 1.9 and more; its masts have 0.5, and the seams of its curtain at most 1.35."""

GAP, BESIDE = 2, 6
"""The surroundings of a line begin and end so many pixels from it."""

TYPICAL = 1.18
"""The mean of the absolute values of noise, in medians of them. The median is taken around a line,
where other scratches may be."""

NOISE = 0.5
"""Grey levels that are added to both changes, or any change would be large in a film without
noise: what rounding to whole levels leaves."""


STANDS = 0.3
"""A picture that moves by fewer pixels stands, and need not be aligned. By trial; with it 83.4 % of
the pixels of jittering scratches are found instead of 81.6 % (benchmarks/quality/clean_film.py)."""


def keep_unsteady(
    lines: Sequence[Mark],
    luma: np.ndarray,
    around: Sequence[np.ndarray],
    aligned: Sequence[np.ndarray],
    moved: Sequence[np.ndarray],
) -> list[Mark]:
    """Keep the lines that change far more than their surroundings, however the picture is aligned.

    Args:
        lines: what may be scratches.
        luma: the frame, float32 (H, W) in 0..255.
        around, aligned: frames around it as they are, and its neighbours aligned with it.
        moved: (W,) each, the motion to the right around each column in each neighbour, in pixels.
    """
    kept = []
    for mark in lines:
        stands = all(abs(way[round(mark.place)]) < STANDS for way in moved)
        ways = [around] if stands else [around, aligned]
        if all(changes(mark, luma, frames) > UNSTEADY for frames in ways):
            kept.append(mark)
    return kept


def changes(mark: Mark, luma: np.ndarray, others: Sequence[np.ndarray]) -> float:
    """Measure how much a line differs from other frames, in differences of its surroundings.

    A difference of all the surroundings is flicker, which does not count.
    """
    height, width = luma.shape
    line, near, wide = (draw_mask([mark], height, width, margin) for margin in (0, GAP, BESIDE))
    beside = wide & ~near
    if not line.any() or not beside.any():
        return 0.0
    within, surrounding = [], []
    for other in others:
        inner, outer = luma[line] - other[line], luma[beside] - other[beside]
        flicker = median(outer)
        within.append(np.abs(inner - flicker).mean())
        surrounding.append(TYPICAL * median(np.abs(outer - flicker)))
    return float(np.mean(within) / (np.mean(surrounding) + NOISE))

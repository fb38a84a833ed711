"""Align the neighbours of a film frame with it.

Damage misleads optical flow, so motion is measured on copies without the obvious damage. To make
such a copy, `suppress_damage` compares a frame with its two neighbours, warped along the flow
between *them*, which the frame's own damage cannot affect.

    suppressed = [suppress_damage(b, a, c), ...]      # once for every frame
    flows = [measure_motion(here, near) for near in suppressed_neighbours]
    aligned = [warp(near, flow, INTER_CUBIC) for near, flow in zip(neighbours, flows)]
    witnesses = [near + brightness_offset(frame, near) for near in aligned]
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.imaging.luma import to_uint8
from helpers.imaging.optical_flow import MEDIUM, is_inside, measure_flow, target_positions, warp
from helpers.imaging.ranks import median
from helpers.stages.damage.temporal_outliers import GROW, find_outliers, median_of

CELLS = 4
"""Rows and columns of the grid for matching a neighbour's brightness. This number and
those below that name no source were chosen by trial; benchmarks/quality/damage.py measures the
effect."""

UNEVEN = 3.0
"""The most grey levels (of 255) by which flicker may differ between parts of the picture.
docs/cleaner_training.md has the effect."""

LARGEST_OFFSET = 24.0
"""The most grey levels (of 255) of flicker; a larger difference is a change of scene."""


def measure_motion(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Measure where each pixel of `here` is in `there`.

    Args:
        here, there: float32 (H, W) luma in 0..255, of any size from 1x1.

    Returns:
        (H, W, 2) float32, x and y in pixels.
    """
    return measure_flow(to_uint8(here), to_uint8(there), MEDIUM)


def suppress_damage(
    here: np.ndarray,
    one: np.ndarray,
    two: np.ndarray,
    steps: tuple[int, int] = (-1, 1),
) -> np.ndarray:
    """Return a frame's luma without obvious damage, for `measure_motion`.

    Pixels that differ from both neighbours are replaced by the median of the neighbours.

    Args:
        here, one, two: float32 (H, W) luma in 0..255.
        steps: how many frames after `here` the neighbours are; negative is before.
    """
    flow = measure_motion(one, two) / np.float32(steps[1] - steps[0])
    # The flow is that of the pixels of `one`; this warps it to the pixels of `here`.
    flow = warp(flow, flow * np.float32(steps[0]), cv2.INTER_CUBIC)
    ways = [flow * np.float32(step) for step in steps]
    seen = [warp(near, way, cv2.INTER_CUBIC) for near, way in zip((one, two), ways, strict=True)]
    seen = [near + brightness_offset(here, near) for near in seen]
    seen = [
        np.where(is_inside(target_positions(way), 0.5), near, here)
        for near, way in zip(seen, ways, strict=True)
    ]
    # Where damage on a neighbour misleads the flow, both neighbours may agree on a wrong value.
    # Then one of them, without alignment, usually shows the same as this frame.
    still = np.maximum(here - np.maximum(one, two), np.minimum(one, two) - here) > GROW
    wrong = (find_outliers(here, seen) & still).astype(np.uint8)
    wrong = cv2.dilate(wrong, np.ones((5, 5), np.uint8))
    return np.where(wrong > 0, median_of(seen), here)


def brightness_offset(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return what must be added to `there` to match the brightness of `here`, float32 (H, W).

    It is the median difference in the cells of a coarse grid, so that damage and small motion have
    no effect. Both are float32 (H, W) in 0..255 and aligned.
    """
    height, width = here.shape
    difference = here - there
    rows = np.array_split(np.arange(height), min(CELLS, height))
    columns = np.array_split(np.arange(width), min(CELLS, width))
    grid = np.array(
        [[median(difference[r[0] : r[-1] + 1, c[0] : c[-1] + 1]) for c in columns] for r in rows],
        np.float32,
    )
    whole = np.float32(median(difference))
    # A stain may cover a cell; flicker is much the same everywhere.
    grid = whole + (cv2.medianBlur(grid, 3) - whole).clip(-UNEVEN, UNEVEN)
    grid = grid.clip(-LARGEST_OFFSET, LARGEST_OFFSET)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)

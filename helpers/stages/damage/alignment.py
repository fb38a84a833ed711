"""Bring the neighbours of a film frame to where that frame's picture is.

Damage misleads optical flow, so motion is not measured on the frames as they are but on copies from
which the obvious damage was taken: `calmed` holds a frame against its two neighbours, brought half
way along the flow that joins *them*, which the frame's own damage cannot touch.

    calm = [calmed(b, a, c), ...]                     # once for every frame
    moves = [motion(calm_frame, near) for near in calm_neighbours]
    brought = [warp(near, move, INTER_CUBIC) for near, move in zip(neighbours, moves)]
    witnesses = [near + offset(frame, near) for near in brought]
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.imaging.luma import eight_bit
from helpers.imaging.optical_flow import MEDIUM, inside, measure_flow, places, warp
from helpers.stages.damage.temporal_outliers import GROW, contradicted, middle

CELLS = 4
"""Rows and columns of the grid over which a neighbour's brightness is matched. This number and
those below that name no source were chosen by trial; benchmarks/quality/damage.py measures the
effect."""

UNEVEN = 3.0
"""Grey levels (of 255) by which flicker may differ from one part of the picture to another.
docs/cleaner_training.md has the effect."""

LARGEST_OFFSET = 24.0
"""Grey levels (of 255) of flicker that are taken back; more is a change of scene, not of light."""


def motion(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Measure where each pixel of `here` is in `there`.

    Args:
        here, there: float32 (H, W) luma in 0..255, of any size from 1x1.

    Returns:
        (H, W, 2) float32, x and y in pixels.
    """
    return measure_flow(eight_bit(here), eight_bit(there), MEDIUM)


def calmed(
    here: np.ndarray,
    one: np.ndarray,
    two: np.ndarray,
    steps: tuple[int, int] = (-1, 1),
) -> np.ndarray:
    """Return a frame's luma with what its two neighbours contradict painted over, for `motion`.

    Args:
        here, one, two: float32 (H, W) luma in 0..255.
        steps: how many frames after `here` the neighbours are; negative is before.
    """
    flow = motion(one, two) / np.float32(steps[1] - steps[0])
    # The flow belongs to the pixels of `one`; carried to those of `here` by one look-up.
    flow = warp(flow, flow * np.float32(steps[0]), cv2.INTER_CUBIC)
    ways = [flow * np.float32(step) for step in steps]
    seen = [warp(near, way, cv2.INTER_CUBIC) for near, way in zip((one, two), ways, strict=True)]
    seen = [near + offset(here, near) for near in seen]
    seen = [
        np.where(inside(places(way), 0.5), near, here) for near, way in zip(seen, ways, strict=True)
    ]
    # Where damage on a neighbour has misled its flow, the neighbours agree on what is not there;
    # then one of them, as it stands, mostly shows what this frame shows.
    still = np.maximum(here - np.maximum(one, two), np.minimum(one, two) - here) > GROW
    wrong = (contradicted(here, seen) & still).astype(np.uint8)
    wrong = cv2.dilate(wrong, np.ones((5, 5), np.uint8))
    return np.where(wrong > 0, middle(seen), here)


def offset(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return what to add to `there` so that its brightness is that of `here`, place by place.

    The median over the cells of a coarse grid, so that neither damage nor small motion decides.
    Both are float32 (H, W) in 0..255 and aligned; so is the result.
    """
    height, width = here.shape
    difference = here - there
    rows = np.array_split(np.arange(height), min(CELLS, height))
    columns = np.array_split(np.arange(width), min(CELLS, width))
    grid = np.array(
        [
            [np.median(difference[r[0] : r[-1] + 1, c[0] : c[-1] + 1]) for c in columns]
            for r in rows
        ],
        np.float32,
    )
    whole = np.float32(np.median(difference))
    # A stain may cover a cell; flicker is much the same everywhere.
    grid = whole + (cv2.medianBlur(grid, 3) - whole).clip(-UNEVEN, UNEVEN)
    grid = grid.clip(-LARGEST_OFFSET, LARGEST_OFFSET)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)

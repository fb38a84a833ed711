"""Bring the neighbours of a film frame to where that frame's picture is.

Motion is measured with DIS optical flow (Kroeger et al., ECCV 2016; it comes with OpenCV). Damage
misleads it, so it is not measured on the frames as they are but on copies from which the obvious
damage was taken: `calmed` holds a frame against its two neighbours, brought half way along the flow
that joins *them*, which the frame's own damage cannot touch.

    calm = [calmed(b, a, c), ...]                     # once for every frame
    moves = [motion(calm_frame, near) for near in calm_neighbours]
    brought = [warp(near, move) for near, move in zip(neighbours, moves)]
    witnesses = [near + offset(frame, near) for near in brought]
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.stages.damage.temporal_outliers import GROW, contradicted, middle

SMALLEST_SIDE = 32
"""DIS needs room for its patches at two scales; smaller pictures are padded to this side."""

CELLS = 4
"""Rows and columns of the grid over which a neighbour's brightness is matched."""

UNEVEN = 3.0
"""Grey levels (of 255) by which flicker may differ from one part of the picture to another."""

LARGEST_OFFSET = 24.0
"""Grey levels (of 255) of flicker that are taken back; more is a change of scene, not of light."""


def luma(image: np.ndarray) -> np.ndarray:
    """Return (H, W, 3) RGB, uint8 or uint16, as float32 (H, W) luma in 0..255."""
    scale = np.float32(255 / np.iinfo(image.dtype).max)
    return cv2.cvtColor(image.astype(np.float32) * scale, cv2.COLOR_RGB2GRAY)


def motion(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Measure where each pixel of `here` is in `there`.

    Args:
        here, there: float32 (H, W) luma in 0..255, of any size from 1x1.

    Returns:
        (H, W, 2) float32, x and y in pixels.
    """
    height, width = here.shape
    below, right = max(0, SMALLEST_SIDE - height), max(0, SMALLEST_SIDE - width)
    one, two = (
        cv2.copyMakeBorder(cv2.convertScaleAbs(p), 0, below, 0, right, cv2.BORDER_REPLICATE)
        for p in (here, there)
    )
    # Made anew each time: it holds buffers and must not be shared between threads.
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(one, two, None)[:height, :width]  # type: ignore[call-overload]


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Sample float32 `image`, (H, W) or (H, W, 3), at every pixel's place plus `flow`."""
    height, width = flow.shape[:2]
    places = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    return cv2.remap(image, places + flow, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def outside(flow: np.ndarray, margin: float = 0.5) -> np.ndarray:
    """Return where a motion leads out of the picture by more than a margin, bool (H, W)."""
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    right, below = width - 1 + margin, height - 1 + margin
    return (x < -margin) | (x > right) | (y < -margin) | (y > below)


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
    flow = warp(flow, flow * np.float32(steps[0]))
    seen = [
        warp(near, flow * np.float32(step)) for near, step in zip((one, two), steps, strict=True)
    ]
    seen = [near + offset(here, near) for near in seen]
    seen = [
        np.where(outside(flow * np.float32(step)), here, near)
        for near, step in zip(seen, steps, strict=True)
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

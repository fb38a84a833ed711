"""The input of the cleaner's network: the frame, and what is known about it.

    aligned = align_directly(here, near)          # by the frame's own motion
    planes = stack_planes(here, witnesses, aligned, neighbours, dust, two_sided)    # (13, H, W)

The four neighbours are aligned by the motion of frames without obvious damage (`alignment`). This
motion does not follow things that are in one frame only, so the two nearest neighbours are there
twice more: aligned by the motion of the frame itself, which follows fast things, and not aligned,
for what stands still. The other planes are the error of the frame's own motion there and back (a
dark stain may be matched with a dark coat, but the coat is not matched with the stain), the dust
found by comparison, and whether there are neighbours on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from helpers.imaging.luma import to_uint8
from helpers.imaging.optical_flow import MEDIUM, measure_both_flows, warp

EVIDENCE = 13
"""The number of planes."""

HERE, DUST, SIDES = 0, 11, 12
"""The frame; the dust found by comparison, 0.5, or 1 if it is confirmed; 1 if there are neighbours
on both sides, 0 if only on one."""

WITNESSES, AGAIN, ASTRAY, UNMOVED = slice(1, 5), slice(5, 7), slice(7, 9), slice(9, 11)
"""Four aligned neighbours, the nearest first; the two nearest, aligned by the frame's own motion;
the error of that motion there and back; the two nearest, not aligned."""

PICTURES = [0, 1, 2, 3, 4, 5, 6, 9, 10]
"""The planes of luma; 0 is black and 1 is white."""

FARTHEST = 8.0
"""The error in pixels that is 1; more is no worse."""

Aligned = tuple[np.ndarray, np.ndarray]
"""A neighbour aligned by the frame's own motion, luma in 0..255, and the error of the motion there
and back in pixels; float32 (H, W)."""


def align_directly(here: np.ndarray, near: np.ndarray) -> Aligned:
    """Align a neighbour by the motion of the frame itself, damage included.

    Args:
        here, near: float32 (H, W) luma in 0..255; `near` without obvious damage.
    """
    flow, back = measure_both_flows(to_uint8(here), to_uint8(near), MEDIUM)
    error = np.linalg.norm(flow + warp(back, flow, cv2.INTER_CUBIC), axis=2)
    return warp(near, flow, cv2.INTER_CUBIC), error.astype(np.float32)


def stack_planes(
    here: np.ndarray,
    witnesses: Sequence[np.ndarray],
    aligned: Sequence[Aligned],
    neighbours: Sequence[np.ndarray],
    dust: np.ndarray,
    two_sided: bool,
) -> np.ndarray:
    """Stack the planes of the network's input.

    Args:
        here: float32 (H, W) luma in 0..255.
        witnesses: two or more aligned neighbours of it, the nearest first; two are used twice.
        aligned: the two nearest, aligned by the frame's own motion.
        neighbours: the two nearest, not aligned.
        dust: float32 (H, W), the dust found by comparison; see `DUST`.
        two_sided: whether there are neighbours before the frame and after it.

    Returns:
        (EVIDENCE, H, W) float32; luma is 0 at black and 1 at white, and may be beyond.
    """
    planes = np.empty((EVIDENCE, *here.shape), np.float32)
    planes[HERE] = here
    planes[WITNESSES] = np.stack([witnesses[n % len(witnesses)] for n in range(4)])
    planes[AGAIN] = np.stack([shown for shown, _ in aligned])
    planes[UNMOVED] = np.stack(neighbours)
    planes[PICTURES] /= 255
    planes[ASTRAY] = (np.stack([error for _, error in aligned]) / FARTHEST).clip(0, 1)
    planes[DUST], planes[SIDES] = dust, two_sided
    return planes

"""What the cleaner's network is shown of a frame: the frame, and what is known about it.

    planes = evidence.gather(here, witnesses, again, neighbours, dust, two_sided)   # (13, H, W)
    again = evidence.seen_again(here, calm)       # along the frame's own motion, there and back

The four neighbours are there as the calmed motion brought them (`alignment`); that motion
knows only what frames have in common, so the two nearest are there twice more: along the motion of
the frame as it is, which follows what flies far, and unmoved, which shows what stands still. With
them come how far the frame's own motion leads astray (a dark stain finds a dark coat, but the coat
does not lead back to the stain), what comparison takes for dust, and whether the neighbours stand
on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from helpers.imaging.luma import eight_bit
from helpers.imaging.optical_flow import MEDIUM, measure_both_flows, warp

EVIDENCE = 13
"""How many planes there are."""

HERE, DUST, SIDES = 0, 11, 12
"""The frame; what comparison found, 0.5, and believes, 1; whether it has neighbours on both sides,
1, or on one, 0."""

WITNESSES, AGAIN, ASTRAY, UNMOVED = slice(1, 5), slice(5, 7), slice(7, 9), slice(9, 11)
"""Four neighbours, aligned, the nearest first; the two nearest along the frame's own motion; how
far there and back leads astray; the two nearest, unmoved."""

PICTURES = [0, 1, 2, 3, 4, 5, 6, 9, 10]
"""Planes that show luma, 0 black and 1 white."""

FARTHEST = 8.0
"""Pixels of going astray that are 1; more is no worse."""

Again = tuple[np.ndarray, np.ndarray]
"""A neighbour along the frame's own motion, luma in 0..255, and pixels astray; float32 (H, W)."""


def seen_again(here: np.ndarray, calm: np.ndarray) -> Again:
    """Bring a calmed neighbour to a frame along the motion of that frame as it is.

    Args:
        here, calm: float32 (H, W) luma in 0..255.
    """
    move, back = measure_both_flows(eight_bit(here), eight_bit(calm), MEDIUM)
    astray = np.linalg.norm(move + warp(back, move, cv2.INTER_CUBIC), axis=2)
    return warp(calm, move, cv2.INTER_CUBIC), astray.astype(np.float32)


def gather(
    here: np.ndarray,
    witnesses: Sequence[np.ndarray],
    again: Sequence[Again],
    neighbours: Sequence[np.ndarray],
    dust: np.ndarray,
    two_sided: bool,
) -> np.ndarray:
    """Put together what the network is shown.

    Args:
        here: float32 (H, W) luma in 0..255.
        witnesses: two or more aligned neighbours of it, the nearest first; of two, both are given
            twice.
        again: the two nearest along the frame's own motion.
        neighbours: the two nearest as they are.
        dust: float32 (H, W), what comparison found and believes; see `DUST`.
        two_sided: whether there are neighbours before the frame and after it.

    Returns:
        (EVIDENCE, H, W) float32; luma is 0 at black and 1 at white, and may lie beyond.
    """
    planes = np.empty((EVIDENCE, *here.shape), np.float32)
    planes[HERE] = here
    planes[WITNESSES] = np.stack([witnesses[n % len(witnesses)] for n in range(4)])
    planes[AGAIN] = np.stack([shown for shown, _ in again])
    planes[UNMOVED] = np.stack(neighbours)
    planes[PICTURES] /= 255
    planes[ASTRAY] = (np.stack([astray for _, astray in again]) / FARTHEST).clip(0, 1)
    planes[DUST], planes[SIDES] = dust, two_sided
    return planes

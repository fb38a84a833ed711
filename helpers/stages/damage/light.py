"""Tell a flash of light from a stain: light shows what is below it, a stain covers it.

mask = drop_light(mask, here, base)
"""

from __future__ import annotations

import cv2
import numpy as np

WIDE = 0.1
"""Light falls on at least such a share of the picture. In benchmarks/quality/clean_film.py, flashes
cover 44 %; this number and the two below were chosen there."""

BRIGHTER = 15.0
"""It makes what it falls on brighter by so many grey levels, on average. Flashes there: 28."""

DETAIL = 0.85
"""The least correlation of the detail with that of the neighbours: 0.94 below flashes, at most 0.66
below stains and overlays that are as large and bright."""

FINE = 9
"""Detail is what differs from the mean of a square of so many pixels a side."""

NEAR = 7
"""Pieces are parts of one if a square of so many pixels a side closes the gap between them."""


def drop_light(mask: np.ndarray, here: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Drop the large, bright pieces of a mask through which the picture can be seen.

    Args:
        mask: bool (H, W).
        here: float32 (H, W) luma in 0..255.
        base: what the neighbours show there, likewise.
    """
    if mask.mean() < WIDE / 2:
        return mask
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((NEAR, NEAR)))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(joined)
    kept = mask.copy()
    for label in range(1, count):
        if boxes[label, cv2.CC_STAT_AREA] >= WIDE * mask.size:
            piece = labels == label
            # Its edge is no detail of the picture.
            within = cv2.erode(piece.astype(np.uint8), np.ones((FINE, FINE)), borderValue=1) > 0
            if within.any() and _is_light(within, here, base):
                kept[piece] = False
    return kept


def _is_light(piece: np.ndarray, here: np.ndarray, base: np.ndarray) -> bool:
    """Tell whether a piece is brighter than the neighbours, with the same detail."""
    if float((here - base)[piece].mean()) < BRIGHTER:
        return False
    one, two = (_detail(luma)[piece] for luma in (here, base))
    spread = float(one.std() * two.std())
    return spread > 0 and float(np.mean(one * two) - one.mean() * two.mean()) > DETAIL * spread


def _detail(luma: np.ndarray) -> np.ndarray:
    """Return what differs from the surroundings of each pixel, float32 (H, W)."""
    return luma - cv2.blur(luma, (FINE, FINE))

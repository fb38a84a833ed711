"""Find clipped peaks in a sound."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label


def find_clipping(samples: np.ndarray) -> tuple[np.ndarray, float]:
    """Return which samples, (N,) of one channel, are clipped, and the level they are clipped at.

    Clipped peaks are several samples in a row at one level; a loud recording reaches its highest
    level once.
    """
    size = np.abs(samples)
    top = float(size.max(initial=0))
    if top < 0.05:
        return np.zeros(len(samples), bool), top
    flat = size >= top * 0.985
    level = max(float(np.median(size[flat])) * 0.995, top * 0.985)
    flat = size >= level
    # A round peak is three times as wide where it is nine times as far below its top.
    if 2 * flat.sum() < (size >= level - 9 * (top - level)).sum():
        return np.zeros(len(samples), bool), top
    marks: np.ndarray = np.asarray(label(flat)[0])  # type: ignore[index]
    runs = np.bincount(marks)
    runs[0] = 0
    cut = runs >= 3
    if runs[cut].sum() < max(0.0001 * len(samples), 12) or runs[cut].sum() < 0.6 * flat.sum():
        return np.zeros(len(samples), bool), top
    return cut[marks], level

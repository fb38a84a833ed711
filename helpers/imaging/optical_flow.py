"""Motion between two pictures, by optical flow (DIS, Kroeger et al., ECCV 2016). Arrays only."""

from __future__ import annotations

import cv2
import numpy as np

from helpers.imaging.luma import brightness

SMALLEST_SIDE = 32
"""Pixels below which no motion is looked for."""


def softened(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return the luma as uint8, smoothed the more the noisier it is, for the search of motion."""
    luma = brightness(image)
    if sigma > 2:
        luma = cv2.GaussianBlur(luma, (0, 0), min(0.4 + sigma / 15, 2.0))
    return np.clip(np.rint(luma), 0, 255).astype(np.uint8)


def laid_over(other: np.ndarray, grey: np.ndarray, other_grey: np.ndarray) -> np.ndarray:
    """Return a neighbour moved so that its things lie where those of the picture are."""
    height, width = grey.shape
    if min(height, width) < SMALLEST_SIDE:
        return other
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    engine.setUseMeanNormalization(True)
    flow = engine.calc(grey, other_grey, None)  # type: ignore[call-overload]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    border = cv2.BORDER_REPLICATE
    across, down = columns + flow[..., 0], rows + flow[..., 1]
    return cv2.remap(other, across, down, cv2.INTER_CUBIC, borderMode=border)

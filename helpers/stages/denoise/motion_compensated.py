"""Average a frame with its neighbours along the motion, which removes noise and keeps detail.

    averaged, noise_left = average([before, image, after], at=1, sigma=6.0)

The neighbours are aligned with the frame by optical flow (DIS, Kroeger et al., ECCV 2016). A pixel
of a neighbour has little weight if it differs from the frame by more than noise explains. So the
frame is left unchanged where the flow fails or something new appears. MVTools denoises in the same
way with blocks; here every pixel has its own motion and weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from helpers.imaging.luma import to_levels
from helpers.imaging.optical_flow import align, flow_luma


def average(images: Sequence[np.ndarray], at: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Average a frame with its neighbours.

    Args:
        images: (H, W, 3) of one size and type, uint8 or uint16, in order.
        at: the position of the frame that is denoised.
        sigma: standard deviation of the noise, in grey levels of 255.

    Returns:
        The average, (H, W, 3) float32 in 0..255; and the share of the noise that is left at each
        pixel, (H, W) float32 in 0..1.
    """
    image = to_levels(images[at])
    luma = flow_luma(images[at], sigma)
    total, weights = image.copy(), np.ones(luma.shape, np.float32)
    squares = np.ones(luma.shape, np.float32)
    for number, other in enumerate(images):
        if number == at:
            continue
        moved = align(to_levels(other), luma, flow_luma(other, sigma))
        weight = _weigh(image, moved, sigma)
        total += moved * weight[..., None]
        weights += weight
        squares += weight * weight
    return total / weights[..., None], np.sqrt(squares) / weights


def _weigh(image: np.ndarray, moved: np.ndarray, sigma: float) -> np.ndarray:
    """Return the weight of each pixel of an aligned neighbour, 0..1."""
    # Compared over a window: a single pixel would favour neighbours with the same noise.
    square = cv2.blur(((image - moved) ** 2).mean(axis=2), (7, 7))
    noise = np.float32(2 * sigma * sigma + 0.1)
    return np.exp(-np.maximum(square / noise - 1, 0) * 2)

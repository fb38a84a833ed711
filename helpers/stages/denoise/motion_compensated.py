"""Average a picture with its neighbours along their motion: noise goes, what is there stays.

    steady = average([before, image, after], at=1, sigma=6.0)

Neighbours are laid over the picture by optical flow (DIS, Kroeger et al., ECCV 2016). A place of a
neighbour counts as far as it differs from the picture by no more than noise would: where the flow
fails or something new is seen, the picture keeps what it had. The idea is that of motion-
compensated degraining as MVTools does it in blocks; here every pixel has its own motion and weight.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from helpers.imaging.luma import to_levels
from helpers.imaging.optical_flow import align, flow_luma


def average(images: Sequence[np.ndarray], at: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Average a picture with its neighbours.

    Args:
        images: (H, W, 3) of one size and type, uint8 or uint16, in order.
        at: which of them is cleaned.
        sigma: standard deviation of the noise, in grey levels of 255.

    Returns:
        (H, W, 3) float32 in 0..255, and the part of the noise that is left of it
        everywhere, (H, W) float32 in 0..1.
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
    """Return how far each place of a moved neighbour shows what the picture shows, 0..1."""
    # Over a window, so that the noise of the single pixel does not choose its own like.
    square = cv2.blur(((image - moved) ** 2).mean(axis=2), (7, 7))
    noise = np.float32(2 * sigma * sigma + 0.1)
    return np.exp(-np.maximum(square / noise - 1, 0) * 2)

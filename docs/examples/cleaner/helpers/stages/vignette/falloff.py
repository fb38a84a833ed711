"""How a lens darkens the corners, and undoing it. Arrays only.

loss = measure_loss(mean_luma)             # 0.3: the corners lack 30 % of the light
even = give_back(image, loss)
"""

from __future__ import annotations

import numpy as np

from helpers.imaging.luma import brightness, relight

LARGEST = 0.8
"""The loss beyond which nothing is given back: a corner is then darker than the grain is even, and
what would be seen there is noise. Chosen by trial on drawn films."""


def squared_distance(height: int, width: int) -> np.ndarray:
    """Return how far every pixel is from the middle, squared: (H, W) float32, 1 in the corners."""
    y, x = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    return ((x**2 + y[:, None] ** 2) / 2).astype(np.float32)


def measure_loss(luma: np.ndarray) -> float:
    """Return the part of the light that the corners lack, 0 to LARGEST.

    A sky above dark ground does not mislead it: what falls off to one side only has no part in a
    fit to the distance from the middle.

    Args:
        luma: (H, W), the mean of many pictures, so that what they show averages out.
    """
    slope, middle = np.polyfit(squared_distance(*luma.shape).ravel(), luma.ravel(), 1)
    return float(np.clip(-slope / max(middle, 1.0), 0.0, LARGEST))


def give_back(image: np.ndarray, loss: float) -> np.ndarray:
    """Return a picture with its corners as light as its middle.

    Args:
        image: (H, W, 3) RGB, uint8 or uint16.
        loss: the part of the light that the corners lack.
    """
    luma = brightness(image)
    return relight(image, luma, luma / (1 - np.float32(loss) * squared_distance(*luma.shape)))

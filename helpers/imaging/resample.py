"""Resize without a network, with OpenCV: for comparison, and to make a size exact."""

from __future__ import annotations

import cv2
import numpy as np

_METHODS = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}


def cut_middle(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the middle of a picture, contiguous, of at most `size`: width and height in pixels."""
    left, top = (max(image.shape[1 - n] - size[n], 0) // 2 for n in (0, 1))
    return np.ascontiguousarray(image[top : top + size[1], left : left + size[0]])


def resize(image: np.ndarray, width: int, height: int, method: str = "lanczos") -> np.ndarray:
    """Resize a picture to an exact size.

    A side that becomes smaller is averaged over the area of each new pixel, which prevents
    aliasing; a side that becomes larger is interpolated by `method`.

    Args:
        image: (H, W, 3), uint8 or uint16.
        method: "bilinear", "bicubic" (a = -0.75) or "lanczos" (8x8 taps).

    Returns:
        (height, width, 3) of the same type.
    """
    old_height, old_width = image.shape[:2]
    small = (min(width, old_width), min(height, old_height))
    if small != (old_width, old_height):
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    if small != (width, height):
        image = cv2.resize(image, (width, height), interpolation=_METHODS[method])
    return image

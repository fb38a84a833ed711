"""Colour pictures that any machine has."""

from __future__ import annotations

import cv2
import numpy as np


def soft_photos() -> list[np.ndarray]:
    """Return two soft pictures of noise, (130, 170, 3) RGB uint8, always the same."""
    noise = np.random.default_rng(1).normal(size=(2, 130, 170, 3)).astype(np.float32)
    soft = [cv2.GaussianBlur(one, (0, 0), 2) for one in noise]
    return [np.rint(120 + 300 * one).clip(0, 255).astype(np.uint8) for one in soft]

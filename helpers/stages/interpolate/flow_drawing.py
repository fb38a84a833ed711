"""Draw the picture between two others in full size, given the motion in small. Arrays only.

levels = draw(first, last, mix, fraction=0.5)
picture = to_image(levels, np.uint8)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.luma import scale_of
from helpers.imaging.optical_flow import own_positions, sample

_ROWS = 32
"""Rows that are drawn at once, so that what is computed stays in the cache of a core. It has no
effect on the result."""

_SHARPEN = 0.14
"""The share of its second differences that is taken off a picture that was sampled linearly. It
makes good the mean loss at random places between pixels, which would be 1/6 with exact motion. By
trial with benchmarks/speed/flow.py: more is sharper than cubic sampling and costs PSNR."""


@dataclass(frozen=True, eq=False)
class Mix:
    """The candidates for a picture and their shares, in a small size.

    Attributes:
        motions: those of two candidates, (h, w, 2) float32, x and y in small pixels, by which a
            pixel moves from the first picture to the last. The third candidate is no motion.
        shares: (h, w) float32, of the first and the last picture without motion, and of both for
            each of `motions`. The six add up to 1 at every pixel.
    """

    motions: Sequence[np.ndarray]
    shares: Sequence[np.ndarray]

    def moving(self, width: int) -> np.ndarray:
        """Return the share of what moves by a pixel or more, (h, w), in a picture `width` wide."""
        total = np.zeros_like(self.shares[0])
        for number, motion in enumerate(self.motions, 1):
            length = np.hypot(motion[..., 0], motion[..., 1]) * np.float32(width / motion.shape[1])
            share = self.shares[2 * number] + self.shares[2 * number + 1]
            total += np.minimum(length, 1) * share
        return total


def draw(
    first: np.ndarray, last: np.ndarray, mix: Mix, fraction: float, soft: bool = False
) -> np.ndarray:
    """Draw the picture at `fraction` of the way from the first to the last.

    Args:
        first, last: (H, W, 3) float32 RGB in 0..255.
        soft: whether they have no fine detail, like enlarged pictures. They are then sampled
            linearly, in half the time, and what moves is sharpened.

    Returns:
        (H, W, 3) float32; some values may be a little beyond 0..255.
    """
    if not soft:
        # Cubic, since linear interpolation blurs fine detail.
        return _blend((first, last), mix, fraction, cv2.INTER_CUBIC)
    drawn = _blend((first, last), mix, fraction, cv2.INTER_LINEAR)
    height, width = drawn.shape[:2]
    amount = cv2.resize(mix.moving(width) * np.float32(-_SHARPEN), (width, height))
    bends = cv2.Laplacian(drawn, cv2.CV_32F, ksize=1, borderType=cv2.BORDER_REPLICATE)
    cv2.accumulateProduct(bends, cv2.cvtColor(amount, cv2.COLOR_GRAY2RGB), drawn)
    return drawn


def to_image(levels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round float32 levels in 0..255 to uint8 or uint16, halves to even numbers, and clip them."""
    kind = cv2.CV_16U if dtype == np.uint16 else cv2.CV_8U
    return cv2.addWeighted(levels, scale_of(dtype), levels, 0, 0, dtype=kind)


def _blend(
    pictures: Sequence[np.ndarray], mix: Mix, fraction: float, interpolation: int
) -> np.ndarray:
    """Return the weighted mean of the candidates.

    Args:
        pictures: the first and the last, (H, W, 3) float32.
        mix: the candidates, in any size.
        interpolation: a constant of OpenCV, for positions between pixels.
    """
    height, width = pictures[0].shape[:2]
    motions = [_enlarge_motion(motion, width, height) for motion in mix.motions]
    shares = [cv2.resize(share, (width, height)) for share in mix.shares]
    at = own_positions(height, width)
    drawn = np.zeros_like(pictures[0])
    for top in range(0, height, _ROWS):
        rows = slice(top, top + _ROWS)
        candidates = [picture[rows] for picture in pictures]
        for motion in motions:
            for picture, part in zip(pictures, (-fraction, 1 - fraction), strict=True):
                places = cv2.scaleAdd(motion[rows], part, at[rows])
                candidates.append(sample(picture, places, interpolation))
        for candidate, share in zip(candidates, shares, strict=True):
            weights = cv2.cvtColor(share[rows], cv2.COLOR_GRAY2RGB)
            cv2.accumulateProduct(candidate, weights, drawn[rows])
    return drawn


def _enlarge_motion(motion: np.ndarray, width: int, height: int) -> np.ndarray:
    """Enlarge a motion, (h, w, 2), with its lengths."""
    lengths = np.array([width / motion.shape[1], height / motion.shape[0]], np.float32)
    return cv2.resize(motion * lengths, (width, height), interpolation=cv2.INTER_LINEAR)

"""Stretch the contrast, sharpen, and make film grain. Arrays only; luma (H, W) float32 in 0..255.

luma = stretch(luma, black=20.0, white=200.0)
luma = sharpen(luma, amount=0.3, radius=1.0)
luma = luma + make_grain(luma, amount=1.5, size=1.2, seed=7)
"""

from __future__ import annotations

import cv2
import numpy as np

_TARGET = (8.0, 245.0)
"""The grey levels of a stretched shot's black and white. These numbers and the next were chosen by
eye."""

_STEEPEST = 1.6
"""The highest factor by which contrast is raised, so that a dim evening stays dim."""


def stretch(luma: np.ndarray, black: float, white: float) -> np.ndarray:
    """Stretch the levels between `black` and `white` to the whole range.

    Levels outside are compressed, not clipped. The factor is limited, and a shot that fills the
    range already is left unchanged.

    Args:
        luma: (H, W) float32 in 0..255.
        black, white: the range of nearly all of the shot's levels.
    """
    low, high = min(_TARGET[0], black), max(_TARGET[1], white)
    slope = min((high - low) / max(white - black, 1.0), _STEEPEST)
    # If the limited factor does not fill the range, the middle level stays where it is, if it can.
    middle = (black + white) / 2
    half = slope * (white - black) / 2
    centre = float(np.clip(middle, low + half, high - half))
    knots_in = np.array([0.0, black, white, 255.0])
    knots_out = np.array([0.0, centre - half, centre + half, 255.0])
    knots_in[1:3] = np.clip(knots_in[1:3], 0.5, 254.5)
    knots_out[1:3] = np.clip(knots_out[1:3], 0.5, 254.5)
    return np.interp(luma, knots_in, knots_out).astype(np.float32)


def sharpen(
    luma: np.ndarray, amount: float, radius: float = 1.0, overshoot: float = 2.0
) -> np.ndarray:
    """Sharpen by unsharp masking, without halos.

    Faint detail, which is mostly noise, is sharpened less than clear edges.

    Args:
        luma: (H, W) float32 in 0..255.
        amount: the share of the difference from the blurred picture that is added.
        radius: standard deviation of the blur in pixels.
        overshoot: the most grey levels by which a pixel may exceed the range of its neighbours.
    """
    detail = luma - cv2.GaussianBlur(luma, (0, 0), radius)
    clear = np.abs(detail) / (np.abs(detail) + np.float32(1.0))
    made = luma + np.float32(amount) * detail * clear
    around = np.ones((3, 3), np.uint8)
    lowest = cv2.erode(luma, around) - np.float32(overshoot)
    highest = cv2.dilate(luma, around) + np.float32(overshoot)
    return np.clip(made, lowest, highest)


def make_grain(luma: np.ndarray, amount: float, size: float, seed: int) -> np.ndarray:
    """Make film grain, to be added to a picture.

    Like the silver clumps of film, it is correlated over about `size` pixels and strongest in the
    middle greys.

    Args:
        luma: (H, W) float32 in 0..255, the picture that it is for.
        amount: standard deviation in the middle greys, in grey levels.
        size: size of the grains in pixels.
        seed: the same seed makes the same grain.

    Returns:
        (H, W) float32 with mean 0.
    """
    dice = np.random.Generator(np.random.Philox(seed))
    # Clumps of two sizes look like silver; a single size looks like a halftone screen.
    fine, coarse = (
        _smooth(dice.standard_normal(luma.shape, np.float32), size * factor)
        for factor in (0.35, 0.8)
    )
    mixed = np.float32(0.8) * fine + np.float32(0.6) * coarse
    place = luma / np.float32(255)
    shown = np.sqrt(np.clip(4 * place * (1 - place), 0, 1)) * (1 - 0.35 * place)
    return np.float32(amount) * mixed * shown


def _smooth(noise: np.ndarray, deviation: float) -> np.ndarray:
    """Blur white noise, and scale it to a standard deviation of 1 again."""
    if deviation < 0.2:
        return noise
    blurred = cv2.GaussianBlur(noise, (0, 0), deviation)
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(4 * deviation)) + 1, deviation)
    return blurred / np.float32((kernel**2).sum())

"""The last touch: contrast, sharpness, grain. Arrays only; luma (H, W) float32 in 0..255.

luma = stretch(luma, black=20.0, white=200.0)
luma = sharpen(luma, amount=0.3, radius=1.0)
luma = luma + grain(luma, amount=1.5, size=1.2, seed=7)
"""

from __future__ import annotations

import cv2
import numpy as np

_TARGET = (8.0, 245.0)
"""Where a stretched shot's darkest and lightest parts come to lie. This number and the next were
chosen by eye."""

_STEEPEST = 1.6
"""How much contrast may be raised at most: a dim evening is to stay one."""


def stretch(luma: np.ndarray, black: float, white: float) -> np.ndarray:
    """Spread the levels between `black` and `white` over the whole range.

    Beyond both ends the curve goes on ever more slowly, so that nothing is cut off. Contrast is
    raised by at most `STEEPEST`, and a shot that fills the range already is left alone.

    Args:
        luma: (H, W) float32 in 0..255.
        black, white: the levels that nearly all of the shot lies between.
    """
    low, high = min(_TARGET[0], black), max(_TARGET[1], white)
    slope = min((high - low) / max(white - black, 1.0), _STEEPEST)
    # What cannot be spread over the whole range keeps its middle where it is, as far as it fits.
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
    """Sharpen by what a blur takes away, without halos.

    A place may become lighter or darker than its neighbours were by no more than `overshoot`, and
    faint detail, which is noise more often than not, is sharpened less than plain edges.

    Args:
        luma: (H, W) float32 in 0..255.
        amount: parts of the difference to the blurred picture that are added.
        radius: the blur's standard deviation in pixels.
        overshoot: grey levels.
    """
    detail = luma - cv2.GaussianBlur(luma, (0, 0), radius)
    clear = np.abs(detail) / (np.abs(detail) + np.float32(1.0))
    made = luma + np.float32(amount) * detail * clear
    around = np.ones((3, 3), np.uint8)
    lowest = cv2.erode(luma, around) - np.float32(overshoot)
    highest = cv2.dilate(luma, around) + np.float32(overshoot)
    return np.clip(made, lowest, highest)


def make_grain(luma: np.ndarray, amount: float, size: float, seed: int) -> np.ndarray:
    """Return film grain to be added to a picture.

    Grain is clumps of silver: neighbours are alike over about `size` pixels, and it shows most in
    the middle greys; clear film has none to show, and black hides it.

    Args:
        luma: (H, W) float32 in 0..255, the picture it is for.
        amount: standard deviation in the middle greys, in grey levels.
        size: how large the grains are, in pixels.
        seed: another one, another grain.

    Returns:
        (H, W) float32, of mean 0.
    """
    dice = np.random.Generator(np.random.Philox(seed))
    # Two sizes of clumps look like silver; one looks like a screen.
    fine, coarse = (
        _smooth(dice.standard_normal(luma.shape, np.float32), size * factor)
        for factor in (0.35, 0.8)
    )
    mixed = np.float32(0.8) * fine + np.float32(0.6) * coarse
    place = luma / np.float32(255)
    shown = np.sqrt(np.clip(4 * place * (1 - place), 0, 1)) * (1 - 0.35 * place)
    return np.float32(amount) * mixed * shown


def _smooth(noise: np.ndarray, deviation: float) -> np.ndarray:
    """Blur white noise and bring it back to a deviation of 1."""
    if deviation < 0.2:
        return noise
    blurred = cv2.GaussianBlur(noise, (0, 0), deviation)
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(4 * deviation)) + 1, deviation)
    return blurred / np.float32((kernel**2).sum())

"""Brightness of pictures, and the arithmetic that stages share. Arrays only.

    luma = brightness(image)                     # float32 in 0..255, whatever the depth
    better = relight(image, luma, wanted)        # the colours keep their hue
    result = blend(image, better, strength=0.5)

Luma is that of ITU-R BT.601 here, whatever the film is tagged with: for measuring, and for grey
film, it makes no difference. Where a film's colours are taken apart and put together again, luma is
counted by its own matrix; see `color_matrix`.
"""

from __future__ import annotations

import cv2
import numpy as np

_WEIGHTS = np.array([[0.299, 0.587, 0.114]], np.float32)
"""The shares of red, green and blue in luma (ITU-R BT.601)."""

_FLOOR = 4.0
"""Grey levels added before a ratio is taken, so that noise in the black is not blown up. Chosen by
trial; the films were not noted."""


def scale_of(dtype: np.dtype) -> float:
    """Return what one of 255 grey levels is in a picture's type: 1 for uint8, 257 for uint16."""
    return 257.0 if dtype == np.uint16 else 1.0


def brightness(image: np.ndarray) -> np.ndarray:
    """Return the luma of a picture.

    Args:
        image: (H, W, 3) RGB, uint8 or uint16.

    Returns:
        (H, W) float32 in 0..255, for uint16 with fractions.
    """
    if image.dtype == np.uint16:
        # Through float first: OpenCV would round the luma to the picture's own type.
        return cv2.transform(image.astype(np.float32), _WEIGHTS / 257)
    return cv2.transform(image.astype(np.float32), _WEIGHTS)


def to_levels(image: np.ndarray) -> np.ndarray:
    """Return a picture's pixels as float32 in 0..255, of the same shape.

    Args:
        image: uint8, uint16, or float32 in 0..255 already, which is returned as it is.
    """
    if image.dtype == np.float32:
        return image
    return image.astype(np.float32) * np.float32(1 / scale_of(image.dtype))


def opencv_luma(image: np.ndarray) -> np.ndarray:
    """Return the luma of a picture as OpenCV's cvtColor counts it.

    It is that of `brightness` but for the last bit of its floats: in a few columns, where OpenCV
    adds in another order, and of uint16, where levels are divided before they are mixed. What rests
    on it (the repair of damage and the flow between two pictures) would change with `brightness`.

    Args:
        image: (H, W, 3) RGB, uint8, uint16, or float32 in 0..255.

    Returns:
        (H, W) float32 in 0..255.
    """
    return cv2.cvtColor(to_levels(image), cv2.COLOR_RGB2GRAY)


def to_uint8(luma: np.ndarray) -> np.ndarray:
    """Round float32 luma in 0..255 to uint8, halves to even numbers.

    What lies above 255 becomes 255; what lies below 0, as cubic sampling may leave it, loses its
    sign.
    """
    return cv2.convertScaleAbs(luma)


def small_brightness(image: np.ndarray, width: int) -> np.ndarray:
    """Return a picture's luma narrowed to at most `width` pixels, (h, w) float32 in 0..255."""
    height, across = image.shape[:2]
    if across > width:
        size = (width, max(round(height * width / across), 1))
        # Averaging first makes the little picture nearly free of grain.
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return brightness(image)


def relight(image: np.ndarray, luma: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Give every pixel another luma, with its three channels multiplied alike.

    Exposure acts on all light, so multiplying keeps hue and saturation. A channel that would pass
    the top holds its pixel's whole factor back: nothing clips and no hue turns. Fractions of a
    level are dithered by a fixed pattern, so that a stretched 8-bit sky shows no bands; where
    nothing changes, every pixel comes back as it was.

    Args:
        image: (H, W, 3), uint8 or uint16.
        luma, wanted: (H, W) float32 in 0..255.

    Returns:
        (H, W, 3) of the same type.
    """
    unit = scale_of(image.dtype)
    floor, top = np.float32(_FLOOR * unit), np.float32(255 * unit)
    pixels = image.astype(np.float32) + floor
    factor = (wanted + np.float32(_FLOOR)) / (luma + np.float32(_FLOOR))
    room = (top + floor) / pixels.max(axis=2)
    pixels *= np.minimum(factor, room)[..., None]
    pixels -= floor
    return dither(pixels, image.dtype)


def dither(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round float pixels (H, W, 3) to uint8 or uint16 by a fixed pattern; whole numbers stay.

    The pattern is interleaved gradient noise (Jimenez, "Next Generation Post Processing in Call of
    Duty", SIGGRAPH 2014): neighbours get thresholds far apart, and no grid is seen.
    """
    height, width = pixels.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    pattern = (52.9829189 * ((0.06711056 * columns + 0.00583715 * rows) % 1)) % 1
    # Not below 0 nor as much as 1, and with room for float error beside a whole number.
    pattern = (0.01 + 0.98 * pattern).astype(np.float32)
    top = 65535 if dtype == np.uint16 else 255
    return np.clip(np.floor(pixels + pattern[..., None]), 0, top).astype(dtype)


def round_to(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round float pixels to uint8 or uint16, halves to even numbers, and clip them to its range."""
    return np.clip(np.rint(pixels), 0, np.iinfo(dtype).max).astype(dtype)


def blend(image: np.ndarray, made: np.ndarray, strength: float) -> np.ndarray:
    """Return `strength` parts of what was made and the rest of what was there.

    Args:
        image, made: one shape and type, uint8 or uint16.
        strength: 0 (the very input) to 1 (the very result).
    """
    if strength == 0 or made is image:
        return image
    if strength == 1:
        return made
    mixed = image + np.float32(strength) * (made.astype(np.float32) - image)
    return np.rint(mixed).astype(image.dtype)

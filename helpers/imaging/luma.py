"""The brightness of pictures, and rounding and blending. Arrays only.

    luma = brightness(image)                     # float32 in 0..255 for every depth
    better = relight(image, luma, wanted)        # hue and saturation are kept
    result = blend(image, better, strength=0.5)

Luma is computed with the matrix of ITU-R BT.601 here, whatever matrix the film has. That is good
enough for measuring, and makes no difference for grey film. Stages that separate luma from colour
use the film's own matrix; see `color_matrix`.
"""

from __future__ import annotations

import cv2
import numpy as np

_WEIGHTS = np.array([[0.299, 0.587, 0.114]], np.float32)
"""The weights of red, green and blue in luma (ITU-R BT.601)."""

_FLOOR = 4.0
"""Grey levels that are added before a ratio is computed, so that noise in black areas is not
amplified. Chosen by trial; the films were not noted."""


def scale_of(dtype: np.dtype) -> float:
    """Return the value of one of 255 grey levels in a type: 1 for uint8, 257 for uint16."""
    return 257.0 if dtype == np.uint16 else 1.0


def brightness(image: np.ndarray) -> np.ndarray:
    """Return the luma of a picture.

    Args:
        image: (H, W, 3) RGB, uint8 or uint16.

    Returns:
        (H, W) float32 in 0..255; that of a uint16 picture has fractions.
    """
    if image.dtype == np.uint16:
        # Converted to float first, since OpenCV would round the luma to the picture's type.
        return cv2.transform(image.astype(np.float32), _WEIGHTS / 257)
    return cv2.transform(image.astype(np.float32), _WEIGHTS)


def to_levels(image: np.ndarray) -> np.ndarray:
    """Convert a picture to float32 in 0..255, of the same shape.

    Args:
        image: uint8 or uint16; a float32 picture in 0..255 is returned as it is.
    """
    if image.dtype == np.float32:
        return image
    return image.astype(np.float32) * np.float32(1 / scale_of(image.dtype))


def to_eight_bit(image: np.ndarray) -> np.ndarray:
    """Round uint16 (0..65535) to uint8 (0..255); uint8 is returned as it is."""
    if image.dtype == np.uint8:
        return image
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def mean_slope(luma: np.ndarray) -> float:
    """Return how much luma, (H, W), changes from pixel to pixel, on average: how crisp it is."""
    across, down = np.diff(luma, axis=1)[1:], np.diff(luma, axis=0)[:, 1:]
    return float(np.hypot(across, down).mean())


def opencv_luma(image: np.ndarray) -> np.ndarray:
    """Return the luma of a picture as OpenCV's cvtColor computes it.

    It differs from `brightness` only in the last bit of some floats, since the order of operations
    differs. The repair of damage and interpolation by flow use it, and their results would change
    slightly with `brightness`.

    Args:
        image: (H, W, 3) RGB, uint8, uint16, or float32 in 0..255.

    Returns:
        (H, W) float32 in 0..255.
    """
    return cv2.cvtColor(to_levels(image), cv2.COLOR_RGB2GRAY)


def to_uint8(luma: np.ndarray) -> np.ndarray:
    """Round float32 luma in 0..255 to uint8, halves to even numbers.

    Values above 255 become 255. Negative values, which cubic interpolation may leave, lose their
    sign.
    """
    return cv2.convertScaleAbs(luma)


def small_brightness(image: np.ndarray, width: int) -> np.ndarray:
    """Return a picture's luma, reduced to at most `width` pixels, (h, w) float32 in 0..255."""
    height, across = image.shape[:2]
    if across > width:
        size = (width, max(round(height * width / across), 1))
        # Averaging removes nearly all grain from the small picture.
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return brightness(image)


def relight(image: np.ndarray, luma: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Change the luma of every pixel by multiplying its three channels by the same factor.

    So hue and saturation are kept, as with a change of exposure. The factor of a pixel is limited
    so that no channel clips. The result is dithered, which prevents banding in a stretched 8-bit
    sky; a pixel whose luma does not change is returned unchanged.

    Args:
        image: (H, W, 3), uint8 or uint16.
        luma, wanted: (H, W) float32 in 0..255, the picture's luma and the new one.

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
    """Round float pixels, (H, W, 3), to uint8 or uint16 with ordered dithering.

    The pattern is interleaved gradient noise (Jimenez, "Next Generation Post Processing in Call of
    Duty", SIGGRAPH 2014), in which neighbours have very different thresholds and no grid is
    visible. Whole numbers are not changed.
    """
    height, width = pixels.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    pattern = (52.9829189 * ((0.06711056 * columns + 0.00583715 * rows) % 1)) % 1
    # Between 0 and 1, with a margin for the float error of whole numbers.
    pattern = (0.01 + 0.98 * pattern).astype(np.float32)
    top = 65535 if dtype == np.uint16 else 255
    return np.clip(np.floor(pixels + pattern[..., None]), 0, top).astype(dtype)


def round_to(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round float pixels to uint8 or uint16, halves to even numbers, and clip them to the range."""
    return np.clip(np.rint(pixels), 0, np.iinfo(dtype).max).astype(dtype)


def blend(image: np.ndarray, made: np.ndarray, strength: float) -> np.ndarray:
    """Blend a picture with the processed one.

    Args:
        image, made: the picture and the processed one, of one shape and type, uint8 or uint16.
        strength: the share of the processed one: 0 returns `image` itself, 1 returns `made` itself.
    """
    if strength == 0 or made is image:
        return image
    if strength == 1:
        return made
    mixed = image + np.float32(strength) * (made.astype(np.float32) - image)
    return np.rint(mixed).astype(image.dtype)

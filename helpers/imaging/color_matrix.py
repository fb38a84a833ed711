"""Split a picture into luma and chroma, and join luma with other chroma. Arrays only.

    luma = luma_of(image, "bt709")                    # float32 (H, W) in 0..1
    chroma = chroma_of(picture, "bt709")              # float32 (h, w, 2), Cb and Cr in -0.5..0.5
    image = join(luma, enlarge_chroma(chroma, 640, 480), "bt709", np.uint8)

Luma and the colour differences are those of ITU-R BT.601, BT.709 and BT.2020, full range. `join`
keeps the luma exactly, except for rounding: a colour that cannot be displayed at that brightness is
desaturated, not clipped.
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.imaging.luma import to_uint8
from helpers.imaging.matrices import WEIGHTS

LONGEST = 384
"""The longer side, in pixels, of the small pictures in which colours are processed. The eye sees
little detail in colour, and most video stores chroma at half the size."""

_LIMIT = 0.1
"""The most by which a second model may change Cb and Cr of the first: a tenth of their range. This
number and those below that name no source were chosen by eye, without the real weights of a
model."""

_DARK = (0.04, 0.16)
"""A second model's colours are not used below the first luma, and fully used above the second.
Vivid models flash red and blue in dark areas."""


_STRIP = 16
"""Rows of a picture that are joined at once."""


def is_grey(image: np.ndarray) -> bool:
    """Tell whether red, green and blue are the same in every pixel of a picture (H, W, 3)."""
    red, green, blue = cv2.split(image)
    return np.array_equal(red, green) and np.array_equal(red, blue)


def luma_of(image: np.ndarray, matrix: str) -> np.ndarray:
    """Return the luma of a picture, float32 (H, W) in 0..1.

    Args:
        image: (H, W, 3) RGB, uint8, uint16, or float32 in 0..1; or (H, W) grey.
        matrix: one of WEIGHTS.
    """
    if image.ndim == 2:
        return image.astype(np.float32) * np.float32(1 / np.iinfo(image.dtype).max)
    red, blue = WEIGHTS[matrix]
    row = np.array([[red, 1 - red - blue, blue]])
    if image.dtype != np.float32:
        row = row / np.iinfo(image.dtype).max
        image = image.astype(np.float32)
    return cv2.transform(image, row.astype(np.float32))


def small_luma(image: np.ndarray, matrix: str, size: tuple[int, int]) -> np.ndarray:
    """Return the luma of a picture in another, usually smaller, size, rounded to uint8 (h, w).

    Args:
        image: (H, W, 3) RGB, or (H, W) grey, as in `luma_of`.
        matrix: one of WEIGHTS.
        size: width and height.
    """
    return to_uint8(resize_planes(luma_of(image, matrix), size) * 255)


def chroma_of(image: np.ndarray, matrix: str) -> np.ndarray:
    """Return the colour differences Cb and Cr of a picture, float32 (H, W, 2) in -0.5..0.5.

    Args:
        image: (H, W, 3) RGB, uint8, uint16, or float32 in 0..1.
        matrix: one of WEIGHTS.
    """
    red, blue = WEIGHTS[matrix]
    green = 1 - red - blue
    rows = np.array(
        [
            np.array([-red, -green, 1 - blue]) / (2 * (1 - blue)),
            np.array([1 - red, -green, -blue]) / (2 * (1 - red)),
        ]
    )
    if image.dtype != np.float32:
        rows = rows / np.iinfo(image.dtype).max
        image = image.astype(np.float32)
    return cv2.transform(image, rows.astype(np.float32))


def join(luma: np.ndarray, chroma: np.ndarray, matrix: str, dtype: type | np.dtype) -> np.ndarray:
    """Join luma and chroma to a picture.

    Args:
        luma: float32 (H, W) in 0..1.
        chroma: float32 (H, W, 2), Cb and Cr.
        matrix: one of WEIGHTS.
        dtype: uint8 or uint16.

    Returns:
        (H, W, 3) RGB, whose luma differs from `luma` by less than half a level.
    """
    # In strips that fit in the processor's cache.
    strips = range(0, len(luma), _STRIP)
    made = [_join(luma[n : n + _STRIP], chroma[n : n + _STRIP], matrix, dtype) for n in strips]
    return np.concatenate(made)


def _join(luma: np.ndarray, chroma: np.ndarray, matrix: str, dtype: type | np.dtype) -> np.ndarray:
    red_share, blue_share = (np.float32(share) for share in WEIGHTS[matrix])
    green_share = 1 - red_share - blue_share
    top = np.float32(np.iinfo(dtype).max)
    blue = chroma[..., 0] * (2 * (1 - blue_share))
    red = chroma[..., 1] * (2 * (1 - red_share))
    green = (red * red_share + blue * blue_share) / -green_share
    # The share of the chroma that can be displayed at this luma.
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    tiny = np.float32(1e-6)
    room = np.minimum((1 - luma) / np.maximum(most, tiny), luma / np.maximum(-least, tiny))
    room = np.clip(room, 0, 1)
    levels = luma * top
    room *= top
    red = np.rint(levels + red * room)
    blue = np.rint(levels + blue * room)
    # Green is computed last, from the rounded red and blue, so that rounding errors do not add up.
    green = np.rint((levels - red * red_share - blue * blue_share) / green_share)
    return cv2.merge([red, green, blue]).clip(0, top).astype(dtype)


def working_size(width: int, height: int, longest: int = LONGEST) -> tuple[int, int]:
    """Return the size, (width, height), in which the colours of a picture are processed.

    Args:
        longest: the longer side in pixels; a smaller picture keeps its size.
    """
    share = min(longest / max(width, height), 1)
    return max(round(width * share), 1), max(round(height * share), 1)


def resize_planes(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize float32 planes, (H, W) or (H, W, 2), to another, usually smaller, size."""
    if (plane.shape[1], plane.shape[0]) == size:
        return plane
    smaller = size[0] <= plane.shape[1] and size[1] <= plane.shape[0]
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def enlarge_chroma(chroma: np.ndarray, width: int, height: int) -> np.ndarray:
    """Enlarge chroma, (h, w, 2), to the size of a picture.

    Interpolation is cubic: on the Kodak photographs it is 1.2 to 1.6 dB better than linear. It is
    also better than a guided filter on the full luma, which adds colour at edges of brightness.
    """
    if chroma.shape[:2] == (height, width):
        return chroma
    return cv2.resize(chroma, (width, height), interpolation=cv2.INTER_CUBIC)


def blend_chroma(first: np.ndarray, second: np.ndarray, mix: float, luma: np.ndarray) -> np.ndarray:
    """Blend the colours of two models, with a limit to the influence of the second.

    The second model changes Cb and Cr by at most a tenth of their range, and not at all in dark
    areas, so that the stability of the first is kept. The author of vs-deoldify found this setting
    best for film.

    Args:
        first, second: float32 (h, w, 2), Cb and Cr.
        mix: the share of the second, 0 to 1.
        luma: float32 (h, w) in 0..1.
    """
    low, high = _DARK
    light = np.clip((luma - low) / (high - low), 0, 1)[..., None]
    departure = np.float32(mix) * (second - first)
    return first + light * departure.clip(-_LIMIT, _LIMIT)


_COLOURED = (4.0, 0.25, 6.0)
"""The thresholds above which a picture is in colour. The first two apply to the distance of the
colours from a smooth curve of tint over luma: its 95th percentile in levels of 255, and its mean as
a share of the mean saturation. The third applies to the 95th percentile of the distance from the
hue of the tint, in levels. Chosen by trial; the films were not noted."""


def measure_cast(image: np.ndarray, matrix: str) -> tuple[float, float]:
    """Measure the tint of a picture, and whether the picture is in colour.

    In a picture that is only tinted (by sepia toning, a dye, or the cast of a scanner), the colour
    is a function of the brightness; in a colour picture it is not. The picture is reduced first,
    which averages the noise of its codec.

    Args:
        image: (H, W, 3) RGB, uint8 or uint16.
        matrix: one of WEIGHTS.

    Returns:
        The strength of the tint in levels of 255; and a score, which is above 1 for a picture in
        colour.
    """
    height, width = image.shape[:2]
    unit = np.float32(1 / np.iinfo(image.dtype).max)
    small = resize_planes(image.astype(np.float32) * unit, working_size(width, height, 64))
    chroma = chroma_of(small, matrix).reshape(-1, 2).astype(np.float64) * 255
    luma = luma_of(small, matrix).ravel()
    courses = np.stack([np.ones_like(luma), luma, luma * luma], 1)
    strays = chroma - courses @ np.linalg.lstsq(courses, chroma, rcond=None)[0]
    mean = chroma.mean(axis=0)
    tint, strength = float(np.hypot(*mean)), float(np.hypot(*chroma.T).mean())
    length = np.hypot(*strays.T)
    across = np.abs(strays @ np.array([-mean[1], mean[0]]) / tint) if tint > 1 else length
    absolute, relative, crosswise = _COLOURED
    by_strength = min(
        float(np.percentile(length, 95)) / absolute,
        float(length.mean()) / max(relative * strength, 0.1),
    )
    return tint, max(by_strength, float(np.percentile(across, 95)) / crosswise)

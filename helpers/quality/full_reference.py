"""Compare pictures with the truth. Arrays only.

found = compare_pictures(made, truth)         # two consecutive pictures of each, or more
found["psnr"], found["ssim"], found["flicker"]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.luma import brightness, mean_slope, to_levels, to_uint8
from helpers.imaging.optical_flow import MEDIUM, measure_flow, warp

_WINDOW = (11, 11)
"""The Gaussian window of SSIM in pixels, with a standard deviation of 1.5 (Wang et al., 2004)."""

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""What keeps the quotients of SSIM steady in dark and flat places (the same paper)."""

_SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""The weights of the five scales of MS-SSIM, from fine to coarse (Wang et al., 2003)."""

_BEST = 99.0
"""The PSNR in dB of equal pictures."""


@dataclass(frozen=True)
class Measure:
    """One way to compare with the truth.

    Attributes:
        title: its name, as the field uses it.
        unit: its unit; empty if it has none.
        meaning: what a person sees of it.
        best: "high" or "low", or "one": as much as the truth has.
        digits: decimals to be shown.
    """

    title: str
    unit: str
    meaning: str
    best: str
    digits: int


MEASURES = {
    "psnr": Measure("PSNR", "dB", "how far every pixel is from the truth", "high", 2),
    "ssim": Measure("SSIM", "", "whether fine structure is right", "high", 4),
    "ms_ssim": Measure("MS-SSIM", "", "whether structure of all sizes is right", "high", 4),
    "vmaf": Measure("VMAF", "", "what viewers of a television said of such films", "high", 1),
    "colour": Measure("CIEDE2000", "", "how far the colours are off", "low", 2),
    "flicker": Measure("flicker", "x", "unrest along the motion; 1 is the truth's", "one", 2),
    "edges": Measure("edges", "x", "how crisp it is; 1 is the truth's", "one", 2),
}
"""Every measure, in the order in which they are shown."""


def compare_pictures(made: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> dict[str, float]:
    """Compare consecutive pictures of one shot with the truth.

    Args:
        made, truth: as many pictures of each, (H, W, 3) RGB of one size, uint8 or uint16.

    Returns:
        The means over the pictures of `MEASURES`, but for VMAF. Flicker needs two pictures.
    """
    pairs = [(to_levels(a), to_levels(b)) for a, b in zip(made, truth, strict=True)]
    lumas = [(brightness(a), brightness(b)) for a, b in zip(made, truth, strict=True)]
    found = {
        "psnr": _mean(psnr, pairs),
        "ssim": _mean(ssim, lumas),
        "ms_ssim": _mean(ms_ssim, lumas),
        "colour": _mean(colour_difference, pairs),
        "edges": _ratio_of_slopes(lumas),
    }
    if len(pairs) > 1:
        found["flicker"] = flicker([a for a, _ in lumas], [b for _, b in lumas])
    return found


def _mean(measure: Callable[[np.ndarray, np.ndarray], float], pairs: Sequence[tuple]) -> float:
    return float(np.mean([measure(*pair) for pair in pairs]))


def psnr(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the peak signal-to-noise ratio in dB of levels in 0..255; 99 of equal pictures."""
    error = float(np.mean(np.square(made.astype(np.float64) - truth)))
    return min(10 * np.log10(255**2 / error), _BEST) if error else _BEST


def ssim(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the structural similarity of two lumas, (H, W) in 0..255 (Wang et al., 2004)."""
    return float(np.mean(np.multiply(*_similarity(made, truth))))


def ms_ssim(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the multi-scale structural similarity of two lumas (Wang et al., 2003).

    Of pictures with a side below 176 pixels, as many scales are used as the window fits in; their
    weights still add up to 1.
    """
    sides = min(made.shape)
    scales = [w for n, w in enumerate(_SCALES) if n == 0 or sides // 2**n >= _WINDOW[0]]
    result = 1.0
    for number, weight in enumerate(scales):
        light, structure = _similarity(made, truth)
        last = number == len(scales) - 1
        value = float(np.mean(light * structure if last else structure))
        result *= max(value, 0.0) ** (weight / sum(scales))
        if not last:
            half = (made.shape[1] // 2, made.shape[0] // 2)
            made, truth = (cv2.resize(a, half, interpolation=cv2.INTER_AREA) for a in (made, truth))
    return result


def _similarity(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how alike light and structure are around each pixel, two maps in -1..1."""
    a, b = a.astype(np.float64), b.astype(np.float64)

    def near(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, _WINDOW, 1.5, borderType=cv2.BORDER_REFLECT)

    mean_a, mean_b = near(a), near(b)
    spread_a, spread_b = near(a * a) - mean_a**2, near(b * b) - mean_b**2
    common = near(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1)
    return light, (2 * common + _C2) / (spread_a + spread_b + _C2)


def colour_difference(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean CIEDE2000 of two pictures, (H, W, 3) sRGB in 0..255; 1 is just visible."""
    from skimage.color import deltaE_ciede2000

    labs = [cv2.cvtColor(a.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for a in (made, truth)]
    return float(np.mean(deltaE_ciede2000(*labs)))


def flicker(made: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> float:
    """Return how much consecutive lumas differ along the true motion, as a multiple of the truth's.

    Both are measured along the motion of the truth, so that a picture that moves is not unsteady.
    """
    own, right = 0.0, 0.0
    for n in range(len(truth) - 1):
        flow = measure_flow(to_uint8(truth[n]), to_uint8(truth[n + 1]), MEDIUM)
        own += _unrest(made[n], made[n + 1], flow)
        right += _unrest(truth[n], truth[n + 1], flow)
    return own / max(right, 1e-3)


def _unrest(here: np.ndarray, there: np.ndarray, flow: np.ndarray) -> float:
    return float(np.abs(warp(there.astype(np.float32), flow) - here).mean())


def _ratio_of_slopes(lumas: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    made, truth = (float(np.mean([mean_slope(pair[n]) for pair in lumas])) for n in (0, 1))
    return made / max(truth, 1e-6)

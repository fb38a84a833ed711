"""Make a small compressed film of large pictures, as cameras and web sites of its time did.

    small = degrade(pictures, np.random.default_rng(1))  # a quarter of the size, uint8

The pictures are reduced in one of several ways, get noise and halos of sharpening, and are really
encoded with chroma at half size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from helpers.stages.upscale.small_video_network import SCALE
from helpers.video.recode import quantiser_options, recode

CODECS: dict[str, tuple[float, float, float]] = {
    "mpeg4": (0.26, 2, 16),
    "h263p": (0.15, 2, 16),
    "flv": (0.15, 2, 16),
    "libx264": (0.2, 20, 40),
    "msmpeg4": (0.06, 2, 16),
    "msmpeg4v2": (0.04, 2, 16),
    "wmv2": (0.06, 2, 16),
    "wmv1": (0.03, 2, 16),
    "mjpeg": (0.05, 2, 16),
}
"""The codecs: how often each is used, and the range of its quantiser, or of x264's rate factor."""

_MOST_RUN_IN = 10
"""Pictures that are encoded before the first, so that it need not be a key frame."""


def degrade(pictures: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Reduce pictures to a quarter of their size, and compress them as a film.

    Args:
        pictures: (H, W, 3) float32 RGB in 0..255, of one size, with sides that are multiples of 16.

    Returns:
        (H / 4, W / 4, 3) uint8 RGB, as many.
    """
    reduce = _choose_reduction(rng)
    small = [reduce(picture) for picture in pictures]
    small = _sharpen(small, rng)
    small = _add_noise(small, rng)
    seen = [np.rint(picture).clip(0, 255).astype(np.uint8) for picture in small]
    # The same pictures backwards lead up to the first without being drawn.
    run_in = seen[int(rng.integers(0, min(_MOST_RUN_IN, len(seen) - 1) + 1)) : 0 : -1]
    codec = str(rng.choice(list(CODECS), p=[share for share, _, _ in CODECS.values()]))
    return recode([*run_in, *seen], codec, *_draw_options(codec, rng)).pictures[len(run_in) :]


def _choose_reduction(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """Choose how pictures are reduced: by area, softly, or with jagged edges."""
    focus = rng.uniform(0.5, 3.0) if rng.random() < 0.3 else 0.0
    how = rng.choice(["area", "soft", "cubic", "jagged"], p=[0.45, 0.3, 0.15, 0.1])
    blur = rng.uniform(1.2, 2.4)

    def reduce(picture: np.ndarray) -> np.ndarray:
        if focus:
            picture = cv2.GaussianBlur(picture, (0, 0), focus)
        sides = (picture.shape[1] // SCALE, picture.shape[0] // SCALE)
        if how == "area":
            return cv2.resize(picture, sides, interpolation=cv2.INTER_AREA)
        if how == "soft":
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        elif how == "cubic":
            picture = cv2.blur(picture, (2, 2), borderType=cv2.BORDER_REFLECT_101)
            half = (2 * sides[0], 2 * sides[1])
            picture = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
            return cv2.resize(picture, sides, interpolation=cv2.INTER_CUBIC)
        return cv2.resize(picture, sides, interpolation=cv2.INTER_LINEAR)

    return reduce


def _sharpen(pictures: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    if rng.random() > 0.25:
        return pictures
    strength, radius = rng.uniform(0.2, 1.0), rng.uniform(0.6, 1.2)
    return [p + strength * (p - cv2.GaussianBlur(p, (0, 0), radius)) for p in pictures]


def _add_noise(pictures: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Add the noise of a sensor: other noise in every picture, stronger in colour or not."""
    if rng.random() > 0.5:
        return pictures
    sigma, common = np.exp(rng.uniform(np.log(0.7), np.log(6))), rng.uniform(0.2, 1.0)
    softness = rng.uniform(0.0, 0.8)
    noisy = []
    for picture in pictures:
        grain = rng.standard_normal(picture.shape).astype(np.float32)
        grain = common * grain[..., :1] + (1 - common) * grain
        if softness > 0.3:
            grain = cv2.GaussianBlur(grain, (0, 0), softness)
        noisy.append(picture + np.float32(sigma / max(grain.std(), 1e-6)) * grain)
    return noisy


def _draw_options(codec: str, rng: np.random.Generator) -> tuple[dict[str, str], int]:
    """Draw how a codec is set, and its bit rate; 0 for a constant quantiser."""
    _, least, most = CODECS[codec]
    options = quantiser_options(codec, least + (most - least) * rng.beta(1.6, 2.0))
    options["g"] = str(int(rng.choice([12, 25, 60, 250])))
    if codec == "libx264":
        preset = str(rng.choice(["veryfast", "medium"]))
        return {**options, "profile": "baseline", "preset": preset, "tune": "zerolatency"}, 0
    if codec in ("h263p", "flv") and rng.random() < 0.3:
        options["flags"] = "+loop"
    if codec != "mjpeg" and rng.random() < 0.4:  # a bit rate: the quantiser changes all the time
        options |= {"qmin": "2", "qmax": "31"}
        return options, int(np.exp(rng.uniform(np.log(12_000), np.log(120_000))))
    return options, 0

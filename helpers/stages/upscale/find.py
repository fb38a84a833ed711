"""Find how much of what a network invents a film should get.

    suggest(clip)                  # Manner(strength=Fraction(2, 5), steady=True, reason="...")

Of eight small, compressed films of known truth, PSNR above bicubic enlarging on average, and of the
worst film: animevideov3 as it is -0.04 and -2.0 dB, with a strength of 0.4 and steadied +0.74 and
+0.36; x4plus (four of the films) -3.0 and -5.7, then +0.69 and +0.45. They flicker 0.8 and 0.87
times as much as bicubic enlarging; as they are 1.06 and 1.8 times. Other films and codecs are
measured by benchmarks/quality/small_video.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from helpers.clip import Clip
from helpers.imaging.noise import measure_blockiness, measure_noise

SMALL = 480
"""A photographed film of fewer lines has less detail than a network would draw into it."""

STRENGTH = Fraction(2, 5)
"""For such films. More is better with some networks and films, but worse with others."""

_NOISY, _BLOCKY = 1.5, 1.7
"""The noise in grey levels of 255, and the blockiness, from which on larger films are treated so
too; from there on, cleaning is recommended as well."""


@dataclass(frozen=True)
class Manner:
    """How a film should be enlarged.

    Attributes:
        strength, steady: as in `Upscale`.
        reason: why, in a sentence.
    """

    strength: Fraction
    steady: bool
    reason: str


def suggest(clip: Clip) -> Manner:
    """Suggest how a film should be enlarged, by its size, compression and noise.

    Args:
        clip: the film, as it is. Three frames are read.
    """
    images = _read_some(clip)
    if _look_drawn(images):
        return Manner(Fraction(1), False, "It is drawn, and networks know drawings.")
    if clip.info.height < SMALL:
        why = f"With {clip.info.height} lines, fine detail would be invented"
    elif np.median([measure_noise(image).sigma for image in images]) >= _NOISY:
        why = "It is noisy, and a network would draw the noise"
    elif np.median([measure_blockiness(image) for image in images]) >= _BLOCKY:
        why = "It is compressed, and a network would draw the blocks"
    else:
        return Manner(Fraction(1), False, "It is large and clean, so the network sees its detail.")
    return Manner(STRENGTH, True, f"{why}, so a part is taken, and flicker is averaged out.")


def is_drawn(clip: Clip) -> bool:
    """Tell whether a film is a cartoon: flat, strong colours with sharp edges between them.

    Photographed films have soft edges and texture. In 18 of them the ratio of sharp to soft
    changes of brightness was at most 0.84, in six drawn ones at least 1.03.
    """
    return _look_drawn(_read_some(clip))


def _read_some(clip: Clip) -> list[np.ndarray]:
    """Return three pictures, spread over the film."""
    numbers = np.linspace(0, len(clip) - 1, 5)[1:-1]
    return [clip[round(number)].image for number in numbers]


def _look_drawn(images: Sequence[np.ndarray]) -> bool:
    shares = np.array([_measure_drawing(image) for image in images])
    flat, soft, sharp, color = np.median(shares, axis=0)
    return bool(flat > 0.6 and sharp > 0.95 * soft and color > 15)


def _measure_drawing(image: np.ndarray) -> tuple[float, float, float, float]:
    """Measure a picture, (H, W, 3) RGB.

    Returns:
        The shares of its pixels where brightness changes by less than 1 level of 255 from one to
        the next, by less than 8, and by more; and how strong its colours are, in units of Lab.
    """
    shallow = image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)
    lab = cv2.cvtColor(shallow, cv2.COLOR_RGB2LAB).astype(np.float32)
    across, down = (cv2.Sobel(lab[..., 0], cv2.CV_32F, *axis) / 8 for axis in ((1, 0), (0, 1)))
    change, color = np.hypot(across, down), np.hypot(lab[..., 1] - 128, lab[..., 2] - 128)
    flat, sharp = float((change < 1).mean()), float((change >= 8).mean())
    return flat, 1 - flat - sharp, sharp, float(color.mean())

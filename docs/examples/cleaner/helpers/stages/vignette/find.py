"""How dark the corners of a film are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from helpers.clip import Clip
from helpers.imaging.luma import small_brightness
from helpers.run import RunContext
from helpers.stages.diagnosis import FilmSamples
from helpers.stages.vignette.falloff import measure_loss

WIDTH = 160
"""Pixels to which pictures are narrowed; a falloff has no details."""


@dataclass(frozen=True)
class Vignette:
    """How dark the corners are.

    Attributes:
        amount: the part of the light that they lack, 0 to 1.
    """

    amount: float


def find_vignette(clip: Clip, run: RunContext, samples: int = 40) -> Vignette:
    """Measure the corners of a whole film, from some frames spread over it."""
    numbers = np.unique(np.linspace(0, len(clip) - 1, samples).round().astype(int))
    return _measure(clip[int(n)].image for n in run.bar(numbers, len(numbers), "find vignette"))


def measure_vignette(samples: FilmSamples) -> Vignette:
    """Measure the corners of a film, from the stretches that were looked at."""
    return _measure(frame.image for stretch in samples.stretches for frame in stretch.frames)


def vignette_sentence(found: Vignette, needed: bool) -> str:
    """Say it in words."""
    if needed:
        return f"The corners are dark: they lack {found.amount:.0%} of the light."
    return f"The corners are as light as the middle (they lack {found.amount:.0%} of the light)."


def _measure(images: Iterable[np.ndarray]) -> Vignette:
    lumas = [small_brightness(image, WIDTH) for image in images]
    return Vignette(round(measure_loss(np.mean(lumas, axis=0)), 3))

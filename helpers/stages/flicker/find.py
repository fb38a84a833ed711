"""Measure how much a film flickers, in a few stretches of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from helpers.clip import Frame
from helpers.stages.diagnosis import FilmSamples, smooth_curve
from helpers.stages.flicker.exposure import compare_light, measure_levels


@dataclass(frozen=True)
class Flicker:
    """The flicker of things; whatever enters or leaves the picture does not count.

    Attributes:
        amount: the deviation of the light from a smooth curve, in grey levels of 255 (standard
            deviation).
        brightness: the mean luma of every examined frame, by shots, for plots.
        courses: the light of things in these frames, in grey levels.
    """

    amount: float
    brightness: tuple[tuple[float, ...], ...] = ()
    courses: tuple[tuple[float, ...], ...] = ()


def measure_flicker(samples: FilmSamples) -> Flicker:
    """Measure the flicker of a film."""
    shots = [_measure(shot) for shot in samples.shots]
    return Flicker(
        samples.typical([amount for amount, _, _ in shots]),
        tuple(brightness for _, brightness, _ in shots),
        tuple(course for _, _, course in shots),
    )


def _measure(shot: Sequence[Frame]) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
    """Measure a shot: its flicker, the brightness of its frames, the light of its things."""
    frames = [measure_levels(frame.image) for frame in shot]
    changes = [compare_light(a, b) for a, b in pairwise(frames)]
    steps = [float(c.levels @ one.shares) for c, one in zip(changes, frames[1:], strict=True)]
    curve = np.concatenate([[0.0], np.cumsum(steps)])
    light = curve - smooth_curve(curve[:, None])[:, 0]
    brightness = tuple(round(one.mean, 2) for one in frames)
    return float(np.std(light)), brightness, tuple(round(float(value), 2) for value in curve)


def flicker_sentence(found: Flicker, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if needed:
        return f"The brightness flickers by {found.amount:.1f} grey levels."
    return f"The brightness is steady (it flickers by {found.amount:.1f} grey levels)."

"""How much a film flickers, from a few stretches of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from helpers.clip import Frame
from helpers.stages.diagnosis import FilmSamples, smooth_curve
from helpers.stages.flicker.exposure import compare_light, look


@dataclass(frozen=True)
class Flicker:
    """How far the light of things strays from its course. What drives in or out does not count.

    Attributes:
        amount: in grey levels of 255, as a standard deviation.
        brightness: the mean luma of every frame looked at, shot by shot, for plots.
        courses: what the light of things did in them, in grey levels.
    """

    amount: float
    brightness: tuple[tuple[float, ...], ...] = ()
    courses: tuple[tuple[float, ...], ...] = ()


def measure_flicker(samples: FilmSamples) -> Flicker:
    """Measure the flicker of a film."""
    shots = [_measure(shot) for shot in samples.shots]
    return Flicker(
        samples.typical([strays for strays, _, _ in shots]),
        tuple(brightness for _, brightness, _ in shots),
        tuple(course for _, _, course in shots),
    )


def _measure(shot: Sequence[Frame]) -> tuple[float, tuple[float, ...], tuple[float, ...]]:
    """Follow the light of a shot: how far it strays, the frames' brightness, its course."""
    notes = [look(frame.image) for frame in shot]
    changes = [compare_light(a, b) for a, b in pairwise(notes)]
    steps = [float(c.levels @ note.shares) for c, note in zip(changes, notes[1:], strict=True)]
    course = np.concatenate([[0.0], np.cumsum(steps)])
    light = course - smooth_curve(course[:, None])[:, 0]
    brightness = tuple(round(note.mean, 2) for note in notes)
    return float(np.std(light)), brightness, tuple(round(float(value), 2) for value in course)


def flicker_sentence(found: Flicker, needed: bool) -> str:
    """Say it in words."""
    if needed:
        return f"The light flickers by {found.amount:.1f} grey levels."
    return f"The light is steady (it flickers by {found.amount:.1f} grey levels)."

"""Measure how much of a film's picture is damaged, on a few frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.diagnosis import FilmSamples


@dataclass(frozen=True)
class Damage:
    """The share of the picture that is damaged, 0 to 1."""

    amount: float


def measure_damage(samples: FilmSamples, count: int = 7) -> Damage:
    """Measure the damage with the method "median": the median over frames spread over the film."""
    clip = samples.clip
    repaired = RemoveDamage("median")(clip)
    numbers = np.unique(np.linspace(0, len(clip) - 1, count + 2)[1:-1].round().astype(int))
    parts = [np.mean(repaired[int(n)].image != clip[int(n)].image) for n in numbers]
    return Damage(float(np.median(parts)) if parts else 0.0)


def damage_sentence(found: Damage, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    return f"Dust and scratches cover {found.amount:.2%} of the picture."

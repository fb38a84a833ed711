"""How noisy a film is, from a few pairs of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.clip import Clip
from helpers.imaging.noise import Noise, measure_blockiness, measure_noise
from helpers.run import RunContext
from helpers.stages.diagnosis import FilmSamples


def find_noise(clip: Clip, run: RunContext | None = None, samples: int = 5) -> Noise:
    """Return the noise of a clip: the median of some frames spread over it.

    Args:
        clip: a film; twice `samples` of its frames are read.
        samples: how many places are looked at.
    """
    found = []
    for number in np.unique(np.linspace(0, len(clip) - 1, samples + 2)[1:-1].astype(int)):
        pair = list(clip.frames(int(number), min(int(number) + 2, len(clip)), run))
        following = pair[1].image if len(pair) > 1 and not pair[1].cut else None
        found.append(measure_noise(pair[0].image, following))
    return _median_noise(found)


@dataclass(frozen=True)
class FilmNoise(Noise):
    """The noise of a film, as a fault of it."""

    @property
    def amount(self) -> float:
        """Its standard deviation, in grey levels of 255."""
        return self.sigma


def measure_film_noise(samples: FilmSamples) -> FilmNoise:
    """Measure the noise of a film, in the middle of each stretch that was looked at."""
    found = _median_noise([measure_noise(*stretch.middle) for stretch in samples.stretches])
    return FilmNoise(found.sigma, found.alike)


def noise_sentence(found: FilmNoise, needed: bool) -> str:
    """Say it in words."""
    if not needed:
        return f"There is little noise ({found.sigma:.1f} grey levels)."
    where = "in brightness only" if found.alike > 0.6 else "in brightness and colour"
    return f"The picture is noisy: {found.sigma:.1f} grey levels, {where}."


@dataclass(frozen=True)
class Blocks:
    """How much more pixels differ across the edges of 8x8 compression blocks than elsewhere; 1:
    there are none."""

    amount: float


def measure_blocks(samples: FilmSamples) -> Blocks:
    """Measure how plainly compression blocks show."""
    found = [measure_blockiness(stretch.middle[0]) for stretch in samples.stretches]
    return Blocks(round(float(np.median(found)), 2))


def blocks_sentence(found: Blocks, needed: bool) -> str:
    """Say it in words."""
    if needed:
        return f"Compression blocks show: their edges stand out {found.amount:.1f} times."
    return f"No compression blocks show ({found.amount:.1f})."


def _median_noise(found: Sequence[Noise]) -> Noise:
    """Return the median of what was measured in several places."""
    sigma = float(np.median([noise.sigma for noise in found]))
    alike = float(np.median([noise.alike for noise in found]))
    return Noise(round(sigma, 2), round(alike, 2))

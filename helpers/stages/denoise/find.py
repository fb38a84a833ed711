"""Measure the noise of a film and its compression blocks, on a few frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from helpers.clip import Clip
from helpers.imaging.noise import Noise, measure_blockiness, measure_noise
from helpers.run import RunContext
from helpers.stages.diagnosis import FilmSamples


def find_noise(clip: Clip, run: RunContext | None = None, samples: int = 5) -> Noise:
    """Measure the noise of a clip: the median over frames spread over it.

    Args:
        clip: the film; two of its frames are read for each sample.
        run: the run that the frames are read for.
        samples: the number of places that are measured.
    """
    found = []
    for number in np.unique(np.linspace(0, len(clip) - 1, samples + 2)[1:-1].astype(int)):
        pair = list(clip.frames(int(number), min(int(number) + 2, len(clip)), run))
        following = pair[1].image if len(pair) > 1 and not pair[1].cut else None
        found.append(measure_noise(pair[0].image, following))
    return _median_noise(found)


@dataclass(frozen=True)
class FilmNoise(Noise):
    """The noise of a film, as a measured fault."""

    @property
    def amount(self) -> float:
        """The standard deviation of the noise, in grey levels of 255."""
        return self.sigma


def measure_film_noise(samples: FilmSamples) -> FilmNoise:
    """Measure the noise in the middle of each sampled stretch; return the median."""
    found = _median_noise([measure_noise(*stretch.middle) for stretch in samples.stretches])
    return FilmNoise(found.sigma, found.alike)


def noise_sentence(found: FilmNoise, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if not needed:
        return f"There is little noise ({found.sigma:.1f} grey levels)."
    where = "in brightness only" if found.alike > 0.6 else "in brightness and colour"
    return f"The picture is noisy: {found.sigma:.1f} grey levels, {where}."


@dataclass(frozen=True)
class Blocks:
    """How visible 8x8 compression blocks are.

    Attributes:
        amount: the difference of pixels across the edges of blocks, divided by that elsewhere; it
            is 1 where there are no blocks.
    """

    amount: float


def measure_blocks(samples: FilmSamples) -> Blocks:
    """Measure how visible compression blocks are; return the median over the samples."""
    found = [measure_blockiness(stretch.middle[0]) for stretch in samples.stretches]
    return Blocks(round(float(np.median(found)), 2))


def blocks_sentence(found: Blocks, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if needed:
        return (
            "Compression blocks are visible: pixels differ "
            f"{found.amount:.1f} times as much across their edges as elsewhere."
        )
    return f"No compression blocks are visible ({found.amount:.1f})."


def _median_noise(found: Sequence[Noise]) -> Noise:
    """Return the median of several measurements."""
    sigma = float(np.median([noise.sigma for noise in found]))
    alike = float(np.median([noise.alike for noise in found]))
    return Noise(round(sigma, 2), round(alike, 2))

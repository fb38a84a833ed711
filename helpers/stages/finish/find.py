"""Find the range of grey levels of every shot, or of the whole film.

levels = find_levels(clip)
clip = Finish(levels=levels)(clip)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from helpers.clip import Clip
from helpers.imaging.luma import small_brightness
from helpers.stages.diagnosis import FilmSamples

Range = tuple[Fraction, float, float]
"""The time at which a shot begins, and the range (0..255) of nearly all of its grey levels."""


@dataclass(frozen=True)
class Levels:
    """The ranges of grey levels that `Finish` needs; see `find_levels`."""

    levels: tuple[Range, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", exact_levels(self.levels))


def exact_levels(levels: Iterable[Any]) -> tuple[Range, ...]:
    """Return ranges in order of time, with exact times; a project stores the times as strings."""
    return tuple(sorted((Fraction(time), float(low), float(high)) for time, low, high in levels))


_WIDTH = 240
"""Frames are reduced to this width in pixels, so that dust and grain do not set black and white."""

_TAILS = (0.5, 99.5)
"""The percentiles of the grey levels that count as black and as white."""


@dataclass(frozen=True)
class Greys:
    """The range (0..255) of nearly all grey levels of a film."""

    black: float
    white: float

    @property
    def amount(self) -> float:
        """The number of grey levels outside the range."""
        return 255 - (self.white - self.black)


def measure_greys(samples: FilmSamples) -> Greys:
    """Measure the range of a film's grey levels, on five frames of each sampled stretch."""
    ends = []
    for stretch in samples.stretches:
        frames = stretch.frames[:: max(len(stretch.frames) // 5, 1)]
        lumas = [small_brightness(frame.image, _WIDTH) for frame in frames]
        ends.append(np.percentile(np.concatenate([luma.ravel() for luma in lumas]), _TAILS))
    black, white = np.median(ends, axis=0)
    return Greys(round(float(black), 1), round(float(white), 1))


def greys_sentence(found: Greys, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if needed:
        return (
            f"The contrast is low: only the grey levels from {found.black:.0f} to "
            f"{found.white:.0f} are used."
        )
    return f"The grey levels range from {found.black:.0f} to {found.white:.0f}."


def find_levels(clip: Clip, whole: bool = False, samples: int = 8) -> tuple[Range, ...]:
    """Find the range of grey levels of every shot.

    All frames of a shot have the same range, so that the brightness cannot pump.

    Args:
        clip: a film whose shots are marked.
        whole: find one range for the whole film, which keeps night darker than day.
        samples: the number of frames of a shot that are measured.
    """
    starts = [clip.times[0]] if whole else list(clip.cuts)
    numbers = [bisect_left(clip.times, start) for start in starts]
    found = []
    for start, first, stop in zip(starts, numbers, [*numbers[1:], len(clip)], strict=True):
        count = samples * (4 if whole else 1)
        places = np.unique(np.linspace(first, stop - 1, count + 2)[1:-1].round().astype(int))
        ends = [np.percentile(small_brightness(clip[int(n)].image, _WIDTH), _TAILS) for n in places]
        # Quartiles over the frames, so that a single dark or flashed frame has no effect.
        black = float(np.percentile([low for low, _ in ends], 25))
        white = float(np.percentile([high for _, high in ends], 75))
        found.append((start, round(black, 1), round(max(white, black + 1), 1)))
    return tuple(found)

"""How dark and how light every shot is, found once for the whole film.

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
"""When a shot begins, and the grey levels (0..255) that nearly all of it lies between."""


@dataclass(frozen=True)
class Levels:
    """What `Finish` has to know of a film: the range of its greys."""

    levels: tuple[Range, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", exact_levels(self.levels))


def exact_levels(levels: Iterable[Any]) -> tuple[Range, ...]:
    """Return ranges in order, with exact times; those read back from a project have strings."""
    return tuple(sorted((Fraction(time), float(low), float(high)) for time, low, high in levels))


_WIDTH = 240
"""Pixels to which frames are narrowed: dust and grain are not to decide what is black."""

_TAILS = (0.5, 99.5)
"""Percentiles that are called black and white."""


@dataclass(frozen=True)
class Greys:
    """The grey levels (0..255) that nearly all of a film lies between."""

    black: float
    white: float

    @property
    def amount(self) -> float:
        """How many grey levels are not used."""
        return 255 - (self.white - self.black)


def measure_greys(samples: FilmSamples) -> Greys:
    """Measure which greys a film uses, in every fifth frame that was looked at."""
    ends = []
    for stretch in samples.stretches:
        frames = stretch.frames[:: max(len(stretch.frames) // 5, 1)]
        lumas = [small_brightness(frame.image, _WIDTH) for frame in frames]
        ends.append(np.percentile(np.concatenate([luma.ravel() for luma in lumas]), _TAILS))
    black, white = np.median(ends, axis=0)
    return Greys(round(float(black), 1), round(float(white), 1))


def greys_sentence(found: Greys, needed: bool) -> str:
    """Say it in words."""
    if needed:
        return (
            f"The picture is dull: it uses only the grey levels from {found.black:.0f} to "
            f"{found.white:.0f}."
        )
    return f"The grey levels range from {found.black:.0f} to {found.white:.0f}."


def find_levels(clip: Clip, whole: bool = False, samples: int = 8) -> tuple[Range, ...]:
    """Return the range of every shot.

    A shot has one range from its first frame to its last, so that nothing can pump.

    Args:
        clip: a film that knows its shots.
        whole: one range for the whole film: night stays darker than day.
        samples: how many frames of a shot are looked at.
    """
    starts = [clip.times[0]] if whole else list(clip.cuts)
    numbers = [bisect_left(clip.times, start) for start in starts]
    found = []
    for start, first, stop in zip(starts, numbers, [*numbers[1:], len(clip)], strict=True):
        count = samples * (4 if whole else 1)
        places = np.unique(np.linspace(first, stop - 1, count + 2)[1:-1].round().astype(int))
        ends = [np.percentile(small_brightness(clip[int(n)].image, _WIDTH), _TAILS) for n in places]
        # The darkest and lightest that more than a single frame shows: a flash is no white.
        black = float(np.percentile([low for low, _ in ends], 25))
        white = float(np.percentile([high for _, high in ends], 75))
        found.append((start, round(black, 1), round(max(white, black + 1), 1)))
    return tuple(found)

"""Finish the picture: contrast, sharpening and grain, so that it looks like film."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from helpers.clip import Clip, Frame
from helpers.imaging.luma import blend, brightness, relight
from helpers.run import RunContext
from helpers.stage import Stage
from helpers.stages.finish import grain as finish
from helpers.stages.finish.find import Levels, Range, exact_levels, find_levels


@dataclass(frozen=True)
class Finish(Stage):
    """Stretch the contrast, sharpen a little, and add new grain.

    Attributes:
        strength: the share of the finished picture in the result, 0 (the input) to 1.
        sharpen: the share of the detail that is added, 0 to 3; halos stay below two grey levels.
        radius: the size of the detail that is sharpened, in pixels, 0.3 to 10.
        grain: standard deviation of the grain in the middle greys, in grey levels of 255, 0 to 30.
            It is the same in all channels, and it depends only on the time of the frame and the
            seed.
        size: the size of the grains in pixels, 0.5 to 8; about 1.2 for a small film, 2 to 3 for a
            film that was enlarged to full HD.
        seed: the seed of the grain.
        levels: the ranges of `find_levels`, which are stretched to all grey levels. If empty, the
            contrast is not changed. If None, `analyse` finds one range for the whole film.

    Raises:
        StageError: a number is out of range.
    """

    strength: float = 1.0
    sharpen: float = 0.25
    radius: float = 1.0
    grain: float = 1.2
    size: float = 1.2
    seed: int = 0
    levels: tuple[Range, ...] | None = ()

    def __post_init__(self) -> None:
        self._check_ranges(
            strength=(0, 1), sharpen=(0, 3), radius=(0.3, 10), grain=(0, 30), size=(0.5, 8)
        )
        if self.levels is not None:
            object.__setattr__(self, "levels", exact_levels(self.levels))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The levels, if they are not known yet."""
        return ("levels",) if self.levels is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Finish:
        """Return the stage with the range of the whole clip's grey levels, if `levels` is None."""
        if self.levels is not None:
            return self
        run = run or RunContext()
        found = run.keep("Finish", clip, Levels, lambda: Levels(find_levels(clip, whole=True)))
        return replace(self, levels=found.levels)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Finish the frames one by one; a repeated picture gets a different grain each time."""
        for frame in frames:
            yield Frame(blend(frame.image, self._finish(frame), self.strength), frame.time)

    def _finish(self, frame: Frame) -> np.ndarray:
        luma = wanted = brightness(frame.image)
        levels = self.levels or ()
        shot = bisect_right([time for time, _, _ in levels], frame.time) - 1
        if shot >= 0:
            wanted = finish.stretch(wanted, *levels[shot][1:])
        if self.sharpen:
            wanted = finish.sharpen(wanted, self.sharpen, self.radius)
        if self.grain:
            seed = _grain_seed(self.seed, frame.time)
            wanted = wanted + finish.make_grain(wanted, self.grain, self.size, seed)
        if wanted is luma:
            return frame.image
        return relight(frame.image, luma, np.clip(wanted, 0, 255))


def _grain_seed(seed: int, time: Fraction) -> int:
    """Return the seed of a frame's grain; it is the same on every machine."""
    digest = hashlib.sha256(f"{seed} {time.numerator}/{time.denominator}".encode()).digest()
    return int.from_bytes(digest[:8], "little")

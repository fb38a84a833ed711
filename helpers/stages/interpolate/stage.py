"""Make motion smooth: new frames at exact times between the old ones."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from helpers.catalog import registry
from helpers.catalog import table as catalog
from helpers.catalog.load import load_interpolator
from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.options import number, option
from helpers.retime import check_fps, rate_times
from helpers.run import RunContext
from helpers.stage import Stage

_SMOOTH = 24
"""Frames a second that are reached where nobody asks for a rate: what cinema shows."""


@dataclass(frozen=True)
class Interpolate(Stage):
    """Raise the frame rate, to `fps` or by `factor`; if neither is given, to 24 at the least.

    A new frame is made only strictly between two frames of one shot. Where a source frame already
    sits, it is passed on untouched; after the last frame of a shot there is nothing to move
    towards, and that frame is held until the cut.

    Attributes:
        model: a name from the catalogue with the role "interpolate".
        fps: frames a second: a constant rate from the first frame on.
        factor: into how many equal parts the time of every frame is cut, whatever its length;
            `analyse` takes the smallest that reaches 24 frames a second if neither is given.
    """

    heavy: ClassVar[bool] = True

    role: ClassVar[str] = "interpolate"

    model: str = option(
        "flow", "A model to make motion smooth with, or none.", name="interpolate", metavar="MODEL"
    )
    fps: Fraction | None = option(
        None, "Frames a second, at a constant rate.", read=number, metavar="NUMBER"
    )
    factor: int | None = option(
        None, "How many frames each becomes; by default enough to reach 24 a second."
    )

    def __post_init__(self) -> None:
        catalog.get(self.model, "interpolate")
        self._make_exact("fps")
        if self.fps is not None and self.factor is not None:
            raise StageError(
                "Both a frame rate (fps) and a factor were given; give one of the two."
            )
        if self.fps is not None:
            check_fps(self.fps)
        elif self.factor is not None and not 1 <= self.factor <= 64:
            raise StageError(f"A factor of {self.factor} was asked for; allowed is 1 to 64.")

    @property
    def models(self) -> tuple[str, ...]:
        """The model."""
        return (self.model,)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The factor, where neither it nor a rate was given."""
        return ("factor",) if self.fps is None and self.factor is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Interpolate:
        """Return the stage with the smallest whole factor that reaches 24 frames a second."""
        if not self.unknown:
            return self
        # A rate that is 24 but for the clock's last digits is not doubled.
        return replace(self, factor=math.ceil(_SMOOTH / (clip.info.fps * Fraction(101, 100))))

    def info(self, source: Clip) -> ClipInfo:
        """The source's, at the new rate."""
        row, depth = catalog.get(self.model, "interpolate"), source.info.depth
        # Every engine can draw 8 bits, so that its file need not be imported to know it.
        if depth > 8 and depth > (drawn := registry.get(row.engine).depth):
            raise StageError(
                f"{self.model} draws in {drawn} bits and the film has {depth}: its fine steps "
                "would be lost. Choose rife-4.6, which has the same weights, or flow."
            )
        rate = self.fps if self.fps is not None else source.info.fps * (self.factor or 1)
        return source.info.replace(fps=rate)

    def times(self, source: Clip) -> Sequence[Fraction]:
        """Every multiple of 1/fps, or every frame's time cut into equal parts."""
        if self.fps is not None:
            return rate_times(source, self.fps)
        factor = self.factor or 1
        ends = [*source.times[1:], source.end]
        return tuple(
            start + (stop - start) * Fraction(part, factor)
            for start, stop in zip(source.times, ends, strict=True)
            for part in range(factor)
        )

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """From the frame at or before the first new one to the frame at or after the last."""
        first = source.number_at(self._time_of(source, start))
        last = bisect_left(source.times, self._time_of(source, stop - 1))
        return first, min(last + 1, len(source))

    def _time_of(self, source: Clip, number: int) -> Fraction:
        """Return one of `times` without making them all: looking at one frame must be quick."""
        if self.fps is not None:
            return source.times[0] + number / self.fps
        frame, part = divmod(number, self.factor or 1)
        begin = source.times[frame]
        end = source.times[frame + 1] if frame + 1 < len(source) else source.end
        return begin + (end - begin) * Fraction(part, self.factor or 1)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Make the frames pair by pair, so that each pair's motion is looked for once."""
        engine = load_interpolator(self.model, run.machine)
        here, there = next(frames), next(frames, None)
        at = 0
        while at < len(times):
            if there is not None and there.time <= times[at]:
                here, there = there, next(frames, None)
                continue
            upto = len(times) if there is None else bisect_left(times, there.time, at)
            yield from self._make_between(engine, here, there, times[at:upto])
            at = upto

    def _make_between(
        self, engine: Any, here: Frame, there: Frame | None, times: Sequence[Fraction]
    ) -> Iterator[Frame]:
        """Make the frames at `times`, which lie at or after `here` and before `there`."""
        moving = [time for time in times if time > here.time]
        made: dict[Fraction, np.ndarray] = {}
        if there is not None and not there.cut and moving:
            if np.array_equal(here.image, there.image):
                there = None  # nothing moves
            else:
                span = there.time - here.time
                parts = [float((time - here.time) / span) for time in moving]
                made = dict(
                    zip(moving, engine.between(here.image, there.image, parts), strict=True)
                )
        for time in times:
            yield Frame(made.get(time, here.image), time)

    def recipe(self) -> dict[str, Any]:
        """The fields, and the weights by their sha256."""
        return {**super().recipe(), **catalog.recipe(self.model, "interpolate")}

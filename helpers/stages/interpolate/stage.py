"""Make motion smooth by interpolating new frames at exact times."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar

from helpers.catalog import registry
from helpers.catalog import table as catalog
from helpers.catalog.load import load_interpolator, place_pictures
from helpers.clip import Clip, ClipInfo, Frame, Pixels, same_pixels
from helpers.errors import StageError
from helpers.options import number, option
from helpers.retime import check_fps, rate_times
from helpers.run import RunContext
from helpers.stage import Stage

_SMOOTH = 24
"""The least frame rate by default, that of cinema."""


@dataclass(frozen=True)
class Interpolate(Stage):
    """Raise the frame rate, to `fps` or by `factor`; if neither is given, to at least 24.

    Frames are interpolated only between two frames of one shot. A source frame at the time of a
    new frame is passed on unchanged, and the last frame of a shot is repeated until the cut.

    Attributes:
        model: a model of the catalogue with the role "interpolate".
        fps: a constant frame rate in frames per second, counted from the first frame.
        factor: the number of frames that each frame becomes, at equal intervals, 1 to 64; if
            neither is given, `analyse` chooses the smallest that reaches 24 frames per second.
        enlarged: how many times the frames were enlarged, if that makes the method faster; taken
            from the clip if not given.

    Raises:
        StageError: both are given, or a value is not allowed.
    """

    heavy: ClassVar[bool] = True

    role: ClassVar[str] = "interpolate"

    model: str = option(
        "flow", "The model that interpolates frames, or none.", name="interpolate", metavar="MODEL"
    )
    fps: Fraction | None = option(
        None, "A constant frame rate, in frames per second.", read=number, metavar="NUMBER"
    )
    factor: int | None = option(
        None, "How many frames each frame becomes; by default enough for 24 per second."
    )
    enlarged: Fraction | None = None

    def __post_init__(self) -> None:
        catalog.get(self.model, "interpolate")
        self._make_exact("fps", "enlarged")
        self._check_ranges(enlarged=(1, 1 << 16))
        if self.fps is not None and self.factor is not None:
            raise StageError(
                "Both a frame rate (fps) and a factor were given; give only one of them."
            )
        if self.fps is not None:
            check_fps(self.fps)
        elif self.factor is not None and not 1 <= self.factor <= 64:
            raise StageError(f"The factor must be from 1 to 64; {self.factor} was given.")

    @property
    def models(self) -> tuple[str, ...]:
        """The model, as a tuple."""
        return (self.model,)

    @property
    def on_card(self) -> bool:
        """Whether the pictures may lie on a graphics card: for a network, but not for flow."""
        return bool(registry.get(catalog.get(self.model, "interpolate").engine).precisions)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The factor, if neither it nor a rate was given."""
        return ("factor",) if self.fps is None and self.factor is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Interpolate:
        """Return the stage with the smallest whole factor that reaches 24 frames a second."""
        if not self.unknown:
            return self
        # With a tolerance, so that a rate of almost 24, such as 23.976, is not doubled.
        return replace(self, factor=math.ceil(_SMOOTH / (clip.info.fps * Fraction(101, 100))))

    def __call__(self, clip: Clip) -> Clip:
        """Apply the stage to a clip, of which it notes how many times it was enlarged."""
        times = clip.info.enlarged
        # Networks look for motion in the full size, and their recipe stays as it is.
        if self.enlarged is None and times > 1 and not catalog.get(self.model, self.role).forms:
            return replace(self, enlarged=times)(clip)
        return super().__call__(clip)

    def info(self, source: Clip) -> ClipInfo:
        """The source's, at the new rate."""
        row, depth = catalog.get(self.model, "interpolate"), source.info.depth
        # Every engine can make 8 bits, so for those its file need not be imported.
        if depth > 8 and depth > (drawn := registry.get(row.engine).depth):
            raise StageError(
                f"{self.model} makes frames of {drawn} bits, but the film has {depth}, which would "
                "be lost. Choose rife-4.6, which has the same weights, or flow."
            )
        rate = self.fps if self.fps is not None else source.info.fps * (self.factor or 1)
        return source.info.replace(fps=rate)

    def times(self, source: Clip) -> Sequence[Fraction]:
        """Every multiple of 1/fps, or the duration of every frame divided into equal parts."""
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
        """Return one of `times` without computing all, so that showing one frame is quick."""
        if self.fps is not None:
            return source.times[0] + number / self.fps
        frame, part = divmod(number, self.factor or 1)
        begin = source.times[frame]
        end = source.times[frame + 1] if frame + 1 < len(source) else source.end
        return begin + (end - begin) * Fraction(part, self.factor or 1)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Interpolate pair by pair, so that the motion of each pair is estimated only once."""
        engine = load_interpolator(self.model, run.machine, self.enlarged)
        frames = (
            Frame(place_pictures(engine, [frame.pixels])[0], frame.time, frame.cut)
            for frame in frames
        )
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
        """Make the frames at `times`, which are at or after `here` and before `there`."""
        moving = [time for time in times if time > here.time]
        made: dict[Fraction, Pixels] = {}
        if there is not None and not there.cut and moving:
            if same_pixels(here.pixels, there.pixels):
                there = None  # nothing moves
            else:
                span = there.time - here.time
                parts = [float((time - here.time) / span) for time in moving]
                drawn = engine.between(here.pixels, there.pixels, parts)
                made = dict(zip(moving, drawn, strict=True))
        for time in times:
            yield Frame(made.get(time, here.pixels), time)

    def recipe(self) -> dict[str, Any]:
        """The fields, and the sha256 of the weights."""
        return {**super().recipe(), **catalog.recipe(self.model, "interpolate")}

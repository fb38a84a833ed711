"""Stages that change the timeline and leave every picture as it is."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.options import option, seconds
from helpers.run import RunContext
from helpers.stage import Stage


@dataclass(frozen=True)
class Trim(Stage):
    """Keep the frames that start in a stretch of the film.

    Attributes:
        start, stop: seconds from what a player calls 0, half-open; None is the film's beginning or
            end. A stop of 0 is the end too, as in the forms of the notebooks.
    """

    start: Fraction | None = option(
        None, "Where to begin: seconds, or 1:02:03.5.", read=seconds, metavar="TIME"
    )
    stop: Fraction | None = option(None, "Where to stop.", read=seconds, metavar="TIME")

    def __post_init__(self) -> None:
        self._make_exact("start", "stop")
        object.__setattr__(self, "stop", self.stop or None)

    def _range(self, source: Clip) -> tuple[int, int]:
        # A first picture without a timestamp may lie before 0.
        first = bisect_left(source.times, self.start) if self.start else 0
        last = len(source) if self.stop is None else bisect_left(source.times, self.stop)
        if first >= last:
            start, stop = float(self.start or 0), float(self.stop or source.end)
            raise StageError(
                f"No frame of the film begins between {start:g} s and {stop:g} s. Choose a stretch "
                f"of the film, which lasts from {float(source.times[0]):.2f} s to "
                f"{float(source.end):.2f} s."
            )
        return first, last

    def times(self, source: Clip) -> Sequence[Fraction]:
        """The kept frames' own times."""
        return source.times[slice(*self._range(source))]

    def end(self, source: Clip) -> Fraction:
        """Where the last kept frame ends."""
        last = self._range(source)[1]
        return source.end if last == len(source) else source.times[last]

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """The same frames, counted from the film's beginning."""
        first, _ = self._range(source)
        return first + start, first + stop

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Pass them on."""
        return frames


@dataclass(frozen=True)
class ConstantRate(Stage):
    """Give every frame the same length, repeating and leaving out frames as a player would show.

    Attributes:
        fps: frames a second.
    """

    fps: Fraction

    def __post_init__(self) -> None:
        self._make_exact("fps")
        check_fps(self.fps)

    def info(self, source: Clip) -> ClipInfo:
        """The source's, at the new rate."""
        return source.info.replace(fps=self.fps)

    def times(self, source: Clip) -> Sequence[Fraction]:
        """Every multiple of the frame length from the first frame to the end."""
        return rate_times(source, self.fps)

    def end(self, source: Clip) -> Fraction:
        """The end of the last frame of full length."""
        return self.times(source)[-1] + 1 / self.fps

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """The frames shown at these times."""
        first, last = (source.times[0] + number / self.fps for number in (start, stop - 1))
        return source.number_at(first), source.number_at(last) + 1

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Show, at each time, the last frame that has started."""
        shown = next(frames)
        following = next(frames, None)
        for time in times:
            while following is not None and following.time <= time:
                shown, following = following, next(frames, None)
            yield Frame(shown.image, time)


def check_fps(fps: Fraction) -> None:
    """Raise StageError unless a frame rate is above 0 and at most 1000."""
    if not 0 < fps <= 1000:
        raise StageError(f"A rate of {fps} frames a second was asked for; allowed is up to 1000.")


def rate_times(source: Clip, fps: Fraction) -> tuple[Fraction, ...]:
    """Return every multiple of 1/fps from the source's first frame to its end.

    A last frame that would be shown for less than half its length is left out.
    """
    first = source.times[0]
    count = max(math.floor((source.end - first) * fps + Fraction(1, 2)), 1)
    return tuple(first + number / fps for number in range(count))

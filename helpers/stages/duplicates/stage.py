"""Remove frames that repeat an earlier one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import sha256
from typing import Any

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.run import RunContext
from helpers.stage import Stage
from helpers.stages.duplicates.find import Repeats, exact_times, find_repeats

_RETIMES = ("keep", "even")


@dataclass(frozen=True, repr=False)
class RemoveDuplicates(Stage):
    """Remove repeated frames.

    They are chosen before, by `analyse` or by `find_duplicates(clip).stage()`. They are identified
    by their times, which stay valid where numbers would not, for example after a `Trim`.

    Attributes:
        dropped: when the frames to remove begin, in seconds; times outside the film are ignored. If
            None, `analyse` finds them.
        retime: "keep": every other frame begins when it did, so the one before a removed frame is
            shown for longer. "even": the frames of a shot are spaced evenly from its start to its
            end, so that interpolation gives smooth motion. The sound stays in sync either way.
    """

    dropped: tuple[Fraction, ...] | None = None
    retime: str = "keep"

    def __post_init__(self) -> None:
        if self.dropped is not None:
            object.__setattr__(self, "dropped", exact_times(self.dropped))
        if self.retime not in _RETIMES:
            raise StageError(
                f"RemoveDuplicates cannot use retime={self.retime!r}. Choose keep or even."
            )

    def __repr__(self) -> str:
        return f"RemoveDuplicates({len(self._dropped)} frames, retime={self.retime!r})"

    @property
    def _dropped(self) -> tuple[Fraction, ...]:
        return self.dropped or ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """`dropped`, if it is None."""
        return ("dropped",) if self.dropped is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> RemoveDuplicates:
        """Return the stage with the repeated frames of the whole clip."""
        if self.dropped is not None:
            return self
        run = run or RunContext()
        found = run.keep("RemoveDuplicates", clip, Repeats, lambda: find_repeats(clip, run))
        return replace(self, dropped=found.dropped)

    def info(self, source: Clip) -> ClipInfo:
        """Return the source's properties, with the new frame rate."""
        times = self.times(source)
        if len(times) == len(source):
            return source.info
        return source.info.replace(fps=len(times) / (self.end(source) - times[0]))

    def times(self, source: Clip) -> Sequence[Fraction]:
        """Return the times of the kept frames, or evenly spaced times within each shot."""
        kept = self._kept_numbers(source)
        if len(kept) == len(source):
            return source.times  # nothing is removed, so even an uneven spacing is kept
        if self.retime == "keep":
            return tuple(source.times[number] for number in kept)
        starts = [bisect_left(source.times, cut) for cut in source.cuts]
        times: list[Fraction] = []
        for start, stop in zip(starts, [*starts[1:], len(source)], strict=True):
            count = bisect_left(kept, stop) - bisect_left(kept, start)
            begin = source.times[start]
            end = source.times[stop] if stop < len(source) else source.end
            times += [begin + (end - begin) * number / count for number in range(count)]
        return tuple(times)

    def window(self, source: Clip, start: int, stop: int) -> tuple[int, int]:
        """Return the range from the first needed frame to the last."""
        outside = bisect_left(self._dropped, source.times[0])

        def kept_before(number: int) -> int:
            return number - bisect_left(self._dropped, source.times[number]) + outside

        # By binary search, since reading one frame of a long film must be quick.
        numbers = range(len(source))
        first, last = (
            bisect_right(numbers, number, key=kept_before) - 1 for number in (start, stop - 1)
        )
        return first, last + 1

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Yield the kept frames, at their times."""
        kept = (frame for frame in frames if not self._drops(frame.time))
        for time, frame in zip(times, kept, strict=False):
            yield frame if frame.time == time else Frame(frame.image, time)

    def recipe(self) -> dict[str, Any]:
        """Return the fields; for the removed frames, their number and the sha256 of their times."""
        digest = sha256(" ".join(map(str, self._dropped)).encode()).hexdigest()
        return {**super().recipe(), "dropped": f"{len(self._dropped)} frames, sha256 {digest}"}

    def _drops(self, time: Fraction) -> bool:
        place = bisect_left(self._dropped, time)
        return place < len(self._dropped) and self._dropped[place] == time

    def _kept_numbers(self, source: Clip) -> list[int]:
        """Return the numbers of the kept frames; raise StageError if this is another film."""
        inside = {time for time in self._dropped if source.times[0] <= time < source.end}
        kept = [number for number, time in enumerate(source.times) if time not in inside]
        if unknown := len(inside) - (len(source) - len(kept)):
            raise StageError(
                f"{unknown} of {len(inside)} frames to remove are not in this film: no frame "
                "begins at their times. They were found in another film, or in this one at another "
                "frame rate. Find the duplicates of this film again."
            )
        if not kept:
            raise StageError(
                f"All {len(source)} frames would be removed. At least one must be kept."
            )
        return kept

"""Leave out frames that repeat an earlier one."""

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

RETIMES = ("keep", "even")


@dataclass(frozen=True, repr=False)
class RemoveDuplicates(Stage):
    """Leave out the frames that were found, or chosen, to be repeats.

    Which they are is decided before: `find_duplicates(clip).stage()`. They are named by their
    times, which stay true where numbers would not: after a `Trim`, for one.

    Attributes:
        dropped: when the frames to leave out start, in seconds. Those outside the film fall away.
            None: `analyse` finds them.
        retime: "keep": every frame starts when it did, so the one before a dropped frame is shown
            for longer. "even": the frames of a shot are spread evenly from its start to its end,
            so that interpolation between them moves evenly. The sound stays in step either way.
    """

    dropped: tuple[Fraction, ...] | None = None
    retime: str = "keep"

    def __post_init__(self) -> None:
        if self.dropped is not None:
            object.__setattr__(self, "dropped", exact_times(self.dropped))
        if self.retime not in RETIMES:
            raise StageError(
                f"Frames cannot be retimed {self.retime!r}; allowed are keep and even."
            )

    def __repr__(self) -> str:
        return f"RemoveDuplicates({len(self._dropped)} frames, retime={self.retime!r})"

    @property
    def _dropped(self) -> tuple[Fraction, ...]:
        return self.dropped or ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """The frames to drop, until they were looked for."""
        return ("dropped",) if self.dropped is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> RemoveDuplicates:
        """Return the stage with the frames that repeat another in the whole clip."""
        if self.dropped is not None:
            return self
        run = run or RunContext()
        found = run.keep("RemoveDuplicates", clip, Repeats, lambda: find_repeats(clip, run))
        return replace(self, dropped=found.dropped)

    def info(self, source: Clip) -> ClipInfo:
        """The source's, at the rate that is left."""
        times = self.times(source)
        if len(times) == len(source):
            return source.info
        return source.info.replace(fps=len(times) / (self.end(source) - times[0]))

    def times(self, source: Clip) -> Sequence[Fraction]:
        """The kept frames' own times, or even steps from each shot's start to its end."""
        kept = self._kept(source)
        if len(kept) == len(source):
            return source.times  # nothing to spread: a film of uneven spacing keeps it
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
        """From the first kept frame that is asked for to the last."""
        outside = bisect_left(self._dropped, source.times[0])

        def kept_before(number: int) -> int:
            return number - bisect_left(self._dropped, source.times[number]) + outside

        # Found by halving, not by counting: looking at one frame of a long film must be quick.
        numbers = range(len(source))
        first, last = (
            bisect_right(numbers, number, key=kept_before) - 1 for number in (start, stop - 1)
        )
        return first, last + 1

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Pass the kept frames on, at their times."""
        kept = (frame for frame in frames if not self._drops(frame.time))
        for time, frame in zip(times, kept, strict=False):
            yield frame if frame.time == time else Frame(frame.image, time)

    def recipe(self) -> dict[str, Any]:
        """The fields; the dropped frames by their number and the sha256 of their times."""
        digest = sha256(" ".join(map(str, self._dropped)).encode()).hexdigest()
        return {**super().recipe(), "dropped": f"{len(self._dropped)} frames, sha256 {digest}"}

    def _drops(self, time: Fraction) -> bool:
        place = bisect_left(self._dropped, time)
        return place < len(self._dropped) and self._dropped[place] == time

    def _kept(self, source: Clip) -> list[int]:
        """Return the numbers of the kept frames; raise StageError if this is another film."""
        inside = {time for time in self._dropped if source.times[0] <= time < source.end}
        kept = [number for number, time in enumerate(source.times) if time not in inside]
        if strange := len(inside) - (len(source) - len(kept)):
            raise StageError(
                f"{strange} of {len(inside)} frames to leave out are not in this film: no frame "
                "starts at their times. The decisions were made for another film, or for this one "
                "at another rate; look for its duplicates again."
            )
        if not kept:
            raise StageError(
                f"All {len(source)} frames are to be left out; at least one has to stay."
            )
        return kept

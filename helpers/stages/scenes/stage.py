"""Mark where shots begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from helpers.clip import Clip, Frame
from helpers.run import RunContext
from helpers.stage import Stage, snap


@dataclass(frozen=True)
class MarkShots(Stage):
    """Mark where shots begin, for the stages that follow.

    Attributes:
        begins: times in seconds; a time between two frames marks the next frame.
    """

    begins: tuple[Fraction, ...]

    def cuts(self, source: Clip) -> Sequence[Fraction]:
        """The first frame, and every marked one."""
        return snap((source.times[0], *self.begins), source.times)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Pass the frames on; the clip marks them."""
        return frames

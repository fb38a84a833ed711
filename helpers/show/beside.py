"""A film and its result beside each other, as one film to play.

clip = Beside(film, result)
write_video(clip, "beside.mp4", check=False)
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.clip import Clip, ClipInfo, Frame
from helpers.imaging.resample import resize

if TYPE_CHECKING:
    from helpers.run import RunContext

GAP = 4
"""Black columns between the two."""


@dataclass(frozen=True, eq=False, repr=False)
class Beside(Clip):
    """Two clips of one timeline, at the height and the times of the right one.

    Attributes:
        left: enlarged or reduced by bicubic interpolation; where it has no frame of its own, the
            one before is shown on.
        right: the clip that gives the times.
    """

    left: Clip
    right: Clip

    @property
    def info(self) -> ClipInfo:  # type: ignore[override]
        """The properties of the frames: square pixels of 8 bits."""
        width = sum(self._widths) + GAP
        return ClipInfo(width, self.right.info.height, self.right.info.fps)

    @property
    def times(self) -> Sequence[Fraction]:  # type: ignore[override]
        """Those of the right clip."""
        return self.right.times

    @property
    def end(self) -> Fraction:  # type: ignore[override]
        """That of the right clip."""
        return self.right.end

    @property
    def cuts(self) -> Sequence[Fraction]:  # type: ignore[override]
        """Those of the right clip."""
        return self.right.cuts

    @property
    def _widths(self) -> tuple[int, int]:
        height = self.right.info.height
        shapes = (
            one.info.width * one.info.sar / one.info.height for one in (self.left, self.right)
        )
        left, right = (max(round(height * shape), 1) for shape in shapes)
        return left, right

    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Yield a half-open range of frames."""
        start, stop = self.span(start, stop)
        numbers = [self.left.number_at(time) for time in self.times[start:stop]]
        if not numbers:
            return
        begun, shown = numbers[0] - 1, None
        with (
            closing(self.left.frames(numbers[0], numbers[-1] + 1, run)) as left,
            closing(self.right.frames(start, stop, run)) as right,
        ):
            for number, frame in zip(numbers, right, strict=True):
                while begun < number:
                    shown, begun = next(left), begun + 1
                assert shown is not None
                yield Frame(self._join(shown.image, frame.image), frame.time, frame.cut)

    def _join(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return two pictures, (H, W, 3), beside each other, in uint8."""
        height = self.right.info.height
        sides = [
            resize(_make_shallow(image), width, height, "bicubic")
            for image, width in zip((left, right), self._widths, strict=True)
        ]
        gap = np.zeros((height, GAP, 3), np.uint8)
        return np.concatenate([sides[0], gap, sides[1]], axis=1)

    def recipe(self) -> list[dict[str, Any]]:
        """Name what both are made of."""
        return [{"source": "beside", "left": self.left.recipe(), "right": self.right.recipe()}]


def _make_shallow(image: np.ndarray) -> np.ndarray:
    return image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)

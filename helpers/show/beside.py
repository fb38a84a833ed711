"""A film and its result beside each other, as one film to play.

clip = Beside(film, result, labels=("before", "after"))
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

LETTERS = 24
"""A label's letters have this part of the height of the picture, and at least SMALLEST pixels."""

SMALLEST = 13


@dataclass(frozen=True, eq=False, repr=False)
class Beside(Clip):
    """Two clips of one timeline, at the height and the times of the right one.

    Attributes:
        left: enlarged or reduced by bicubic interpolation; where it has no frame of its own, the
            one before is shown on.
        right: the clip that gives the times.
        labels: the names of both, written above them; nothing is written if there are none.
        late: where the 0 of the right clip lies on the timeline of the left one, in seconds.
    """

    left: Clip
    right: Clip
    labels: tuple[str, ...] = ()
    late: Fraction = Fraction(0)

    @property
    def info(self) -> ClipInfo:  # type: ignore[override]
        """The properties of the frames: square pixels of 8 bits."""
        width = sum(self._widths) + GAP
        height = self.right.info.height + (2 * self._letters if self.labels else 0)
        return ClipInfo(width, height, self.right.info.fps)

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
        numbers = [self.left.number_at(time + self.late) for time in self.times[start:stop]]
        if not numbers:
            return
        begun, shown, strip = numbers[0] - 1, None, self._write_labels()
        with (
            closing(self.left.frames(numbers[0], numbers[-1] + 1, run)) as left,
            closing(self.right.frames(start, stop, run)) as right,
        ):
            for number, frame in zip(numbers, right, strict=True):
                while begun < number:
                    shown, begun = next(left), begun + 1
                assert shown is not None
                image = self._join(shown.image, frame.image)
                yield Frame(np.concatenate([strip, image]), frame.time, frame.cut)

    def _join(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Return two pictures, (H, W, 3), beside each other, in uint8."""
        height = self.right.info.height
        sides = [
            resize(_make_shallow(image), width, height, "bicubic")
            for image, width in zip((left, right), self._widths, strict=True)
        ]
        gap = np.zeros((height, GAP, 3), np.uint8)
        return np.concatenate([sides[0], gap, sides[1]], axis=1)

    @property
    def _letters(self) -> int:
        """The height of the letters of the labels, in pixels."""
        return max(self.right.info.height // LETTERS, SMALLEST)

    def _write_labels(self) -> np.ndarray:
        """Return what stands above each picture, (H, W, 3) uint8; of no height without labels."""
        from PIL import Image, ImageDraw

        from helpers.show.picture import clean_label
        from helpers.show.still import font

        height = 2 * self._letters if self.labels else 0
        strip = Image.new("RGB", (self.info.width, height), (24, 24, 24))
        pen, left = ImageDraw.Draw(strip), 0
        for name, width in zip(map(clean_label, self.labels), self._widths, strict=False):
            place = (left + self._letters // 2, self._letters)
            pen.text(place, name, (235, 235, 235), font(self._letters), anchor="lm")
            left += width + GAP
            pen.rectangle((left - GAP, 0, self.info.width, height), (24, 24, 24))
        return np.asarray(strip)

    def recipe(self) -> list[dict[str, Any]]:
        """Name what both are made of."""
        return [{"source": "beside", "left": self.left.recipe(), "right": self.right.recipe()}]


def _make_shallow(image: np.ndarray) -> np.ndarray:
    return image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)

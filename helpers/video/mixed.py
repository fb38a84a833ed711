"""Read a film of which parts are telecined, interlaced video or progressive; see `stretches`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat, tee
from typing import TYPE_CHECKING

from helpers.video.deinterlace import AFTER, BEFORE, follow_motion
from helpers.video.stretches import Kind, Stretch, kept_pictures
from helpers.video.telecine import match_fields

if TYPE_CHECKING:
    import av


@dataclass(frozen=True)
class Frames:
    """The frames that the pictures of a film become.

    Attributes:
        numbers: of the picture that each frame is made of.
        kinds: what that picture is.
        times: when each frame is shown, in seconds, strictly rising.
    """

    numbers: tuple[int, ...]
    kinds: tuple[Kind, ...]
    times: tuple[Fraction, ...]

    @classmethod
    def of(cls, stretches: Sequence[Stretch], times: Sequence[Fraction], end: Fraction) -> Frames:
        """Return the frames of a film whose pictures are shown at some times, until an end."""
        kept = kept_pictures(stretches, times, end)
        return cls(*(tuple(column) for column in zip(*kept, strict=True)))

    def pictures_needed(self, start: int, stop: int) -> tuple[int, int]:
        """Return the half-open range of pictures that a range of frames is made of."""
        return max(self.numbers[start] - BEFORE, 0), self.numbers[stop - 1] + 1 + AFTER

    def make(
        self, pictures: Iterable[av.VideoFrame], first: int, start: int, stop: int, parity: str
    ) -> Iterator[av.VideoFrame]:
        """Yield a range of frames, progressive.

        Args:
            pictures: those that are needed, from the number `first` on.
            parity: which field comes first, "tff" or "bff".
        """
        wanted = dict(zip(self.numbers[start:stop], self.kinds[start:stop], strict=True))
        videos = {number - first for number, kind in wanted.items() if kind == "video"}
        one, two, three = tee(pictures, 3)
        ways = {
            "progressive": one,
            "film": match_fields(two, parity) if "film" in wanted.values() else repeat(None),
            "video": follow_motion(three, parity, videos) if videos else repeat(None),
        }
        for number, made in enumerate(zip(*ways.values(), strict=False), first):
            if number in wanted:
                yield dict(zip(ways, made, strict=True))[wanted[number]]

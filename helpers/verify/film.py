"""The film that a result was made from, seen with ffmpeg's eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np

from helpers.verify.contents import Contents, Stream
from helpers.verify.ffmpeg import Look, names_matrix, read_pictures
from helpers.verify.promise import SIDE

PIXELS = 100_000_000
"""Pixels that ffmpeg decodes in a second at the least, on two cores."""

SAME = 0.002
"""Seconds. Matroska rounds times to one millisecond, and two roundings may differ by two."""


COARSE = re.compile(r"(rgb|bgr)(4|8|444|555|565)|mono")
"""Pixel formats of fewer than 8 bits a channel."""


@dataclass
class Film:
    """The pictures of a film, found by the ffmpeg program.

    Attributes:
        contents: what is in the file.
        times: the times of its pictures as this package reads them, (M,) seconds.
        pictures: small copies of those that were asked for, by their numbers.
        places: when each picture is shown on the file's own clock, (M,) seconds; NaN if not known.
        count: how many pictures ffmpeg finds.
        shapes: the width of each of `pictures` divided by its height, as a player shows it.
        careful: see `read_pictures`.
    """

    contents: Contents
    picture: Stream
    times: np.ndarray
    pictures: dict[int, np.ndarray] = field(default_factory=dict)
    places: np.ndarray = field(default_factory=lambda: np.zeros(0))
    count: int = 0
    shapes: dict[int, float] = field(default_factory=dict)
    careful: bool = False

    @classmethod
    def open(
        cls, contents: Contents, stream: int | None, times: Sequence[Fraction | float] | None
    ) -> Film:
        """Return a film of which no picture is decoded yet.

        Args:
            stream: see `Promise.stream`.
            times: see `Promise.film`; those of the file's packets if not given.
        """
        picture = contents.picture(stream)
        stored = picture.times[~np.isnan(picture.times)]
        known = stored if times is None else np.array([float(time) for time in times])
        places = known + _find_shift(known, stored, contents.zero)
        film = cls(contents, picture, known, places=places, count=len(picture.times))
        # Shrunk directly, white of 5 bits would be 248 of 255.
        film.careful = COARSE.match(picture.pixels) is not None
        return film

    @property
    def regular(self) -> bool:
        """Whether the packets have the times that this package reads, so that seeking is safe."""
        stored = self.picture.times
        return len(stored) == len(self.times) and bool(np.all(np.abs(stored - self.places) < SAME))

    @property
    def shift(self) -> float:
        """By how many seconds the file's own clock is ahead of `times`, for most pictures."""
        shifts = (self.places - self.times)[~np.isnan(self.places)]
        return float(np.median(shifts)) if len(shifts) else 0.0

    @cached_property
    def matrix(self) -> str | None:
        """The matrix to decode with if the file names none: BT.709 for HD, as players do."""
        width, height = self.picture.size
        high = width >= 1280 or height > 608  # 576, and 32 that tapes keep above them
        stored_so = self.picture.pixels.startswith(("yuv", "nv", "p0"))
        untagged = high and stored_so and not self.picture.matrix
        if not untagged or names_matrix(self.contents.path, self.picture.number):
            return None
        return "bt709"

    @property
    def shape(self) -> float:
        """The shape of the film's pictures on the screen; 0 if it changes, or is not known."""
        found = set(np.round(list(self.shapes.values()), 2))
        return next(iter(self.shapes.values())) if len(found) == 1 else 0.0

    def numbers_at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which picture is nearest to each time, and how far away, in picture lengths."""
        before = np.clip(np.searchsorted(self.times, times, "right") - 1, 0, None)
        after = np.minimum(before + 1, len(self.times) - 1)
        late, early = times - self.times[before], self.times[after] - times
        step = np.maximum(self.times[after] - self.times[before], 1e-6)
        nearest = np.where((early < late) & (after > before), after, before)
        return nearest, np.where(after > before, np.abs(times - self.times[nearest]) / step, 0.0)

    def look(self, numbers: Iterable[int], seconds: float) -> None:
        """Decode the pictures of these numbers.

        The film is decoded from its beginning, if that takes no longer than `seconds` or if its
        clock is irregular. Otherwise ffmpeg seeks, and one place is read in both ways.
        """
        wanted = sorted(number for number in set(numbers) if 0 <= number < len(self.times))
        width, height = self.picture.size
        affordable = int(seconds * PIXELS / max(width * height, 1))
        if not self.regular or len(self.picture.times) <= affordable:
            self._read_all(wanted)
            return
        for run in _runs(wanted):
            self._seek(run)
        if not self._seeks_right(affordable):
            self._read_all(wanted)

    def _read(
        self,
        stretch: tuple[float, float] | None,
        wanted: set[int] | None = None,
        early: float = 1.0,
    ) -> Look:
        return read_pictures(
            self.contents.path, self.picture.number, SIDE, stretch, self.contents.zero, early,
            self.matrix, wanted, self.careful,
        )  # fmt: skip

    def _read_all(self, wanted: Sequence[int]) -> None:
        """Decode from the beginning; pictures are told by their numbers, or else by their times."""
        some = set(wanted) if self.regular else None
        seen = self._read(None, some)
        decoded = dict(zip(wanted if some else range(len(seen.times)), seen.pictures, strict=False))
        self.count = len(seen.times)
        ours = np.arange(len(self.times))
        if len(seen.times) != len(ours):
            known = seen.times[~np.isnan(seen.times)]
            ours = self._match(
                seen.times - _find_shift(self.times, np.sort(known), self.contents.zero)
            )
        self.places, self.pictures, self.shapes = np.full(len(self.times), np.nan), {}, {}
        for at, number in enumerate(ours.tolist()):
            if number < 0:
                continue
            self.places[number] = seen.times[at]
            if at in decoded:
                self.pictures[number], self.shapes[number] = decoded[at], seen.shapes[at]

    def _match(self, times: np.ndarray) -> np.ndarray:
        """Return which of our pictures each of ffmpeg's, shown at `times`, is; -1 if none.

        Args:
            times: on the clock of our pictures.
        """
        step = float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1.0
        nearest = find_nearest(self.times, times)
        return np.where(np.abs(self.times[nearest] - times) < step / 2, nearest, -1)

    def _seek(self, run: range) -> None:
        half = float(np.median(np.diff(self.times))) / 2 if len(self.times) > 1 else 0.02
        stretch = (self.places[run[0]] - half, self.places[run[-1]] + half)
        seen = self._read(stretch)
        if len(seen.times) < len(run):
            # Where there is no index, decoding begins at the next key frame.
            keys = self.places[self.picture.keys & (self.places <= stretch[0])]
            early = stretch[0] - (keys[-1] if len(keys) else self.places[0])
            seen = self._read(stretch, early=float(early) + 1)
        for at, time in enumerate(seen.times[: len(seen.pictures)]):
            number = int(np.argmin(np.abs(self.places - time)))
            if abs(self.places[number] - time) < SAME:
                self.pictures[number], self.shapes[number] = seen.pictures[at], seen.shapes[at]

    def _seeks_right(self, affordable: int) -> bool:
        """Compare the last pictures that can be reached from the beginning in time."""
        near = [number for number in self.pictures if number < affordable]
        if not near:
            return True
        stretch = (self.places[0] - 1, self.places[max(near)] + SAME)
        seen = self._read(stretch)
        begun = dict(zip(np.round(seen.times, 2), seen.pictures, strict=False))
        return all(
            np.abs(begun[at].astype(int) - self.pictures[number]).mean() < 1
            for number in near
            if (at := np.round(self.places[number], 2)) in begun
        )


def find_nearest(times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the numbers of those of some rising times that are nearest to others."""
    right = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    left, right = right - 1, np.minimum(right, len(times) - 1)
    return np.where(np.abs(wanted - times[left]) <= np.abs(times[right] - wanted), left, right)


def _find_shift(times: np.ndarray, stored: np.ndarray, zero: float) -> float:
    """Return by how many seconds a file's own clock is ahead of that of `times`.

    A reader may count from the file's own 0, from where a player's 0 is, or from the first picture.

    Args:
        stored: the times of the file's pictures on its own clock, rising.
    """
    if not len(times) or not len(stored):
        return 0.0
    shifts = (0.0, zero, stored[0] - times[0])

    def count_hits(shift: float) -> int:
        at = np.clip(np.searchsorted(stored, times + shift - SAME), 0, len(stored) - 1)
        return int((np.abs(stored[at] - times - shift) < SAME).sum())

    return float(max(shifts, key=count_hits))


def _runs(numbers: Sequence[int]) -> Iterable[range]:
    """Yield rising numbers as runs without large gaps."""
    start = 0
    for at, (a, b) in enumerate(pairwise([*numbers, 10**12])):
        if b - a > 30:
            yield range(numbers[start], a + 1)
            start = at + 1

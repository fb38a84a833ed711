"""What all ways of making a film worse share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from helpers.clip import Frame, MemoryClip
from helpers.imaging.luma import round_to, scale_of
from helpers.stage import Stage

AROUND = 2
"""Frames at both ends of a stretch that are not compared: they lack neighbours."""


@dataclass(frozen=True, eq=False)
class Worse:
    """A stretch of a film that was made worse.

    Attributes:
        clip: the worse film.
        truth: what should come out, (H, W, 3) each.
        times: when these are shown, in seconds.
        kept: their numbers in the result that is made of `clip`.
        doubtful: where the truth is not known, since the film itself is damaged: a mask, (H, W)
            bool, for each of `truth`; empty if it is known everywhere.
    """

    clip: MemoryClip
    truth: tuple[np.ndarray, ...]
    times: tuple[Fraction, ...]
    kept: tuple[int, ...]
    doubtful: tuple[np.ndarray, ...] = ()

    def settle(self, made: list[np.ndarray]) -> list[np.ndarray]:
        """Return what was made, with the truth wherever that is doubtful."""
        if not self.doubtful:
            return made
        triples = zip(self.doubtful, self.truth, made, strict=True)
        return [np.where(mask[..., None], truth, one) for mask, truth, one in triples]


class Degradation(ABC):
    """One way to make a film worse.

    Attributes:
        words: what is done to it, as the rest of a sentence that begins with "It was".
        length: consecutive frames of the film that are needed at a time.
    """

    words: str
    length: int = 3 + 2 * AROUND

    @abstractmethod
    def worsen(self, frames: Sequence[Frame]) -> Worse:
        """Make consecutive frames of one shot worse."""

    def fit(self, stage: Stage) -> Stage:
        """Return the stage as it has to be to give back what the film was."""
        return stage


def spoil(frames: Sequence[Frame], images: Sequence[np.ndarray]) -> Worse:
    """Return frames whose pictures alone became worse."""
    kept = range(AROUND, len(frames) - AROUND)
    worse = [replace(one, pixels=image) for one, image in zip(frames, images, strict=True)]
    return make_worse(frames, as_clip(worse), kept)


def make_worse(frames: Sequence[Frame], clip: MemoryClip, kept: Sequence[int]) -> Worse:
    """Return the worse clip with what it was made of; `kept` are numbers of `frames`."""
    seen = [frames[number] for number in kept]
    images, times = tuple(one.image for one in seen), tuple(one.time for one in seen)
    return Worse(clip, images, times, tuple(kept))


def as_clip(frames: Sequence[Frame]) -> MemoryClip:
    """Return consecutive frames of a shot as a clip; the last is shown for the usual time."""
    times = [frame.time for frame in frames]
    end = times[-1] + (times[-1] - times[0]) / (len(times) - 1)
    return MemoryClip([frame.image for frame in frames], times, end)


def round_like(pixels: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return levels in 0..255 in the type of a picture."""
    return round_to(pixels * scale_of(image.dtype), image.dtype)

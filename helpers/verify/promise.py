"""What a result is promised to be, and what its encoder was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from helpers.clip import Clip, ColourTags

SIDE = 48
"""Pixels of the side of the squares that pictures are compared as."""

FEW = 3000
"""Pictures that are all kept and compared: 20 MB. Of a longer film, some runs are."""

RUNS, LENGTH = 12, 5
"""How many runs of a long film are compared, and of how many pictures each."""


class SoundTrack(Protocol):
    """A track that replaces one of the source's; see `audio.track.Sound`."""

    @property
    def start(self) -> Fraction:
        """When its first sample is heard, in seconds on the source's clock."""
        ...

    @property
    def track(self) -> int:
        """The number of the track that it replaces, from 0."""
        ...

    def save(self, path: Path, /) -> object:
        """Write it to a WAV file."""
        ...


def choose_moments(count: int) -> list[range]:
    """Return which of so many pictures are compared: all, or runs from the first to the last."""
    if count <= FEW:
        return [range(count)]
    return spread_runs(count)


def spread_runs(count: int) -> list[range]:
    """Return runs of pictures, spread from the first to the last of so many."""
    last = max(count - LENGTH, 0)
    starts = (last * run // (RUNS - 1) for run in range(RUNS))
    return [range(start, min(start + LENGTH, count)) for start in starts]


class Glimpses:
    """Small copies of some pictures of a clip, kept while they are encoded.

    Args:
        count: how many pictures the clip has.
    """

    def __init__(self, count: int) -> None:
        self.numbers = {number for run in choose_moments(count) for number in run}
        self.pictures: dict[int, np.ndarray] = {}

    def add(self, number: int, image: np.ndarray) -> None:
        """Keep a small copy of an image, (H, W, 3) RGB, if it is one that will be compared."""
        if number in self.numbers:
            small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            self.pictures[number] = small if small.dtype == np.uint8 else (small >> 8).astype("u1")


@dataclass(frozen=True)
class Promise:
    """What a result must be.

    Attributes:
        times, end: its timeline, on the clock of the film that it is made from, in seconds.
        steps: the names of the stages that made it; None if they are not known.
        pictures: whether its pictures are the film's; if not, only its sound and the rest are.
        size: width and height of the stored picture; None if not known.
        shape: the picture's width divided by its height, as it is shown; None if not known.
        colour: its colour tags; None if not known.
        film: the times of the film's pictures as this package reads them; None if not known.
        stream: the film's number among the pictures of its file; None is the default one.
        trimmed: whether it is only a stretch of the film.
        sound: tracks that replace the film's own, or are added to them; None if that is not known.
        keep_sound: whether the replaced tracks are kept.
        notes: what has been told to the user.
        given: what the encoder was given.
    """

    times: Sequence[Fraction | float]
    end: Fraction | float
    steps: tuple[str, ...] | None = ()
    pictures: bool = True
    size: tuple[int, int] | None = None
    shape: Fraction | None = None
    colour: ColourTags | None = None
    film: Sequence[Fraction | float] | None = None
    stream: int | None = None
    trimmed: bool = False
    sound: Sequence[SoundTrack] | None = ()
    keep_sound: bool = False
    notes: tuple[str, ...] = ()
    given: Glimpses | None = field(default=None, repr=False)


def steps_of(clip: Clip) -> tuple[str, ...]:
    """Return the names of the stages that made a clip, in order."""
    names: list[str] = []
    while hasattr(clip, "source"):
        names.insert(0, type(clip.stage).__name__)  # type: ignore[attr-defined]
        clip = clip.source  # type: ignore[attr-defined]
    # What a saved stage was made with is in its file; asking a film would read all of it.
    made = getattr(clip, "made", [])
    saved = [step["stage"] for step in made if "stage" in step]
    fields = [
        name
        for name, done in (("Deinterlace", "bwdif"), ("Telecine", "telecine"))
        if getattr(clip, done, False)
    ]
    return (*fields, *saved, *names)


def times_of(film: Clip) -> Sequence[Fraction]:
    """Return when the pictures of a film are shown, as they are stored."""
    index = getattr(film, "index", None)
    return film.times if index is None else index.times


def film_of(clip: Clip) -> Clip:
    """Return what a clip is made from: the film as it was opened, or a saved stage."""
    while hasattr(clip, "source"):
        clip = clip.source  # type: ignore[attr-defined]
    return clip

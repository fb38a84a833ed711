"""Add the film's own dust, or let its light flicker as it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from helpers.clip import Clip, Frame
from helpers.errors import StageError
from helpers.imaging.luma import brightness, to_levels
from helpers.quality.degrade.base import Degradation, Worse, as_clip, round_like, spoil
from helpers.run import RunContext
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.diagnosis import read_stretch, smooth_curve


@dataclass(eq=False)
class Dustier(Degradation):
    """Adds the film's own dust and scratches, from other moments of it, mirrored.

    Where the default cleaner changes the film itself, the truth is not known.

    Attributes:
        marks: for each such moment, what dust changed in each frame, (H, W, 3) float32 levels.
    """

    marks: list[list[np.ndarray]] = field(repr=False)
    _next: int = 0

    words = "given the dust and scratches of another moment"

    def worsen(self, frames: Sequence[Frame]) -> Worse:
        """Add dust to every frame."""
        marks = self.marks[self._next % len(self.marks)]
        self._next += 1
        dirty = [
            round_like(to_levels(frame.image) + marks[n % len(marks)], frame.image)
            for n, frame in enumerate(frames)
        ]
        worse = spoil(frames, dirty)
        own = _find_marks(frames)
        return replace(worse, doubtful=tuple(own[n].any(axis=2) for n in worse.kept))


def _find_marks(frames: Sequence[Frame]) -> list[np.ndarray]:
    """Return what dust changed in consecutive frames, (H, W, 3) float32 levels each."""
    pairs = zip(frames, RemoveDamage()(as_clip(frames)), strict=True)
    return [to_levels(dirty.image) - to_levels(clean.image) for dirty, clean in pairs]


@dataclass(eq=False)
class Flickering(Degradation):
    """Lets the light flicker as it does at other moments of the film, once it is steady.

    Attributes:
        courses: for each such moment, how many grey levels each frame is too light.
    """

    courses: list[np.ndarray] = field(repr=False)
    _next: int = 0

    words = "made steady, and to flicker as it does at another moment"
    length = 25

    def worsen(self, frames: Sequence[Frame]) -> Worse:
        """Make every frame lighter or darker."""
        course = self.courses[self._next % len(self.courses)]
        self._next += 1
        own = _flicker_of(frames)
        steady = [_relight(frame.image, -light) for frame, light in zip(frames, own, strict=True)]
        lit = [_relight(image, course[n % len(course)]) for n, image in enumerate(steady)]
        frames = [replace(one, pixels=image) for one, image in zip(frames, steady, strict=True)]
        return spoil(frames, lit)


def _flicker_of(frames: Sequence[Frame]) -> np.ndarray:
    """Return by how many grey levels each frame is lighter than a smooth course, (N,)."""
    light = np.array([float(brightness(frame.image).mean()) for frame in frames])
    return light - smooth_curve(light[:, None])[:, 0]


def _relight(image: np.ndarray, by: float) -> np.ndarray:
    """Make a picture lighter by a mean of some grey levels."""
    levels = to_levels(image)
    gain = np.float32(1 + by / max(float(levels.mean()), 8.0))
    return round_like(levels * gain, image)


def choose_dustier(clip: Clip, stages: Sequence[Any], run: RunContext) -> Degradation:
    """Find the film's own dust at several moments."""
    marks = []
    for first in _places(clip, Dustier.length):
        shot = read_stretch(clip, first, Dustier.length, run).longest
        if len(shot) < 3:
            continue
        found = _find_marks(shot)
        if any(mark.any() for mark in found):
            marks.append([mark[:, ::-1] for mark in found])
    if not marks:
        raise StageError("No dust or scratches were found, so there is nothing to judge by.")
    return Dustier(marks)


def choose_flickering(clip: Clip, stages: Sequence[Any], run: RunContext) -> Degradation:
    """Find how the film's light flickers at several moments."""
    courses = []
    for first in _places(clip, Flickering.length):
        courses.append(_flicker_of(read_stretch(clip, first, Flickering.length, run).longest))
    if max(float(np.std(course)) for course in courses) < 0.2:
        raise StageError("The light is steady in this film, so there is nothing to judge by.")
    return Flickering(courses)


def _places(clip: Clip, length: int, count: int = 4) -> list[int]:
    """Return the first frames of some stretches spread over a film."""
    last = max(len(clip) - length, 0)
    return sorted({round(last * (n + 0.25) / count) for n in range(count)})

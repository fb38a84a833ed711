"""Find how the picture shakes, in one pass over the film.

path = find_shake(clip)              # `Stabilize.analyse` keeps the result in the project
steady = Stabilize(path)(clip)
steady.stage.crop(clip)              # the share of the border that is lost
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from helpers.clip import Clip, Frame
from helpers.run import RunContext
from helpers.stage import prefetch
from helpers.stages.diagnosis import FilmSamples, smooth_curve
from helpers.stages.stabilize.tracking import Motion, Tracker

Place = tuple[Fraction, float, float, float]
"""The time of a frame, and its offset from the first frame of its shot: pixels right and down, and
radians clockwise."""

Path = tuple[tuple[Place, ...], ...]
"""The places of all frames, by shots."""


@dataclass(frozen=True)
class ShakePath:
    """The places of all frames of a film, for `Stabilize`."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", exact_path(self.path))


def exact_path(path: Iterable[Iterable[Any]]) -> Path:
    """Return a path with times as fractions, also if it was read from JSON."""
    return tuple(
        tuple((Fraction(time), float(x), float(y), float(angle)) for time, x, y, angle in shot)
        for shot in path
    )


def find_shake(clip: Clip, run: RunContext | None = None) -> Path:
    """Return the motion of the background in every shot of a clip.

    Places are rounded to a thousandth of a pixel, about forty bytes for each frame. They are stored
    by time and not by frame number, so that the path still fits after frames were removed.
    """
    run = run or RunContext()
    steps: list[list[tuple[Fraction, Motion | None]]] = []
    tracker = Tracker()
    with closing(prefetch(clip.frames(run=run))) as frames:
        for frame in run.bar(frames, len(clip), "find shake"):
            if frame.cut or not steps:
                steps.append([])
                tracker = Tracker()
            step = tracker.track(frame.image)
            steps[-1].append((frame.time, step if tracker.sure else None))
    return tuple(map(_add_steps, steps))


@dataclass(frozen=True)
class Shake:
    """The deviation of the background from a smooth path.

    Attributes:
        amount: the deviation as a share of the picture's width.
        pixels: the same in pixels.
        sways: the deviation to the right and down of every examined frame in pixels, by shots, for
            plots.
    """

    amount: float
    pixels: float
    sways: tuple[tuple[tuple[float, float], ...], ...] = ()


def measure_shake(samples: FilmSamples) -> Shake:
    """Measure the shake of a film."""
    sways = [measure_sway(shot) for shot in samples.shots]
    pixels = samples.typical([float(np.sqrt((sway**2).sum(axis=1).mean())) for sway in sways])
    rounded = tuple(tuple((round(float(x), 3), round(float(y), 3)) for x, y in s) for s in sways)
    return Shake(pixels / samples.clip.info.width, pixels, rounded)


def measure_sway(shot: Sequence[Frame]) -> np.ndarray:
    """Return the deviation of the background from a smooth path, (n, 2): pixels right and down."""
    tracker = Tracker()
    path = np.cumsum([tracker.track(frame.image)[:2] for frame in shot], axis=0)
    return path - smooth_curve(path)


def shake_sentence(found: Shake, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if needed:
        return f"The picture shakes by {found.pixels:.1f} pixels."
    return f"The picture is steady (it shakes by {found.pixels:.2f} pixels)."


def _add_steps(steps: list[tuple[Fraction, Motion | None]]) -> tuple[Place, ...]:
    """Add up the steps of a shot.

    A step that could not be measured is the median of those around it, so that a pan continues
    behind a passing cart.
    """
    where, places = np.zeros(3), []
    for number, (time, step) in enumerate(steps):
        if number:
            near = [s for _, s in steps[max(number - 4, 1) : number + 5] if s is not None]
            where = where + (step or (np.median(near, axis=0) if near else np.zeros(3)))
        x, y, angle = (float(value) for value in where)
        places.append((time, round(x, 3), round(y, 3), round(angle, 6)))
    return tuple(places)

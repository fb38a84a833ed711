"""How the picture shakes, found once for the whole film.

path = find_shake(clip)              # one pass over the film; keep the answer in the project
steady = Stabilize(path)(clip)
steady.stage.crop(clip)              # how much of the border it costs
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
"""When, and how the picture then lies against the first of its shot: pixels right and down, and
radians clockwise."""

Path = tuple[tuple[Place, ...], ...]
"""The places of every frame, shot by shot."""


@dataclass(frozen=True)
class ShakePath:
    """What `Stabilize` has to know of a film: the places of every frame."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", exact_path(self.path))


def exact_path(path: Iterable[Iterable[Any]]) -> Path:
    """Return a path with exact times; one read back from a project has lists and strings."""
    return tuple(
        tuple((Fraction(time), float(x), float(y), float(angle)) for time, x, y, angle in shot)
        for shot in path
    )


def find_shake(clip: Clip, run: RunContext | None = None) -> Path:
    """Return how the background moves through every shot of a clip.

    Places are kept to a thousandth of a pixel, about forty bytes a frame. They belong to times and
    not to frame numbers, so that the path still fits when frames were left out of the clip.
    """
    run = run or RunContext()
    steps: list[list[tuple[Fraction, Motion | None]]] = []
    tracker = Tracker()
    with closing(prefetch(clip.frames(run=run))) as frames:
        for frame in run.bar(frames, len(clip), "find shake"):
            if frame.cut or not steps:
                steps.append([])
                tracker = Tracker()
            step = tracker.follow(frame.image)
            steps[-1].append((frame.time, step if tracker.sure else None))
    return tuple(map(_places, steps))


@dataclass(frozen=True)
class Shake:
    """How far the background strays from a smooth path.

    Attributes:
        amount: in parts of the picture's width.
        pixels: the same in pixels.
        sways: how far right and down it lay from that path in every frame looked at, in pixels,
            shot by shot, for plots.
    """

    amount: float
    pixels: float
    sways: tuple[tuple[tuple[float, float], ...], ...] = ()


def measure_shake(samples: FilmSamples) -> Shake:
    """Measure the shake of a film, from the stretches that were looked at."""
    sways = [_sway(shot) for shot in samples.shots]
    pixels = samples.typical([float(np.sqrt((sway**2).sum(axis=1).mean())) for sway in sways])
    rounded = tuple(tuple((round(float(x), 3), round(float(y), 3)) for x, y in s) for s in sways)
    return Shake(pixels / samples.clip.info.width, pixels, rounded)


def _sway(shot: Sequence[Frame]) -> np.ndarray:
    """Return how far the background lies from its smooth path, (n, 2): pixels right and down."""
    tracker = Tracker()
    path = np.cumsum([tracker.follow(frame.image)[:2] for frame in shot], axis=0)
    return path - smooth_curve(path)


def shake_sentence(found: Shake, needed: bool) -> str:
    """Say it in words."""
    if needed:
        return f"The picture shakes by {found.pixels:.1f} pixels."
    return f"The picture stands still (it shakes by {found.pixels:.2f} pixels)."


def _places(steps: list[tuple[Fraction, Motion | None]]) -> tuple[Place, ...]:
    """Add up the steps of a shot. One that could not be measured is like those around it, so that
    a pan behind a passing cart goes on."""
    where, places = np.zeros(3), []
    for number, (time, step) in enumerate(steps):
        if number:
            near = [s for _, s in steps[max(number - 4, 1) : number + 5] if s is not None]
            where = where + (step or (np.median(near, axis=0) if near else np.zeros(3)))
        x, y, angle = (float(value) for value in where)
        places.append((time, round(x, 3), round(y, 3), round(angle, 6)))
    return tuple(places)

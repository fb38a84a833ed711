"""How the picture shakes, found once for the whole film.

path = find_shake(clip)              # one pass over the film; keep the answer in the project
steady = Stabilize(path)(clip)
steady.stage.crop(clip)              # how much of the border it costs
"""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction

import numpy as np

from helpers.clip import Clip
from helpers.progress import bar
from helpers.stage import prefetch
from helpers.stages.stabilize.tracking import Motion, Tracker

Place = tuple[Fraction, float, float, float]
"""When, and how the picture then lies against the first of its shot: pixels right and down, and
radians clockwise."""

Path = tuple[tuple[Place, ...], ...]
"""The places of every frame, shot by shot."""


def find_shake(clip: Clip, progress: bool = False) -> Path:
    """Return how the background moves through every shot of a clip.

    Places are kept to a thousandth of a pixel, about forty bytes a frame. They belong to times and
    not to frame numbers, so that the path still fits when frames were left out of the clip.
    """
    steps: list[list[tuple[Fraction, Motion | None]]] = []
    tracker = Tracker()
    with closing(prefetch(clip.frames())) as frames:
        for frame in bar(frames, len(clip), "find shake", progress):
            if frame.cut or not steps:
                steps.append([])
                tracker = Tracker()
            step = tracker.follow(frame.image)
            steps[-1].append((frame.time, step if tracker.sure else None))
    return tuple(map(_places, steps))


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

"""How the picture shakes, found once for the whole film.

    path = find_shake(clip)              # one pass over the film; keep the answer in the project
    steady = Stabilize(path)(clip)
    steady.stage.crop(clip)              # how much of the border it costs
"""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction

from helpers.clip import Clip
from helpers.engines.shake import Motion, Tracker
from helpers.stage import prefetch
from helpers.writing import bar

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
    shots: list[list[Place]] = []
    tracker, where = Tracker(), Motion()
    with closing(prefetch(clip.frames())) as frames:
        for frame in bar(frames, len(clip), "find shake", progress):
            if frame.cut or not shots:
                shots.append([])
                tracker, where = Tracker(), Motion()
            step = tracker.follow(frame.image)
            where = Motion(*(a + b for a, b in zip(where, step, strict=True)))
            place = (frame.time, round(where.x, 3), round(where.y, 3), round(where.angle, 6))
            shots[-1].append(place)
    return tuple(map(tuple, shots))

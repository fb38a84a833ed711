"""Take out flicker: every shot keeps its light steady, and real changes stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from helpers.clip import Frame
from helpers.run import RunContext
from helpers.stage import Stage, split_shots, windowed
from helpers.stages.flicker.exposure import (
    REACH,
    STEP_LEAST,
    Light,
    Seen,
    apply_light,
    compare_light,
    look,
    steady_light,
)


@dataclass(frozen=True)
class Deflicker(Stage):
    """Bring every frame to the middle of the light of the frames around it, within its shot.

    What flickers is measured on things that are in both of two neighbouring frames, so that what
    drives into the picture does not count; see `exposure`. A fade stays a fade, a lamp that
    is switched on stays switched on; a flash of a few frames is taken for flicker.

    Every frame's result rests on `context` frames to either side, whatever is read, so no pass over
    the film is needed first.

    Attributes:
        strength: how much of the change is made, 0 (none) to 1.
        hold: the mean brightness of the whole frame is held to its course as well, but by at most
            this many times the flicker that was found on things. 0 trusts the things alone: for a
            film in which large things pass close to the camera.
        local: follow flicker that differs between the parts of the picture, too.
    """

    strength: float = 1.0
    hold: float = 5.0
    local: bool = False

    def __post_init__(self) -> None:
        self._check_ranges(strength=(0, 1), hold=(0, 100))

    @property
    def context(self) -> int:
        """The frames that say where the light belongs, and those that show a lamp switched."""
        return REACH + STEP_LEAST

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Make the frames, shot by shot, each from its window."""
        wanted = set(times)
        for shot in split_shots(frames):
            for window, at in windowed(_measured(shot), self.context, self.context):
                frame = window[at].frame
                if frame.time in wanted:
                    yield Frame(self._steady(window, at), frame.time)

    def _steady(self, window: Sequence[MeasuredFrame], at: int) -> np.ndarray:
        """Return the picture of `window[at]` in the middle of the light around it."""
        seen, changes = [one.seen for one in window], [one.change for one in window[1:]]
        light = steady_light(seen, changes, at, self.hold, self.local)
        return apply_light(window[at].frame.image, light, self.strength)


@dataclass(frozen=True, eq=False)
class MeasuredFrame:
    """A frame, what is kept of it for comparing, and how its light differs from the one before."""

    frame: Frame
    seen: Seen
    change: Light


def _measured(shot: Iterator[Frame]) -> Iterator[MeasuredFrame]:
    """Measure the frames of one shot; the first is compared with itself."""
    before: Seen | None = None
    for frame in shot:
        seen = look(frame.image)
        yield MeasuredFrame(frame, seen, compare_light(before or seen, seen))
        before = seen

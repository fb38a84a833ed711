"""Remove flicker: the light of every shot is made steady, and real changes are kept."""

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
    FrameLevels,
    Light,
    apply_light,
    compare_light,
    measure_levels,
    steady_light,
)


@dataclass(frozen=True)
class Deflicker(Stage):
    """Give every frame the average light of the frames around it, within its shot.

    Flicker is measured on things that are in both of two neighbouring frames, so that things that
    enter the picture do not count; see `exposure`. Fades are kept, and so is the change when a lamp
    is switched; a flash of a few frames is taken for flicker.

    The result of every frame depends on `context` frames on either side, so the film need not be
    analysed first.

    Attributes:
        strength: how much of the change is made, 0 (none) to 1.
        hold: the mean brightness of the whole frame is steadied too, but by at most this many times
            the flicker that was found on things. 0 uses the things only, which is better for a film
            in which large things pass close to the camera.
        local: also correct flicker that differs between parts of the picture.
    """

    strength: float = 1.0
    hold: float = 5.0
    local: bool = False

    def __post_init__(self) -> None:
        self._check_ranges(strength=(0, 1), hold=(0, 100))

    @property
    def context(self) -> int:
        """The frames that determine the light, and those that show that a lamp was switched."""
        return REACH + STEP_LEAST

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Correct every frame, with its window."""
        wanted = set(times)
        for shot in split_shots(frames):
            for window, at in windowed(_measure(shot), self.context, self.context):
                frame = window[at].frame
                if frame.time in wanted:
                    yield Frame(self._correct(window, at), frame.time)

    def _correct(self, window: Sequence[MeasuredFrame], at: int) -> np.ndarray:
        """Return the picture of `window[at]` with the average light of its window."""
        levels, changes = [one.levels for one in window], [one.change for one in window[1:]]
        light = steady_light(levels, changes, at, self.hold, self.local)
        return apply_light(window[at].frame.image, light, self.strength)


@dataclass(frozen=True, eq=False)
class MeasuredFrame:
    """A frame, its grey levels, and the change of light from the previous frame."""

    frame: Frame
    levels: FrameLevels
    change: Light


def _measure(shot: Iterator[Frame]) -> Iterator[MeasuredFrame]:
    """Measure the frames of one shot; the first is compared with itself."""
    before: FrameLevels | None = None
    for frame in shot:
        levels = measure_levels(frame.image)
        yield MeasuredFrame(frame, levels, compare_light(before or levels, levels))
        before = levels

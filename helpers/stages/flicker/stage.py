"""Take out flicker: every shot keeps its light steady, and real changes stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

from helpers.clip import Frame
from helpers.errors import StageError
from helpers.run import RunContext
from helpers.stage import Stage, check_strength, shots
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

    context: ClassVar[int] = REACH + STEP_LEAST

    strength: float = 1.0
    hold: float = 5.0
    local: bool = False

    def __post_init__(self) -> None:
        check_strength(self.strength)
        if not 0 <= self.hold <= 100:
            raise StageError(f"A hold of {self.hold} was asked for; allowed is 0 to 100.")

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Make the frames, shot by shot, each from its window."""
        wanted = set(times)
        if not self.strength:
            yield from (frame for frame in frames if frame.time in wanted)
            return
        for shot in shots(frames):
            yield from self._steady(shot, wanted)

    def _steady(self, shot: Iterator[Frame], wanted: set[Fraction]) -> Iterator[Frame]:
        """Make the frames of one shot as soon as their neighbours are known."""
        held: list[tuple[Frame, Seen]] = []  # the last frames, at most a window
        changes: list[Light] = []
        at = 0  # the place in `held` of the next frame to be made
        for frame in shot:
            seen = look(frame.image)
            if held:
                changes.append(compare_light(held[-1][1], seen))
            held.append((frame, seen))
            if len(held) - at > self.context:
                yield from self._make(held, changes, at, wanted)
                at += 1
            if at > self.context:
                del held[0], changes[0]
                at -= 1
        for number in range(at, len(held)):
            first = max(number - self.context, 0)
            yield from self._make(held[first:], changes[first:], number - first, wanted)

    def _make(
        self,
        held: list[tuple[Frame, Seen]],
        changes: list[Light],
        at: int,
        wanted: set[Fraction],
    ) -> Iterator[Frame]:
        frame = held[at][0]
        if frame.time in wanted:
            light = steady_light([seen for _, seen in held], changes, at, self.hold, self.local)
            yield Frame(apply_light(frame.image, light, self.strength), frame.time)

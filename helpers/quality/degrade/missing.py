"""Leave something out: every other frame, or the colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from helpers.clip import Clip, Frame
from helpers.errors import StageError
from helpers.imaging.luma import brightness
from helpers.quality.degrade.base import (
    AROUND,
    Degradation,
    Worse,
    as_clip,
    make_worse,
    round_like,
    spoil,
)
from helpers.run import RunContext
from helpers.stage import Stage


@dataclass(eq=False)
class Fewer(Degradation):
    """Leaves every other frame out."""

    words = "left with every other frame"
    length = 9

    def worsen(self, frames: Sequence[Frame]) -> Worse:
        """Leave frames out; those from the middle should come out again."""
        rest = frames[::2]
        kept = range(AROUND + 1, len(frames) - AROUND, 2)
        return make_worse(frames, as_clip(rest), kept)

    def fit(self, stage: Stage) -> Stage:
        """Let the stage draw one frame between two."""
        return replace(stage, factor=2, fps=None)  # type: ignore[call-arg]


@dataclass(eq=False)
class Grey(Degradation):
    """Takes the colour away."""

    words = "made black and white"

    def worsen(self, frames: Sequence[Frame]) -> Worse:
        """Keep the brightness alone."""
        lumas = [brightness(frame.image)[..., None].repeat(3, axis=2) for frame in frames]
        return spoil(frames, [round_like(a, f.image) for a, f in zip(lumas, frames, strict=True)])

    def fit(self, stage: Stage) -> Stage:
        """Let the stage colour whatever it gets."""
        return replace(stage, force=True)  # type: ignore[call-arg]


def choose_fewer(clip: Clip, stages: Sequence[Any], run: RunContext) -> Degradation:
    """Leave frames out of any film."""
    return Fewer()


def choose_grey(clip: Clip, stages: Sequence[Any], run: RunContext) -> Degradation:
    """Check that the film has colours to be taken away."""
    if clip.info.grey:
        raise StageError(
            "This film is black and white, so nobody knows its colours, and colourings cannot be "
            "judged by it. Judge them by a film in colour that looks like it."
        )
    return Grey()

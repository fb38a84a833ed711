"""Give the corners back the light that a lens has kept from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from helpers.clip import Clip, Frame
from helpers.run import RunContext
from helpers.stage import Stage, map_images
from helpers.stages.vignette.falloff import LARGEST, give_back
from helpers.stages.vignette.find import Vignette, find_vignette


@dataclass(frozen=True)
class RemoveVignette(Stage):
    """Make the corners as light as the middle.

    Attributes:
        loss: the part of the light that the corners lack, 0 to 0.8; `analyse` measures it if None.
    """

    loss: float | None = None

    def __post_init__(self) -> None:
        self._check_ranges(loss=(0, LARGEST))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The loss, until it was measured."""
        return ("loss",) if self.loss is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> RemoveVignette:
        """Return the stage with the loss of the whole clip."""
        if self.loss is not None:
            return self
        run = run or RunContext()
        found = run.keep("RemoveVignette", clip, Vignette, lambda: find_vignette(clip, run))
        return replace(self, loss=found.amount)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Lighten every picture by itself; one that repeats the last is not computed again."""
        loss = self.loss or 0.0
        return map_images(frames, lambda images: [give_back(image, loss) for image in images])

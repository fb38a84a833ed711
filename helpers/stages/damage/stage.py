"""Remove dust, dirt, hairs and scratches from film."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

from helpers.catalog import table as catalog
from helpers.catalog.load import load_cleaner
from helpers.clip import Frame
from helpers.errors import StageError
from helpers.imaging.luma import blend
from helpers.run import RunContext
from helpers.runtime.machine import file_sha256
from helpers.stage import Stage, split_shots, windowed

AUTO = "learned"
"""The method for "auto": the better of the two in benchmarks/quality/damage.py."""


@dataclass(frozen=True)
class RemoveDamage(Stage):
    """Repair damage that is in one frame and not in its neighbours, and persistent vertical lines.

    Only damaged pixels are changed; all others stay bit-identical. The neighbours are from the same
    shot, never across a cut; those of its first and last frames are all on one side. Repeated
    frames are skipped, since a speck on a repeated frame is on both. A speck is repaired if it is
    on at most two consecutive pictures.

    Attributes:
        method: a name from the catalogue with the role "clean", or "auto" for the best one.
        strength: 0 (no change) to 1 (the full repair).
        radius: neighbours to use on each side, 1 or 2.
        lines: whether to remove persistent vertical scratches too.
        weights: a file from `train-cleaner`, for the learned method, instead of its own weights.
    """

    heavy: ClassVar[bool] = True

    method: str = "auto"
    strength: float = 1.0
    radius: int = 2
    lines: bool = True
    weights: str | None = None

    def __post_init__(self) -> None:
        catalog.get(self.model, "clean")
        self._check_ranges(strength=(0, 1))
        if self.radius not in (1, 2):
            raise StageError(
                f"RemoveDamage cannot use radius={self.radius}. The radius must be 1 or 2."
            )
        if self.weights is not None:
            object.__setattr__(self, "weights", str(self.weights))
            if self.model != "learned":
                raise StageError(
                    f"The method {self.model!r} has no weights. Leave them out, or use the method "
                    "'learned'."
                )

    @property
    def model(self) -> str:
        """The name of the method in the catalogue."""
        return AUTO if self.method == "auto" else self.method

    @property
    def context(self) -> int:
        """How many frames on each side the result depends on: twice the radius because of repeated
        frames, and two more, because the neighbours' damage is suppressed by their neighbours."""
        return 2 * self.radius + 2

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Repair every frame, with those around it."""
        from helpers.stages.damage.frame_repair import ShotFrame
        from helpers.stages.damage.pipeline import FilmCleaning

        wanted = set(times)
        network = load_cleaner(self.model, self.weights, run.machine)
        cleaning = FilmCleaning(network, self.radius, self.lines)
        for shot in split_shots(frames):
            timed = ((frame.time, ShotFrame(frame.image)) for frame in shot)
            for window, at in windowed(timed, self.context, self.context):
                time, here = window[at]
                if time in wanted:
                    cleaned = cleaning.clean([one for _, one in window], at)
                    yield Frame(blend(here.image, cleaned, self.strength), time)

    def recipe(self) -> dict[str, Any]:
        """Return the fields, the method that "auto" stands for, and the sha256 of the weights."""
        own = {"weights": file_sha256(Path(self.weights))} if self.weights else {}
        known = catalog.recipe(self.model, "clean")
        return {**super().recipe(), "model": self.model, **known, **own}

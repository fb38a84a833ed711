"""Take dust, dirt, hairs and scratches off film."""

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
"""What "auto" stands for: the better of the two in benchmarks/quality/damage.py."""


@dataclass(frozen=True)
class RemoveDamage(Stage):
    """Repair what one frame shows and its neighbours do not, and lines that stay in place.

    Only damaged pixels are touched; all others are passed on to the last bit. Neighbours are taken
    from the frame's own shot, never across a cut; at its first and last frame all from one side.
    Repeated pictures are looked past, for a speck on a repeated picture is on both. A speck must be
    gone in the next picture but one at the latest.

    Attributes:
        method: a name from the catalogue with the role "clean", or "auto" for the best there is.
        strength: 0 (nothing changes) to 1 (the whole repair).
        radius: neighbours looked at on each side, 1 or 2.
        lines: whether vertical scratches that stay are looked for, too.
        weights: a file that `train-cleaner` made, for the learned method, instead of its own.
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
            raise StageError(f"A radius of {self.radius} was asked for; allowed are 1 and 2.")
        if self.weights is not None:
            object.__setattr__(self, "weights", str(self.weights))
            if self.model != "learned":
                raise StageError(
                    f"Weights were given for the method {self.model!r}; allowed are weights for "
                    "the method 'learned'."
                )

    @property
    def model(self) -> str:
        """The catalogue's name of the method."""
        return AUTO if self.method == "auto" else self.method

    @property
    def context(self) -> int:
        """How many frames on each side decide about one: past repeated pictures, and two more,
        for motion is measured on neighbours that their own neighbours have cleaned."""
        return 2 * self.radius + 2

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Repair frame by frame, with those around it in hand."""
        from helpers.stages.damage.frame_repair import Seen
        from helpers.stages.damage.pipeline import FilmCleaning

        wanted = set(times)
        network = load_cleaner(self.model, self.weights, run.machine)
        cleaning = FilmCleaning(network, self.radius, self.lines)
        for shot in split_shots(frames):
            seen = ((frame.time, Seen(frame.image)) for frame in shot)
            for window, at in windowed(seen, self.context, self.context):
                time, here = window[at]
                if time in wanted:
                    cleaned = cleaning.clean([one for _, one in window], at)
                    yield Frame(blend(here.image, cleaned, self.strength), time)

    def recipe(self) -> dict[str, Any]:
        """The fields, what "auto" stands for, and the weights by their sha256."""
        own = {"weights": file_sha256(Path(self.weights))} if self.weights else {}
        known = catalog.recipe(self.model, "clean")
        return {**super().recipe(), "model": self.model, **known, **own}

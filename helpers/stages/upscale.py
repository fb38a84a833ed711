"""Make the picture larger."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from helpers import catalog
from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.runtime import runtime
from helpers.stage import Stage, map_images

LARGEST = 16384
"""Pixels a side: the limit of H.264 and H.265."""


@dataclass(frozen=True)
class Upscale(Stage):
    """Enlarge every frame with a model, then resize it exactly to what was asked for.

    Attributes:
        model: a name from the catalogue with the role "upscale".
        scale: how many times larger each side becomes; the model's own (4) if neither is given.
        size: exact (width, height) instead; the shape of the picture on the screen is kept by its
            sample aspect ratio.
    """

    heavy: ClassVar[bool] = True

    model: str = "x4plus"
    scale: Fraction | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        catalog.get(self.model, "upscale")
        self._exactly("scale")
        if self.scale is not None and self.size is not None:
            raise StageError("Both a scale and a size were given; give one of the two.")
        if self.scale is not None and not 0 < self.scale <= 32:
            raise StageError(
                f"A scale of {float(self.scale):g} was asked for; allowed is up to 32."
            )
        if self.size is not None and not all(1 <= side <= LARGEST for side in self.size):
            raise StageError(f"A size of {self.size} was asked for; allowed is 1 to {LARGEST}.")

    def target(self, width: int, height: int) -> tuple[int, int]:
        """Return the size that a frame of width x height becomes."""
        if self.size is not None:
            return self.size
        scale = Fraction(self.scale or catalog.get(self.model, "upscale").scale or 4)
        # Half a pixel is rounded up, never to the even neighbour, so that scales add up.
        new = tuple(max(math.floor(side * scale + Fraction(1, 2)), 1) for side in (width, height))
        if max(new) > LARGEST:
            raise StageError(
                f"{width}x{height} times {float(scale):g} is {new[0]}x{new[1]}; allowed is up to "
                f"{LARGEST} a side. Choose a smaller scale."
            )
        return new  # type: ignore[return-value]

    def info(self, source: Clip) -> ClipInfo:
        """The source's, larger; its pixels reshaped only if the picture's shape changed."""
        old = source.info
        width, height = self.target(old.width, old.height)
        sar = old.sar * Fraction(old.width * height, old.height * width)
        if abs(sar / old.sar - 1) < Fraction(1, 100):
            sar = old.sar  # rounding to whole pixels is no change of shape
        return old.replace(width=width, height=height, sar=sar.limit_denominator(1000))

    def process(self, frames: Iterator[Frame], times: Sequence[Fraction]) -> Iterator[Frame]:
        """Enlarge in batches; a picture that repeats is computed once."""
        return map_images(frames, self.enlarge, runtime().batch)

    def enlarge(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Enlarge pictures of one size, (H, W, 3) uint8 or uint16."""
        from helpers.engines.resize import METHODS, resize

        height, width = images[0].shape[:2]
        width, height = self.target(width, height)
        if self.model in METHODS:
            return [resize(image, width, height, self.model) for image in images]
        made = catalog.load_upscaler(self.model).upscale(images)
        return [resize(image, width, height) for image in made]

    def recipe(self) -> dict[str, Any]:
        """The fields, and the weights by their sha256."""
        return {**super().recipe(), **catalog.recipe(self.model, "upscale")}

"""Enlarge without a network, as an engine: to any size, or by a factor of four.

large = Resizer("lanczos").upscale([image], (1920, 1080))[0]
"""

from __future__ import annotations

import numpy as np

from helpers.catalog.registry import Request, engine
from helpers.imaging.resample import resize

_FACTOR = 4
"""How many times larger each side becomes if no size is given, like with most networks."""


class Resizer:
    """A method of `imaging.resample` as an engine.

    Attributes:
        scale: 0, since any size is possible.
    """

    scale = 0

    def __init__(self, method: str) -> None:
        self.method = method

    def upscale(
        self, images: list[np.ndarray], size: tuple[int, int] | None = None
    ) -> list[np.ndarray]:
        """Enlarge pictures of one size.

        Args:
            images: (H, W, 3) RGB, uint8 or uint16.
            size: (width, height) of the result; if None, each side becomes four times larger.

        Returns:
            (height, width, 3) of the same type.
        """
        height, width = images[0].shape[:2]
        wanted = size or (_FACTOR * width, _FACTOR * height)
        return [resize(image, *wanted, self.method) for image in images]


@engine("upscale", precisions=())
def load(request: Request, method: str) -> Resizer:
    """Return the engine for the method of a row."""
    return Resizer(method)

"""Tone a grey picture in the way film prints were toned, without a model.

    toned, = Tint("sepia").colours([luma], render_factor=16)

A tone is a smooth scale of colours through those for black, middle grey and white, like the tones
that baths of sulphide, iron or selenium gave to the silver of a print.
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.catalog.registry import Request, engine

TONES = {
    "sepia": ((34, 20, 12), (152, 118, 88), (255, 241, 218)),
    "warm": ((22, 17, 15), (136, 126, 114), (255, 248, 236)),
    "selenium": ((24, 18, 22), (131, 122, 128), (250, 247, 248)),
    "cyanotype": ((10, 22, 48), (74, 118, 160), (236, 246, 252)),
    "moonlight": ((8, 14, 34), (92, 112, 148), (228, 238, 255)),
    "amber": ((40, 18, 4), (196, 128, 52), (255, 232, 176)),
}
"""The colours of black, middle grey and white, RGB in 0..255: sulphide and selenium toning,
cyanotype, and the dyes of silent films for night (moonlight) and lamplight (amber)."""


class Tint:
    """Gives every grey the colour that a tone has for it.

    Args:
        tone: one of TONES.
    """

    render_factor = 24

    def __init__(self, tone: str = "sepia") -> None:
        greys = np.linspace(0, 1, 256)
        stops = np.array(TONES[tone]) / 255
        # A parabola through the three, since a kink in the middle would be visible in a sky.
        shares = np.stack(
            [(1 - greys) * (1 - 2 * greys), 4 * greys * (1 - greys), greys * (2 * greys - 1)]
        )
        self._scale = (shares.T @ stops).clip(0, 1).astype(np.float32)

    def colours(self, luma: list[np.ndarray], render_factor: int) -> list[np.ndarray]:
        """Tone grey pictures of one size.

        Args:
            luma: float32 (H, W) in [0, 1].
            render_factor: a sixteenth of the side of the result.

        Returns:
            float32 (S, S, 3) RGB in [0, 1], S = 16 * render_factor.
        """
        side = (16 * render_factor, 16 * render_factor)
        small = [cv2.resize(plane, side, interpolation=cv2.INTER_AREA) for plane in luma]
        return [self._scale[np.rint(plane * 255).clip(0, 255).astype(int)] for plane in small]


@engine("colorize", precisions=())
def load(request: Request, tone: str = "sepia") -> Tint:
    """Return the engine for a tone."""
    return Tint(tone)

"""Tone a grey picture as film was toned: no weights, and no colours that pretend to be true.

    toned, = Tint("sepia").colours([luma], render_factor=16)

A tone is a colour for black, for middle grey and for white, with a smooth course between them, as
baths of sulphide, iron or selenium gave the silver of a print.
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
"""The colours of black, middle grey and white, RGB in 0..255: sulphide and selenium toning, the
blueprint, and the two that silent films were dyed with, for night and for lamplight."""


class Tint:
    """Give every grey its colour on the scale of a tone; the same grey always has the same.

    Args:
        tone: one of TONES.
    """

    render_factor = 24

    def __init__(self, tone: str = "sepia") -> None:
        greys = np.linspace(0, 1, 256)
        stops = np.array(TONES[tone]) / 255
        # A parabola through the three: no kink in the middle that a sky would show.
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
    """Return the method with a tone."""
    return Tint(tone)

"""Colour grey pictures with one of Richard Zhang's networks.

engine = Zhang(state)                        # ECCV16 or SIGGRAPH17, according to the weights
small, = engine.colours([luma], 16)          # (256, 256, 3)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from helpers.catalog.registry import Request, engine
from helpers.nn.backends import USUAL, Way
from helpers.nn.state_dict import build_network
from helpers.nn.tensors import DTYPES
from helpers.stages.colorize.square import LabColorizer
from helpers.stages.colorize.zhang_network import UNUSED, choose_network, move_network


class Zhang(LabColorizer):
    """ECCV16 or SIGGRAPH17 on a device; see `LabColorizer`.

    Args:
        state: the weights, by their official names, from which the network is recognised.
        device, precision: the device that it runs on, and its precision; the last layer always
            uses fp32.
        memory: returns how many bytes may be used.
        way: how it is run.

    Raises:
        ModelError: the weights are those of neither network.
    """

    render_factor = 16
    bytes_per_pixel = 2500

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
        way: Way = USUAL,
    ) -> None:
        build = choose_network(set(state))
        self.title = build.title
        used = {name: value for name, value in state.items() if not name.startswith(UNUSED)}
        network = build_network(build, used, self.title)
        super().__init__(
            move_network(network, device, DTYPES[precision]), device, precision, memory, way
        )

    def _stretch(self, luma: np.ndarray, side: int) -> np.ndarray:
        # Pillow's bicubic filter averages if a side becomes smaller. Unlike with the authors' 8-bit
        # pictures nothing is rounded, which would quantise a 16-bit picture.
        picture = Image.fromarray(np.ascontiguousarray(luma, np.float32))
        resized = picture.resize((side, side), Image.Resampling.BICUBIC)
        return np.asarray(resized).clip(0, 1)

    def _lightness(self, grey: np.ndarray) -> np.ndarray:
        # For sRGB, OpenCV uses a table with an error of L of up to 0.2; for linear RGB it does not.
        linear = np.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)
        return cv2.cvtColor(np.dstack([linear.astype(np.float32)] * 3), cv2.COLOR_LRGB2Lab)[..., 0]

    def _predict(self, lightness: np.ndarray) -> torch.Tensor:
        return self.runner(torch.from_numpy(lightness[None, None]).to(self.device))


@engine("colorize")
def load(request: Request) -> Zhang:
    """Return the network of a model."""
    return Zhang(request.state(), request.device, request.precision, request.memory, request.way)

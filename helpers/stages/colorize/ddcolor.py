"""Colour grey pictures with DDColor.

    engine = DDColor(state)                      # tiny or large, according to the weights
    small, = engine.colours([luma], 32)          # (512, 512, 3)

Kang, Yang, Ouyang, Ren, Li and Xie, "DDColor: Towards Photo-Realistic Image Colorization via Dual
Decoders", ICCV 2023, https://github.com/piddnad/DDColor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.nn.backends import USUAL, Way
from helpers.nn.state_dict import build_network
from helpers.nn.tensors import DTYPES
from helpers.stages.colorize.ddcolor_network import MULTIPLE, SIZES, UNUSED, DDColorNet, read_shape
from helpers.stages.colorize.square import LabColorizer, lab_to_rgb


class DDColor(LabColorizer):
    """DDColor on a device; see `LabColorizer`.

    Args:
        state: the weights, by their official names, from which its size is found.
        device, precision: the device that it runs on, and its precision; the colour decoder and the
            last layer always use fp32.
        memory: returns how many bytes may be used.
        way: how it is run.

    Raises:
        ModelError: the weights are not DDColor's.
    """

    render_factor = 32
    multiple = MULTIPLE
    bytes_per_pixel = 1800

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
        way: Way = USUAL,
    ) -> None:
        shape = _read_shape(state)
        self.title = SIZES.get(shape[0], "DDColor")
        used = {name: value for name, value in state.items() if not name.startswith(UNUSED)}
        network = build_network(lambda: DDColorNet(*shape), used, self.title)
        network.fold()
        super().__init__(network.move(device, DTYPES[precision]), device, precision, memory, way)

    def _stretch(self, luma: np.ndarray, side: int) -> np.ndarray:
        return cv2.resize(luma, (side, side), interpolation=cv2.INTER_LINEAR)

    def _lightness(self, grey: np.ndarray) -> np.ndarray:
        return cv2.cvtColor(np.dstack([grey] * 3), cv2.COLOR_RGB2Lab)[..., 0]

    def _predict(self, lightness: np.ndarray) -> torch.Tensor:
        grey = lab_to_rgb(lightness, np.zeros((*lightness.shape, 2), np.float32))
        return self.runner(torch.from_numpy(grey[None]).to(self.device).permute(0, 3, 1, 2))


@engine("colorize")
def load(request: Request) -> DDColor:
    """Return the network of a model."""
    return DDColor(request.state(), request.device, request.precision, request.memory, request.way)


def _read_shape(state: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    try:
        return read_shape(state)
    except (KeyError, AttributeError, IndexError) as error:
        raise ModelError(
            f"These {len(state)} weights (the first is {next(iter(state), 'none')}) are not those "
            f"of DDColor, tiny or large: {error} is missing. Download the file again, or choose "
            "the model that it belongs to."
        ) from error

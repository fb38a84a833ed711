"""Colour grey pictures with DeOldify.

    colorizer = Deoldify(state, device="cpu", precision="bf16")
    (coloured,) = colorizer.colours([luma], render_factor=21)      # (336, 336, 3)

Jason Antic, https://github.com/jantic/DeOldify. The picture is stretched to a square and coloured
there. Only the colours of the result are used; brightness and detail are those of the film. The
network guesses the colours of each picture by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image

from helpers.catalog.registry import Request, engine
from helpers.nn.backends import USUAL, Way
from helpers.nn.state_dict import build_network
from helpers.nn.tensors import DTYPES
from helpers.stages.colorize.deoldify_network import DeoldifyNet, fold_state
from helpers.stages.colorize.square import SquareColorizer

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""The mean and standard deviation of ImageNet's pictures, which normalise input and output."""

_WIDE_ONLY = "layers.4.conv.0.weight"
"""The name of a weight that only the wide network has."""


class Deoldify(SquareColorizer):
    """DeOldify on a device: Video, Stable or Artistic, by the weights; see `SquareColorizer`.

    Args:
        state: the weights, by their official names, folded or in the parts of training; see
            `fold_state`.
        device, precision: the device that it runs on, and its precision; attention and the last
            layer always use fp32.
        memory: returns how many bytes may be used.
        render_factor: the default render factor.
        way: how it is run.

    Attributes:
        kind: "wide" (Video, Stable) or "deep" (Artistic).

    Raises:
        ModelError: the weights are not DeOldify's.
    """

    bytes_per_pixel = 3800

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
        render_factor: int = 21,
        way: Way = USUAL,
    ) -> None:
        self.render_factor = render_factor
        plain = fold_state(state)
        wide = _WIDE_ONLY in plain
        self.kind = "wide" if wide else "deep"
        self.title = f"DeOldify, {self.kind} ({'Video, Stable' if wide else 'Artistic'})"
        network = build_network(lambda: DeoldifyNet(wide), plain, self.title)
        super().__init__(network.move(device, DTYPES[precision]), device, precision, memory, way)

    @torch.inference_mode()
    def _run(self, luma: np.ndarray, side: int) -> np.ndarray:
        mean, spread = (
            torch.tensor(numbers, device=self.device).view(1, 3, 1, 1)
            for numbers in (_MEAN, _DEVIATION)
        )
        grey = torch.from_numpy(stretch_to_square(luma, side)).to(self.device)
        batch = ((grey - mean) / spread).to(DTYPES[self.precision])
        made = self.runner(batch.contiguous(memory_format=torch.channels_last))
        return self._check_output((made * spread + mean).clamp(0, 1))


@engine("colorize")
def load(request: Request, render_factor: int) -> Deoldify:
    """Return the network of a model."""
    return Deoldify(
        request.state(),
        request.device,
        request.precision,
        request.memory,
        render_factor,
        request.way,
    )


def stretch_to_square(luma: np.ndarray, side: int) -> np.ndarray:
    """Resize a plane, float32 (H, W), to a square, with Pillow's bilinear filter as the authors do.

    If a side becomes smaller, the filter averages. Unlike with the authors' 8-bit pictures, nothing
    is rounded.
    """
    plane = Image.fromarray(np.ascontiguousarray(luma, np.float32))
    square = plane.resize((side, side), Image.Resampling.BILINEAR)
    return np.array(square)

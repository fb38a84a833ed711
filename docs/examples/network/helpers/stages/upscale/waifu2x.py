"""waifu2x: a small network that doubles a picture, trained on photographs.

    network = Waifu2x(read_state(weights, param))
    large = network.upscale([image])[0]        # (H * 2, W * 2, 3)

Seven layers without padding ("upconv_7"), by nagadomi, https://github.com/nagadomi/waifu2x; written
anew from the layers that its ncnn file lists.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.nn import ncnn_weights
from helpers.nn.state_dict import build_network
from helpers.nn.tensors import DTYPES, to_images, to_tensor
from helpers.nn.tiling import enlarge_in_tiles

WIDTHS = (3, 16, 32, 64, 128, 128, 256)
"""Channels that each convolution is given, and those that the last layer is given."""

REACH = 7
"""Pixels that are lost on each side: one to each convolution of 3x3, one to the last layer."""

TILE = 256
"""Input pixels a side. It never depends on the free memory, so that neither does the result."""


class UpConv7(nn.Module):
    """Six convolutions, and a transposed one that doubles the size."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(*pair, 3) for pair in pairwise(WIDTHS))
        self.enlarge = nn.ConvTranspose2d(WIDTHS[-1], 3, kernel_size=4, stride=2, padding=3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(N, 3, H + 14, W + 14) in [0, 1] to (N, 3, H * 2, W * 2)."""
        for convolution in self.convolutions:
            image = functional.leaky_relu(convolution(image), 0.1)
        return self.enlarge(image)


def read_state(weights: Path, param: Path) -> dict[str, torch.Tensor]:
    """Read the two ncnn files of the network into its state dict.

    Raises:
        ModelError: the files are of another network, or damaged.
    """
    try:
        layers = ncnn_weights.read_layers(param)
        arrays = ncnn_weights.read_weights(layers, weights.read_bytes())
        names = [*(f"convolutions.{number}" for number in range(len(WIDTHS) - 1)), "enlarge"]
        pairs = list(zip(names, arrays, strict=True))
    except ValueError as error:
        raise ModelError(
            f"{weights} is not waifu2x's upconv_7 ({error}). Fetch it again."
        ) from error
    state = {}
    for name, (kernels, bias) in pairs:
        # PyTorch keeps a transposed convolution the other way round: (in, out, kernel, kernel).
        kernels = kernels.swapaxes(0, 1) if name == "enlarge" else kernels
        state[f"{name}.weight"] = torch.from_numpy(kernels.copy())
        state[f"{name}.bias"] = torch.from_numpy(bias.copy())
    return state


class Waifu2x:
    """The network on a device.

    Args:
        state: its weights.
        device: where it runs.
        precision: in which numbers.
    """

    scale = 2

    def __init__(
        self, state: dict[str, torch.Tensor], device: str = "cpu", precision: str = "fp32"
    ) -> None:
        self.device, self.dtype = device, DTYPES[precision]
        self.network = build_network(UpConv7, state, "waifu2x").eval().to(device, self.dtype)

    def upscale(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Enlarge pictures of one size.

        Args:
            images: (H, W, 3) RGB, uint8 or uint16.

        Returns:
            (H * 2, W * 2, 3) of the same type.
        """
        return enlarge_in_tiles(images, (TILE, TILE), REACH, self.scale, self._enlarge)

    @torch.inference_mode()
    def _enlarge(self, pieces: list[np.ndarray]) -> list[np.ndarray]:
        given = to_tensor(pieces, self.device, self.dtype)
        made = self.network(functional.pad(given, (REACH,) * 4, mode="replicate"))
        return to_images(made, pieces[0].dtype)

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to know about it, for a person: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return [
            ("architecture", "waifu2x upconv_7"),
            ("scale", "x2"),
            ("parameters", f"{count / 1e6:.2f} million, on {self.device}"),
        ]


@engine("upscale")
def load(request: Request) -> Waifu2x:
    """Load the network from the two files of its row."""
    return Waifu2x(read_state(*request.paths), request.device, request.precision)

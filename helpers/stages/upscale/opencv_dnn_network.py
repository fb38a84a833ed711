"""Read FSRCNN, ESPCN, LapSRN and EDSR from the files of dnn_superres as PyTorch networks.

    network, (algorithm, scale) = read_network(Path("ESPCN_x3.pb"))

Widths and depths are found from the constants of the file, which are in the order of their use.
FSRCNN (Dong et al. 2016) and EDSR (Lim et al. 2017) are those of https://github.com/Saafke; ESPCN
(Shi et al. 2016) and LapSRN (Lai et al. 2017) those of https://github.com/fannymonori.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from helpers.errors import ModelError
from helpers.stages.upscale.frozen_graph import find_constants, read_graph, sort_nodes

ALGORITHMS = ("fsrcnn", "fsrcnn-small", "espcn", "lapsrn", "edsr")

_OUTPUT = "NCHW_output"
"""The name of the output in all of these files."""


class Convolution(nn.Conv2d):
    """A convolution that keeps the size, like TensorFlow's SAME.

    The border is zero; a kernel with even sides extends a pixel further to the right and down.
    """

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(N, in, H, W) to (N, out, H, W)."""
        rows, columns = self.kernel_size
        if rows % 2 and columns % 2:
            pad = (rows // 2, columns // 2)
            return nn.functional.conv2d(image, self.weight, self.bias, padding=pad)
        pad = ((columns - 1) // 2, columns // 2, (rows - 1) // 2, rows // 2)
        return nn.functional.conv2d(nn.functional.pad(image, pad), self.weight, self.bias)


class LapSRN(nn.Module):
    """Levels that double the size; each adds detail, computed from that of the previous level."""

    def __init__(self, levels: list[tuple[nn.Module, nn.Module]]) -> None:
        super().__init__()
        self.enlarge = nn.ModuleList(enlarge for enlarge, _ in levels)
        self.detail = nn.ModuleList(detail for _, detail in levels)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(1, 1, H, W) to (1, 1, H * 2^levels, W * 2^levels)."""
        detail = image
        for enlarge, find in zip(self.enlarge, self.detail, strict=True):
            detail = find(detail)
            image = nn.functional.leaky_relu(enlarge(image) + detail, 0.2)
        return image


class ResidualBlock(nn.Module):
    """Two convolutions with a residual connection, whose result is scaled by `share`."""

    def __init__(self, first: Convolution, second: Convolution, share: float) -> None:
        super().__init__()
        self.first, self.second, self.share = first, second, share

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """(1, F, H, W) float32 to the same; only the convolutions use the block's precision."""
        made = self.first(given.to(self.first.weight.dtype)).relu_()
        return given.add(self.second(made), alpha=self.share)


class _EDSR(nn.Module):
    """Residual blocks of one width, with a residual connection around all of them."""

    def __init__(
        self, head: Convolution, blocks: list[ResidualBlock], tail: Convolution, last: nn.Module
    ) -> None:
        super().__init__()
        self.head, self.blocks, self.tail, self.last = head, nn.Sequential(*blocks), tail, last

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """(1, 3, H, W) to (1, 3, H * scale, W * scale)."""
        first = self.head(image)
        return self.last(self.tail(self.blocks(first)) + first)


class _Weights:
    """The constants of a graph, which are taken in order while the network is built."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = [array for array in arrays if array.ndim]
        self.numbers = [float(array) for array in arrays if not array.ndim]

    def take(self, dimensions: int) -> np.ndarray:
        """Take the next constant, which must have this number of dimensions."""
        if not self.arrays or self.arrays[0].ndim != dimensions:
            found = f"of shape {self.arrays[0].shape}" if self.arrays else "missing"
            raise ValueError(f"a constant of {dimensions} dimensions is {found}")
        return self.arrays.pop(0)

    def convolution(self, bias: bool = True) -> Convolution:
        """Take a kernel, (rows, columns, in, out), and its bias, one value or one per channel."""
        kernel = self.take(4).transpose(3, 2, 0, 1)
        out, channels, *size = kernel.shape
        made = Convolution(channels, out, size, bias=bias, device="meta")  # type: ignore[arg-type]
        made.weight = _parameter(kernel)
        if bias:
            made.bias = _parameter(np.broadcast_to(self.take(1), out))
        return made

    def slopes(self) -> nn.PReLU:
        """Take a PReLU's slope for every channel."""
        slopes = self.take(1)
        made = nn.PReLU(len(slopes))
        made.weight = _parameter(slopes)
        return made


def _fsrcnn(weights: _Weights) -> nn.Module:
    layers: list[nn.Module] = []
    while len(weights.arrays) > 2:
        layers += [weights.convolution(), weights.slopes()]
    return nn.Sequential(*layers, *_append_shuffle(weights.convolution()))


def _espcn(weights: _Weights) -> nn.Module:
    layers: list[nn.Module] = []
    while len(weights.arrays) > 2:
        layers += [weights.convolution(), nn.ReLU()]
    return nn.Sequential(*layers, *_append_shuffle(weights.convolution()), nn.Tanh())


def _lapsrn(weights: _Weights) -> nn.Module:
    levels: list[tuple[nn.Module, nn.Module]] = []
    while weights.arrays:
        enlarge = nn.Sequential(*_append_shuffle(weights.convolution(bias=False)))
        layers: list[nn.Module] = []
        for _ in range(10):
            layers += [weights.convolution(), nn.LeakyReLU(0.2)]
        layers += [*_append_shuffle(weights.convolution(bias=False)), nn.LeakyReLU(0.2)]
        levels.append((enlarge, nn.Sequential(*layers)))
    return LapSRN(levels)


def _edsr(weights: _Weights) -> nn.Module:
    shares = set(weights.numbers)
    if len(shares) != 1:
        raise ValueError(f"EDSR has one residual scale, but {sorted(shares)} were found")
    head, blocks = weights.convolution(), []
    while len(weights.arrays) > 4:
        blocks.append(ResidualBlock(weights.convolution(), weights.convolution(), *shares))
    tail, last = weights.convolution(), weights.convolution()
    head.weight = _parameter(head.weight.detach().numpy()[:, ::-1])  # it was trained on BGR
    return _EDSR(head, blocks, tail, nn.Sequential(*_append_shuffle(last, channels=3)))


def _append_shuffle(last: Convolution, channels: int = 1) -> tuple[Convolution, nn.PixelShuffle]:
    """Return the last convolution and a pixel shuffle, with the channels in PyTorch's order.

    In TensorFlow's order, the channels of a pixel are adjacent, here as BGR; in PyTorch's, the
    pixels of a channel.
    """
    scale = round((last.out_channels / channels) ** 0.5)
    if scale < 1 or scale**2 * channels != last.out_channels:
        raise ValueError(f"its last convolution has {last.out_channels} output channels")
    order = np.arange(last.out_channels).reshape(-1, channels)[:, ::-1].T.ravel()
    last.weight = _parameter(last.weight.detach().numpy()[order])
    if last.bias is not None:
        last.bias = _parameter(last.bias.detach().numpy()[order])
    return last, nn.PixelShuffle(scale)


_BUILDERS: dict[str, Callable[[_Weights], nn.Module]] = {
    "fsrcnn": _fsrcnn, "espcn": _espcn, "lapsrn": _lapsrn, "edsr": _edsr,
}  # fmt: skip


def read_network(path: Path) -> tuple[nn.Module, tuple[str, int]]:
    """Read the network of a file; return it with its algorithm and scale.

    Raises:
        ModelError: the file is damaged, or contains another network.
    """
    try:
        graph = read_graph(path.read_bytes())
        operations = [node.operation for node in sort_nodes(graph, _OUTPUT)]
        weights = _Weights(find_constants(graph, _OUTPUT))
        if not all(np.isfinite(array).all() for array in weights.arrays):
            raise ValueError("some of its weights are not finite numbers")
        algorithm = _recognise(operations, weights)
        network = _BUILDERS[algorithm](weights)
        with torch.inference_mode():
            channels = 3 if algorithm == "edsr" else 1
            made = network(torch.zeros(1, channels, 1, 1))
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path.name} is damaged, or not one of OpenCV's super-resolution networks "
            f"({', '.join(ALGORITHMS)}): {error}. Delete it and download it again."
        ) from error
    if made.shape[1] != channels:
        raise ModelError(
            f"{path.name} returns {made.shape[1]} channels instead of {channels}. Delete it and "
            "download it again."
        )
    return network, (algorithm, made.shape[-1])


def _recognise(operations: list[str], weights: _Weights) -> str:
    """Return the algorithm, by the operations that only it has."""
    kernels = [array for array in weights.arrays if array.ndim == 4]
    if not kernels or "DepthToSpace" not in operations:
        raise ValueError(f"it has {len(kernels)} convolutions and no sub-pixel layer")
    if kernels[0].shape[2] == 3:
        return "edsr"
    if "Tanh" in operations:
        return "espcn"
    return "fsrcnn" if "Abs" in operations else "lapsrn"


def receptive_radius(network: nn.Module) -> int:
    """Return how many input pixels away a pixel affects the result; at least 1, for the colours."""
    if isinstance(network, LapSRN):
        # In input pixels, the kernels of each level reach half as far as those of the one before.
        levels = enumerate(network.detail)
        return math.ceil(sum(receptive_radius(level) / 2**number for number, level in levels)) + 1
    sides = [m.kernel_size[0] for m in network.modules() if isinstance(m, Convolution)]
    return max(sum(side // 2 for side in sides), 1)


def _parameter(values: np.ndarray) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(np.array(values, np.float32)), requires_grad=False)

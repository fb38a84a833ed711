"""The encoder of DDColor, ConvNeXt with features at four resolutions, with the official names.

Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the 2020s", CVPR 2022,
https://github.com/facebookresearch/ConvNeXt. torchvision's version has other names of weights, and
no norms at the inner resolutions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn, ones
from torch.nn import functional

_EPSILON = 1e-6


class _ChannelNorm(nn.LayerNorm):
    """Normalise every pixel of (N, C, H, W) over its channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, _EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class _Block(nn.Module):
    """A depthwise convolution and two layers for each pixel, with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, _EPSILON)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        made = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        made = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(made)))
        return x + made.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """The encoder.

    Args:
        widths: channels at a 4th, an 8th, a 16th and a 32nd of the resolution.
        depths: number of blocks at each of these.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        smaller = [nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), _ChannelNorm(widths[0]))]
        smaller += [
            nn.Sequential(_ChannelNorm(given), nn.Conv2d(given, made, 2, stride=2))
            for given, made in pairwise(widths)
        ]
        self.downsample_layers = nn.ModuleList(smaller)
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Block(width) for _ in range(depth)))
            for width, depth in zip(widths, depths, strict=True)
        )
        for level, width in enumerate(widths):
            self.add_module(f"norm{level}", _ChannelNorm(width))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Turn (N, 3, H, W), sides multiples of 32, into features at the four resolutions."""
        seen = []
        for level, (smaller, stage) in enumerate(
            zip(self.downsample_layers, self.stages, strict=True)
        ):
            x = stage(smaller(x))
            seen.append(self.get_submodule(f"norm{level}")(x))
        return seen

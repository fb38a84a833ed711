"""DDColor, tiny and large, under its official weight names.

    network = DDColorNet(*shape_of(state))
    network.load_state_dict(state)
    network.fold()
    ab = network(grey)                        # (N, 3, H, W) in [0, 1] to (N, 2, H, W), Lab's a, b

Kang, Yang, Ouyang, Ren, Li and Xie, ICCV 2023, https://github.com/piddnad/DDColor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.stages.colorize.ddcolor_decoder import (
    FINER,
    WIDTH,
    ColourDecoder,
    SpectralConv2d,
    UpsampleAndMerge,
    blur,
)
from helpers.stages.colorize.ddcolor_encoder import ConvNeXt

MULTIPLE = 32
"""Pixels: what both sides are multiples of."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures."""

UNUSED = ("encoder.arch.norm.", "mean", "std")
"""Names in the official files that begin so are not needed: a norm behind the encoder that leads
nowhere, and the two constants above."""

SIZES: dict[tuple[int, ...], str] = {
    (96, 192, 384, 768): "DDColor tiny",
    (192, 384, 768, 1536): "DDColor large",
}
"""The published sizes, by the encoder's widths."""


class _Encoder(nn.Module):
    """ConvNeXt, one name deeper."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        self.arch = ConvNeXt(widths, depths)


class _Decoder(nn.Module):
    """Both decoders, and the layer that paints at full resolution."""

    def __init__(self, widths: Sequence[int], queries: int) -> None:
        super().__init__()
        made = (WIDTH, WIDTH, WIDTH // 2)
        self.layers = nn.ModuleList(
            UpsampleAndMerge(given, seen, wide)
            for given, seen, wide in zip(
                (widths[-1], *made[:-1]), reversed(widths[:-1]), made, strict=True
            )
        )
        self.last_shuf = nn.Module()
        self.last_shuf.conv = nn.Sequential(SpectralConv2d(made[-1], FINER**2 * made[-1]))
        self.color_decoder = ColourDecoder(queries, made)

    def pixels(self, seen: list[Tensor]) -> list[Tensor]:
        """Turn what the encoder saw into features at a 16th, an 8th and a 4th."""
        made, x = [], seen[-1]
        for layer, beside in zip(self.layers, reversed(seen[:-1]), strict=True):
            x = layer(x, beside)
            made.append(x)
        return made


class DDColorNet(nn.Module):
    """DDColor.

    Args:
        widths, depths: of the encoder, see `ConvNeXt`.
        queries: how many colours the colour decoder asks with.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], queries: int = 100) -> None:
        super().__init__()
        self.encoder = _Encoder(widths, depths)
        self.decoder = _Decoder(widths, queries)
        # Twice in a sequence for the sake of its name.
        self.refine_net = nn.Sequential(nn.Sequential(SpectralConv2d(queries + 3, 2)))

    def fold(self) -> None:
        """Make spectrally normalised convolutions plain ones; it cannot run before."""
        for module in list(self.modules()):
            if isinstance(module, SpectralConv2d):
                module.fold()

    def forward(self, grey: Tensor) -> Tensor:
        """Give the colours of grey pictures.

        Args:
            grey: (N, 3, H, W) float32, R = G = B in [0, 1]; sides are multiples of MULTIPLE.

        Returns:
            (N, 2, H, W) float32, a and b of Lab.
        """
        mean, spread = (grey.new_tensor(rgb).view(3, 1, 1) for rgb in (_MEAN, _DEVIATION))
        grey = (grey - mean) / spread
        features = self.decoder.pixels(self.encoder.arch(grey.to(self.dtype)))
        colours = self.decoder.color_decoder([level.float() for level in features])
        return self.paint(colours, features[-1], grey)

    def paint(self, colours: Tensor, features: Tensor, grey: Tensor) -> Tensor:
        """Paint at full resolution what the two decoders found.

        The authors' code makes a picture of each colour's likeness to every pixel, and of all of
        these, in its last layer, a and b. Nothing lies between the two steps, nor between them and
        the blur, but sums; taken in another order they are the same, at a small part of the cost:
        the last layer is put into the colours, and only a and b are ever as large as the picture.

        Args:
            colours: (N, queries, HIDDEN) float32.
            features: the finest, (N, C, H / 4, W / 4).
            grey: the normalised picture, (N, 3, H, W).
        """
        last = self.refine_net[0][0]
        weight, queries = last.weight[..., 0, 0], colours.shape[1]
        towards_ab = (weight[:, :queries] @ colours).to(features.dtype)
        conv = self.decoder.last_shuf.conv[0]
        count, _, height, width = features.shape
        fine = conv.weight[..., 0, 0] @ features.flatten(2)
        fine = fine.add_(conv.bias[:, None]).relu_()
        # Every FINER**2 channels that follow each other are the pixels of one square.
        ab = towards_ab @ fine.view(count, towards_ab.shape[2], -1)
        ab = functional.pixel_shuffle(ab.float().view(count, -1, height, width), FINER)
        return blur(ab) + functional.conv2d(grey, last.weight[:, queries:], last.bias)

    @property
    def dtype(self) -> torch.dtype:
        """The numbers that all but the colour decoder and the last layer are computed in."""
        return self.encoder.arch.norm0.weight.dtype

    def move(self, device: str, dtype: torch.dtype) -> DDColorNet:
        """Put it on a device and let it count in `dtype`, but for colours, which stay exact."""
        self.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.decoder.color_decoder.float()
        self.refine_net.float()
        return self


def read_shape(state: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Read the encoder's widths and depths and the number of queries off the weights.

    Raises:
        KeyError: they are not DDColor's.
    """
    arch = "encoder.arch."
    first = [state[f"{arch}downsample_layers.0.0.weight"]]
    rest = [state[f"{arch}downsample_layers.{level}.1.weight"] for level in (1, 2, 3)]
    blocks = {tuple(name.split(".")[3:5]) for name in state if name.startswith(f"{arch}stages.")}
    depths = tuple(sum(stage == str(level) for stage, _ in blocks) for level in range(4))
    queries = state["decoder.color_decoder.query_feat.weight"].shape[0]
    return tuple(len(weight) for weight in first + rest), depths, queries

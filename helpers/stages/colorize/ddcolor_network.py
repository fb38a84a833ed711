"""The network of DDColor, tiny and large, with the official names of its weights.

    network = DDColorNet(*read_shape(state))
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
"""Both sides must be multiples of this, in pixels."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""The mean and standard deviation of ImageNet's pictures, by which the input is normalised."""

UNUSED = ("encoder.arch.norm.", "mean", "std")
"""Prefixes of weights in the official files that are not needed: a norm whose output is not used,
and the two constants above."""

SIZES: dict[tuple[int, ...], str] = {
    (96, 192, 384, 768): "DDColor tiny",
    (192, 384, 768, 1536): "DDColor large",
}
"""The published sizes, by the encoder's widths."""


class _Encoder(nn.Module):
    """ConvNeXt, with the prefix of the official names."""

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        self.arch = ConvNeXt(widths, depths)


class _Decoder(nn.Module):
    """Both decoders, and the last upsampling."""

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
        """Decode the encoder's features to features at a 16th, an 8th and a 4th of the size."""
        made, x = [], seen[-1]
        for layer, beside in zip(self.layers, reversed(seen[:-1]), strict=True):
            x = layer(x, beside)
            made.append(x)
        return made


class DDColorNet(nn.Module):
    """DDColor.

    Args:
        widths, depths: those of the encoder; see `ConvNeXt`.
        queries: the number of colours; see `ColourDecoder`.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int], queries: int = 100) -> None:
        super().__init__()
        self.encoder = _Encoder(widths, depths)
        self.decoder = _Decoder(widths, queries)
        # Nested to match the official names.
        self.refine_net = nn.Sequential(nn.Sequential(SpectralConv2d(queries + 3, 2)))

    def fold(self) -> None:
        """Fold all spectrally normalized convolutions, which is necessary before it can run."""
        for module in list(self.modules()):
            if isinstance(module, SpectralConv2d):
                module.fold()

    def forward(self, grey: Tensor) -> Tensor:
        """Predict the colours of grey pictures.

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
        """Combine the results of the two decoders at full resolution.

        The authors' code multiplies each colour with the features of every pixel, and the last
        layer turns these products into a and b. Both steps and the blur are linear, so they can be
        computed in another order at a small part of the cost: the last layer is applied to the
        colours first, and only a and b have the size of the picture.

        Args:
            colours: (N, queries, channels) float32.
            features: the finest features, (N, C, H / 4, W / 4).
            grey: the normalised picture, (N, 3, H, W).

        Returns:
            (N, 2, H, W) float32, a and b of Lab.
        """
        last = self.refine_net[0][0]
        weight, queries = last.weight[..., 0, 0], colours.shape[1]
        towards_ab = (weight[:, :queries] @ colours).to(features.dtype)
        conv = self.decoder.last_shuf.conv[0]
        count, _, height, width = features.shape
        fine = conv.weight[..., 0, 0] @ features.flatten(2)
        fine = fine.add_(conv.bias[:, None]).relu_()
        # Each group of FINER**2 adjacent channels contains the pixels of one square.
        ab = towards_ab @ fine.view(count, towards_ab.shape[2], -1)
        ab = functional.pixel_shuffle(ab.float().view(count, -1, height, width), FINER)
        return blur(ab) + functional.conv2d(grey, last.weight[:, queries:], last.bias)

    @property
    def dtype(self) -> torch.dtype:
        """The type of everything except the colour decoder and the last layer."""
        return self.encoder.arch.norm0.weight.dtype

    def move(self, device: str, dtype: torch.dtype) -> DDColorNet:
        """Move the network to a device and type; the colour decoder and last layer stay fp32."""
        self.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.decoder.color_decoder.float()
        self.refine_net.float()
        return self


def read_shape(state: dict[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...], int]:
    """Return the encoder's widths and depths and the number of queries, from the weights.

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

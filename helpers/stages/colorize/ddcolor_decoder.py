"""The two decoders of DDColor, for pixels and for colours, with the official names of the weights.

Kang, Yang, Ouyang, Ren, Li and Xie, "DDColor: Towards Photo-Realistic Image Colorization via Dual
Decoders", ICCV 2023, https://github.com/piddnad/DDColor. The first decoder is DeOldify's U-Net,
the second Mask2Former's transformer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 512
"""Channels of the pixel decoder; half as many at its finest resolution."""

_HIDDEN, _HEADS, _FEEDFORWARD, _LAYERS = 256, 8, 2048, 9
"""The colour decoder: channels, attention heads, channels of the feed-forward layers, rounds."""

FINER = 4
"""How many times larger the picture is than the finest features."""

_EPSILON = 1e-6


class SpectralConv2d(nn.Conv2d):
    """A convolution that was trained with spectral normalization.

    Miyato, Kataoka, Koyama and Yoshida, "Spectral Normalization for Generative Adversarial
    Networks", ICLR 2018. The weights are loaded in the form of `torch.nn.utils.spectral_norm`, with
    the two vectors that determine the largest singular value; `fold` divides by that value.
    """

    def __init__(self, given: int, made: int, side: int = 1, bias: bool = True) -> None:
        super().__init__(given, made, side, padding=side // 2, bias=bias)
        del self.weight
        self.weight_orig = nn.Parameter(torch.zeros(made, given, side, side))
        self.register_buffer("weight_u", torch.zeros(made))
        self.register_buffer("weight_v", torch.zeros(given * side * side))

    @torch.no_grad()
    def fold(self) -> None:
        """Make it an ordinary convolution, which is necessary before it can run."""
        sigma = self.weight_u @ (self.weight_orig.flatten(1) @ self.weight_v)
        self.weight = nn.Parameter(self.weight_orig / sigma, requires_grad=False)
        del self.weight_orig, self.weight_u, self.weight_v


def blur(x: Tensor) -> Tensor:
    """Average every pixel with those above and to the left, against checkerboard artefacts.

    Sugawara, Shiota and Kiya, "Super-Resolution using Convolutional Neural Networks without Any
    Checkerboard Artifacts", 2018.
    """
    return functional.avg_pool2d(functional.pad(x, (1, 0, 1, 0), mode="replicate"), 2, stride=1)


class _Upsample(nn.Module):
    """Doubles the size of features."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            SpectralConv2d(given, 4 * made, bias=False), nn.BatchNorm2d(4 * made)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, C, H, W) into (N, made, 2 * H, 2 * W)."""
        return blur(functional.pixel_shuffle(functional.relu(self.conv(x)), 2))


class UpsampleAndMerge(nn.Module):
    """Doubles the size of features, and merges them with those of the encoder."""

    def __init__(self, given: int, seen: int, made: int) -> None:
        super().__init__()
        self.shuf = _Upsample(given, made)
        self.bn = nn.BatchNorm2d(seen)
        self.conv = nn.Sequential(
            SpectralConv2d(made + seen, made, 3, bias=False),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(made),
        )

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Turn (N, C, H, W) and (N, seen, 2 * H, 2 * W) into (N, made, 2 * H, 2 * W)."""
        return self.conv(functional.relu(torch.cat([self.shuf(x), self.bn(seen)], 1)))


class _Attention(nn.Module):
    """Attention with a residual connection and a norm; `name` is that of its official weights."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, nn.MultiheadAttention(_HIDDEN, _HEADS, batch_first=True))
        self.norm = nn.LayerNorm(_HIDDEN)

    def forward(self, x: Tensor, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Return a tensor shaped like x, (N, Q, channels).

        Args:
            x, query: (N, Q, channels).
            key, value: (N, M, channels).
        """
        attention = self.get_submodule(self.name)
        return self.norm(x + attention(query, key, value, need_weights=False)[0])


class _FeedForward(nn.Module):
    """Two linear layers with a residual connection and a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(_HIDDEN, _FEEDFORWARD)
        self.linear2 = nn.Linear(_FEEDFORWARD, _HIDDEN)
        self.norm = nn.LayerNorm(_HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        return self.norm(x + self.linear2(functional.relu(self.linear1(x))))


class _ColourHead(nn.Module):
    """Three linear layers that turn each query into the features of its colour."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(_HIDDEN, _HIDDEN) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        first, second, last = self.layers
        return last(functional.relu(second(functional.relu(first(x)))))


class ColourDecoder(nn.Module):
    """A transformer whose queries are colours, which attend to the picture at three resolutions.

    Args:
        queries: the number of colours.
        channels: channels of the features at the three resolutions, the coarsest first.
    """

    def __init__(self, queries: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.transformer_self_attention_layers = nn.ModuleList(
            _Attention("self_attn") for _ in range(_LAYERS)
        )
        self.transformer_cross_attention_layers = nn.ModuleList(
            _Attention("multihead_attn") for _ in range(_LAYERS)
        )
        self.transformer_ffn_layers = nn.ModuleList(_FeedForward() for _ in range(_LAYERS))
        self.decoder_norm = nn.LayerNorm(_HIDDEN)
        self.query_feat = nn.Embedding(queries, _HIDDEN)
        self.query_embed = nn.Embedding(queries, _HIDDEN)
        self.level_embed = nn.Embedding(len(channels), _HIDDEN)
        self.input_proj = nn.ModuleList(nn.Conv2d(given, _HIDDEN, 1) for given in channels)
        self.color_embed = _ColourHead()

    def forward(self, features: list[Tensor]) -> Tensor:
        """Turn features, (N, C, H, W) each, into (N, queries, HIDDEN)."""
        keys, values = [], []
        for level, given in enumerate(features):
            value = self.input_proj[level](given).flatten(2).transpose(1, 2)
            values.append(value + self.level_embed.weight[level])
            place = encode_positions(*given.shape[2:], device=given.device).to(value.dtype)
            keys.append(values[-1] + place)
        own = self.query_embed.weight
        x = self.query_feat.weight.expand(len(features[0]), -1, -1)
        for round_ in range(_LAYERS):
            key, value = keys[round_ % len(keys)], values[round_ % len(keys)]
            x = self.transformer_cross_attention_layers[round_](x, x + own, key, value)
            x = self.transformer_self_attention_layers[round_](x, x + own, x + own, x)
            x = self.transformer_ffn_layers[round_](x)
        return self.color_embed(self.decoder_norm(x))


def encode_positions(height: int, width: int, device: torch.device | None = None) -> Tensor:
    """Return sine encodings of the position of every pixel, (height * width, channels) float32.

    Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020.
    """
    number = torch.arange(_HIDDEN // 2, dtype=torch.float32, device=device)
    lengths = 10000 ** (2 * (number // 2) / len(number))

    def waves(side: int) -> Tensor:
        rise = torch.arange(1, side + 1, dtype=torch.float32, device=device)
        angle = (rise / (side + _EPSILON) * 2 * math.pi)[:, None] / lengths
        return torch.stack([angle[:, 0::2].sin(), angle[:, 1::2].cos()], 2).flatten(1)

    down = waves(height)[:, None].expand(-1, width, -1)
    across = waves(width)[None].expand(height, -1, -1)
    return torch.cat([down, across], 2).flatten(0, 1)

"""The networks of DeOldify, with the official names of their weights.

Jason Antic, https://github.com/jantic/DeOldify. Each is a U-Net whose encoder is a ResNet: features
at half, a quarter, an eighth and a sixteenth of the size are passed to the decoder. There are two:
`wide` (Video and Stable, with ResNet-101) and `deep` (Artistic, with ResNet-34).

In training, the weights of convolutions were stored in parts (spectral norm, weight norm).
`fold_state` multiplies the parts once, so that the networks here have ordinary convolutions.
"""

from __future__ import annotations

from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

STEPS = 4
"""The number of steps of the decoder, each of which doubles the size, up to half the picture."""

_TAPPED = (2, 4, 5, 6)
"""The parts of the ResNet whose output goes to the decoder: a half, quarter, eighth, sixteenth."""

_ATTENTIVE = 1
"""The step of the decoder with attention, at an eighth of the size."""

_LIMIT = 3.0
"""The largest absolute value of the last layer, in the units of the normalised picture."""


class Attention(nn.Module):
    """Self-attention between all positions, in fp32, since its scores are not scaled.

    Zhang, Goodfellow, Metaxas and Odena, "Self-Attention Generative Adversarial Networks", ICML
    2019. As in fastai, the roles are exchanged: the weights named `key` make the queries, and those
    named `query` make the keys.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.key = nn.Conv1d(channels, channels // 8, 1, bias=False)
        self.value = nn.Conv1d(channels, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, channels, H, W)."""
        places = x.permute(0, 2, 3, 1).flatten(1, 2).float()
        asked, answered, told = (
            functional.linear(places, layer.weight[..., 0])
            for layer in (self.key, self.query, self.value)
        )
        seen = functional.scaled_dot_product_attention(asked, answered, told, scale=1.0)
        mixed = (places + self.gamma * seen).to(x.dtype)
        return mixed.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class _Unit(nn.Sequential):
    """A convolution, an activation and a norm; then attention, if `attentive`."""

    def __init__(self, inputs: int, outputs: int, attentive: bool = False) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([Attention(outputs)] if attentive else []))


class _Enlarge(nn.Module):
    """Doubles the size with PixelShuffle, and blurs against checkerboard artefacts.

    The author's code passes `blur=False` for the last one, but blurs nevertheless, and the weights
    were trained that way.
    """

    def __init__(self, inputs: int, outputs: int, last: bool = False) -> None:
        super().__init__()
        convolution = nn.Conv2d(inputs, 4 * outputs, 1, bias=last)
        self.conv = nn.Sequential(
            convolution, *([] if last else [nn.BatchNorm2d(4 * outputs)]), nn.ReLU(inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, 2 H, 2 W) for features of (N, inputs, H, W)."""
        x = functional.pixel_shuffle(self.conv(x), 2)
        return functional.avg_pool2d(functional.pad(x, (1, 0, 1, 0), "replicate"), 2, stride=1)


class _Step(nn.Module):
    """A step of the decoder: enlarges features, and merges them with those of the ResNet.

    Args:
        below: channels of the decoder's features so far.
        beside: channels of the ResNet's features.
        enlarged: channels after enlarging.
        outputs: channels of the result.
        names: the official names of the convolutions.
        attentive: whether attention follows the last of them.
    """

    def __init__(
        self,
        below: int,
        beside: int,
        enlarged: int,
        outputs: int,
        names: tuple[str, ...],
        attentive: bool,
    ) -> None:
        super().__init__()
        self.names = names
        self.shuf = _Enlarge(below, enlarged)
        self.bn = nn.BatchNorm2d(beside)
        channels = enlarged + beside
        for name in names:
            self.add_module(name, _Unit(channels, outputs, attentive and name == names[-1]))
            channels = outputs

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """Return (N, outputs, h, w).

        Args:
            x: the decoder's features so far, (N, below, h / 2, w / 2).
            seen: the ResNet's features, (N, beside, h, w).
        """
        x = self.shuf(x)
        if x.shape[2:] != seen.shape[2:]:  # the ResNet rounds up when it halves odd sides
            x = functional.interpolate(x, seen.shape[2:], mode="nearest")
        x = functional.relu_(torch.cat([x, self.bn(seen)], 1))
        for name in self.names:
            x = self.get_submodule(name)(x)
        return x


class _Refine(nn.Module):
    """Two convolutions with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True))
            for _ in range(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, channels, H, W)."""
        first, second = self.layers
        return x + second(first(x))


class DeoldifyNet(nn.Module):
    """DeOldify's network, from a normalised picture to a normalised picture, (N, 3, S, S).

    S is a multiple of 16. Attention and the last layer always use fp32.

    Args:
        wide: the network of Video and Stable (`DynamicUnetWide`, nf_factor 2, with ResNet-101);
            else that of Artistic (`DynamicUnetDeep`, nf_factor 1.5, with ResNet-34).
    """

    def __init__(self, wide: bool) -> None:
        super().__init__()
        build = torchvision.models.resnet101 if wide else torchvision.models.resnet34
        body = nn.Sequential(*list(build(weights=None).children())[:-2])
        *beside, channels = (64, 256, 512, 1024, 2048) if wide else (64, 64, 128, 256, 512)
        middle = nn.Sequential(_Unit(channels, 2 * channels), _Unit(2 * channels, channels))
        layers: list[nn.Module] = [body, nn.BatchNorm2d(channels), nn.ReLU(inplace=True), middle]
        names = ("conv",) if wide else ("conv1", "conv2")
        for number, seen in enumerate(reversed(beside)):
            enlarged, outputs = _step_widths(wide, number, channels, seen)
            layers.append(_Step(channels, seen, enlarged, outputs, names, number == _ATTENTIVE))
            channels = outputs
        merged = channels + 3  # the picture itself is concatenated
        layers += [_Enlarge(channels, channels, last=True), nn.Identity(), _Refine(merged)]
        layers.append(nn.Sequential(nn.Conv2d(merged, 3, 1)))
        self.layers = nn.ModuleList(layers)

    def move(self, device: str, dtype: torch.dtype) -> DeoldifyNet:
        """Move the network to a device and type; attention and the last layer stay fp32."""
        self.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self.modules():
            if isinstance(module, Attention):
                module.float()
        self.layers[-1].float()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Return the coloured picture, (N, 3, S, S), normalised like `x`."""
        body, norm, active, middle, *steps, enlarge, _, refine, last = self.layers
        seen, drawn = [], x
        for number, layer in enumerate(body):  # type: ignore[arg-type]
            drawn = layer(drawn)
            if number in _TAPPED:
                seen.append(drawn)
        drawn = middle(active(norm(drawn)))
        for step in steps:
            drawn = step(drawn, seen.pop())
        drawn = refine(torch.cat([enlarge(drawn), x], 1))
        return _LIMIT * torch.tanh(last(drawn.float()) / 2)


def _step_widths(wide: bool, number: int, below: int, beside: int) -> tuple[int, int]:
    """Return the channels of a step of the decoder: after enlarging, and of its result.

    Args:
        wide: see `DeoldifyNet`.
        number: the number of the step, from 0; the last has half as many channels.
        below, beside: channels of its inputs; see `_Step`.
    """
    last = number == STEPS - 1
    if wide:
        return (256, 256) if last else (512, 512)
    given = below // 2 + beside
    return below // 2, int(1.5 * (given // 2 if last else given))


def fold_state(state: dict[str, Any]) -> dict[str, Any]:
    """Multiply weights that are stored in parts.

    Spectral norm (Miyato, Kataoka, Koyama and Yoshida, ICLR 2018) stores `weight_orig`, and the
    vectors `weight_u` and `weight_v`, which determine the largest singular value, by which it is
    divided. Files from the first versions of PyTorch have the result, `weight`, instead of
    `weight_v`. Weight norm (Salimans and Kingma, 2016) stores lengths, `weight_g`, and directions,
    `weight_v`.

    Args:
        state: tensors by their official names; ordinary weights are not changed.

    Returns:
        Every weight, by its ordinary name.
    """
    plain = dict(state)
    for name in state:
        stem, _, part = name.rpartition("_")
        parts = [f"{stem}_{kept}" for kept in _PARTS.get(part, ())]
        if not parts or not all(kept in state or stem in state for kept in parts):
            continue  # ordinary, or incomplete, which is reported when the network is built
        if stem not in state:
            plain[stem] = _MERGES[part](*(state[kept].float() for kept in parts))
        for kept in parts:
            plain.pop(kept, None)
    return plain


def _merge_spectral(weight: Tensor, u: Tensor, v: Tensor) -> Tensor:
    return weight / torch.dot(u, weight.flatten(1) @ v)


def _merge_lengths(length: Tensor, weight: Tensor) -> Tensor:
    return weight * (length / torch.linalg.vector_norm(weight, dim=(1, 2, 3), keepdim=True))


_PARTS = {"orig": ("orig", "u", "v"), "g": ("g", "v")}
"""All parts of a weight, by the suffix of the part that identifies the norm."""

_MERGES = {"orig": _merge_spectral, "g": _merge_lengths}
"""The function that merges the parts to a weight, by the same suffix."""

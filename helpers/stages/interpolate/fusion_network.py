"""A network that mixes what optical flow proposes into the picture between.

    network = FusionNet()
    made = network(seen)                     # (N, 3, H, W) in 0..1

It is our own. The optical-flow engine brings both pictures to the new moment along the forward
flow, along the backward flow and as if nothing moved, and mixes these six candidates by how well
each two agree. The network begins with that mix and learns to do better: which side is hidden,
which flow strayed, where a motion is lost; and how sharp the mix can be, for what is averaged is
soft, and what is not known is best shown soft.

It works at half the width of the pictures and decides by smooth maps, so that what it decides
cannot add noise; before it has learned anything, it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import nn
from torch.nn import functional

from helpers.nn.layers import Block, active

MULTIPLE = 8
"""What the sides of the pictures must be multiples of."""

CANDIDATES = 6
"""First and last along the forward flow, along the backward flow, and at rest."""

BANDS = 3
"""Bands of detail, about one, two and four pixels wide, of which there may be more or less."""

FEATURES = 3 * 2 + 2 * CANDIDATES + 7
"""Planes the network is given: what `features` makes of what is seen."""

FAINTEST = 1 / 255
"""Difference, of values in 0..1, below which two candidates agree."""


@dataclass(frozen=True)
class Seen:
    """What the optical-flow engine makes of two pictures; float32, sides multiples of MULTIPLE.

    Attributes:
        brought: (N, CANDIDATES, 3, H, W) in 0..1.
        weights: (N, CANDIDATES, H, W), logarithms of the engine's weights, up to a constant.
        motions: (N, 4, H, W), x and y of the forward and the backward flow, in pixels from first
            to last.
        fraction: (N, 1, 1, 1), where between the two the new picture is.
    """

    brought: torch.Tensor
    weights: torch.Tensor
    motions: torch.Tensor
    fraction: torch.Tensor

    def to(self, device: str) -> Seen:
        """Bring it to a device."""
        return Seen(*(getattr(self, field.name).to(device) for field in fields(self)))


class FusionNet(nn.Module):
    """The network.

    Args:
        widths: channels at a half, a quarter and an eighth of the resolution.
    """

    def __init__(self, widths: Sequence[int] = (24, 40, 64)) -> None:
        super().__init__()
        a, b, c = widths
        self.head = nn.Conv2d(FEATURES, a, 3, padding=1)
        self.to_b = nn.Conv2d(a, b, 3, stride=2, padding=1)
        self.b_in = Block(b)
        self.to_c = nn.Conv2d(b, c, 3, stride=2, padding=1)
        self.c_in = nn.Sequential(Block(c), Block(c))
        self.from_c = nn.Conv2d(c, 4 * b, 1)
        self.b_out = Block(b)
        self.from_b = nn.Conv2d(b, 4 * a, 1)
        self.a_out = Block(a)
        self.last = nn.Conv2d(a, CANDIDATES + BANDS, 1, bias=False)
        nn.init.zeros_(self.last.weight)

    def forward(self, seen: Seen) -> torch.Tensor:
        """Return the new pictures, (N, 3, H, W) float32, about 0..1."""
        planes = features(seen).to(self.last.weight.dtype, memory_format=torch.channels_last)
        made = functional.interpolate(
            self.judge(planes).float(), scale_factor=2, mode="bilinear", align_corners=False
        )
        mix = mixed(seen.brought, seen.weights + made[:, :CANDIDATES])
        return equalised(mix, made[:, CANDIDATES:])

    def judge(self, planes: torch.Tensor) -> torch.Tensor:
        """Turn (N, FEATURES, h, w) into what the weights and the bands change by."""
        shuffle = functional.pixel_shuffle
        a = active(self.head(planes))
        b = self.b_in(active(self.to_b(a)))
        c = self.c_in(active(self.to_c(b)))
        b = self.b_out(b + shuffle(self.from_c(c), 2))
        return self.last(self.a_out(a + shuffle(self.from_b(b), 2)))


def mixed(brought: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mix (N, CANDIDATES, 3, H, W) by weights given as logarithms, (N, CANDIDATES, H, W)."""
    shares = weights.softmax(1)
    total = shares[:, :1] * brought[:, 0]
    for number in range(1, CANDIDATES):
        total = torch.addcmul(total, shares[:, number : number + 1], brought[:, number])
    return total


def features(seen: Seen) -> torch.Tensor:
    """Return what the network is given, (N, FEATURES, H / 2, W / 2)."""
    brought, weights = halved(seen.brought), halved(seen.weights)
    light = luma(mixed(brought, weights)).unsqueeze(1)
    apart = (brought[:, 1::2] - brought[:, 0::2]).abs().mean(2)
    around = functional.avg_pool2d(functional.pad(apart, (2, 2, 2, 2), mode="replicate"), 5, 1)
    agree = torch.log(torch.cat([apart, around], 1) + FAINTEST) / 1.5 + 2
    detail = 8 * (light - smooth(light)).abs()
    forward, backward = halved(seen.motions).split(2, 1)
    moving = torch.cat([forward / 16, (backward - forward) / 4], 1).clamp(-8, 8)
    differing, chosen = 4 * (luma(brought) - light), weights.log_softmax(1) / 4
    moment = (seen.fraction - 0.5).expand(-1, 1, *light.shape[2:])
    return torch.cat([agree, differing, chosen, light - 0.5, detail, moving, moment], 1)


def halved(planes: torch.Tensor) -> torch.Tensor:
    """Average every 2x2 pixels of (..., H, W); rows first, for that is four times as quick."""
    rows = planes[..., ::2, :] + planes[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)


def luma(pictures: torch.Tensor) -> torch.Tensor:
    """Turn (..., 3, H, W) into (..., H, W)."""
    red, green, blue = pictures.unbind(-3)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def smooth(pictures: torch.Tensor, step: int = 1) -> torch.Tensor:
    """Smooth with weights 1, 2, 1 at so many pixels' distance, along both axes."""
    wide = functional.pad(pictures, (step,) * 4, mode="replicate")
    down = torch.add(wide[..., 2 * step :, :], wide[..., : -2 * step, :])
    down.add_(wide[..., step:-step, :], alpha=2)
    across = torch.add(down[..., 2 * step :], down[..., : -2 * step])
    return across.add_(down[..., step:-step], alpha=2).mul_(1 / 16)


def equalised(picture: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
    """Give a picture more or less of its bands of detail, by (N, BANDS, H, W) gains from -1."""
    total, gains = picture, gains.clamp(-1, 1)
    for number in range(BANDS):
        soft = smooth(picture, 1 << number)
        total = torch.addcmul(total, gains[:, number : number + 1], picture - soft)
        picture = soft
    return total

"""A network that corrects optical flow and mixes what it proposes into the picture between.

    network = FusionNet()
    made, _ = network(seen, warp)            # (N, 3, H, W) in 0..1

It is our own, in two parts. The first looks at what the forward and the backward flow bring to the
new picture, a quarter as wide, and at how well both sides would agree if the motion were a little
different (a cost volume). It chooses between the motions and corrects the choice, for each of the
two pictures apart. The second looks at all that has been brought, at full size, and says by how
much of each candidate the optical-flow engine's picture should change.

Before it has learned anything it changes nothing: the result is the optical-flow engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

MULTIPLE = 16
"""What the sides of the pictures must be multiples of."""

REACH = 2
"""Cells, a quarter and an eighth as wide as pixels, that the cost volumes reach to every side."""

LARGEST_SHIFT = 24.0
"""Pixels by which the chosen motion can be corrected at most, along each axis and side."""

LARGEST_RESIDUAL = 0.1
"""Of the whole range: what can be added to what the candidates offer."""

CANDIDATES = 6
"""Both pictures along the forward flow, along the backward flow, and along the corrected motion."""

LARGEST_SHARE = 1.5
"""By how much of its difference the base moves toward a candidate, or away from it, at most."""

Warp = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Brings pictures (N, 3, H, W) by a flow, x and y in pixels, each (N, H, W)."""


@dataclass(frozen=True)
class Seen:
    """What the optical-flow engine makes of two pictures; float32, sides multiples of MULTIPLE.

    Attributes:
        base: (N, 3, H, W) in 0..1, its result.
        brought: (N, 6, 3, H, W) in 0..1: first and last along the forward flow, along the backward
            flow, and at rest.
        motions: (N, 4, H, W), x and y of the forward and the backward flow, in pixels from first
            to last.
        weights: (N, 3, H, W), logarithms of the weights of the two and of rest.
        inside: (N, 4, H, W), 1 where the motions point into the pictures, else nearly 0.
        fraction: (N, 1, 1, 1), where between the two the new picture is.
    """

    base: torch.Tensor
    brought: torch.Tensor
    motions: torch.Tensor
    weights: torch.Tensor
    inside: torch.Tensor
    fraction: torch.Tensor


class Block(nn.Module):
    """Two 3x3 convolutions with a way around them; begins as nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.two.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keep the shape."""
        return x + self.two(functional.leaky_relu(self.one(x), 0.1))


def _row(width: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(depth)))


def _begins_as_nothing(known: int, made: int, side: int) -> nn.Conv2d:
    """Return a convolution that gives 0 at first, and always where its input is 0."""
    layer = nn.Conv2d(known, made, side, padding=side // 2, bias=False)
    nn.init.zeros_(layer.weight)
    return layer


class MotionPart(nn.Module):
    """The first part: features a quarter as wide, and corrections half as wide, as the pictures.

    Args:
        widths: channels at a quarter, an eighth and a sixteenth of the resolution.
    """

    PLANES = 32
    COSTS = 2 * (2 * REACH + 1) ** 2

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        a, b, c = widths
        self.head = nn.Conv2d(self.PLANES + self.COSTS, a, 3, padding=1)
        self.a_in = _row(a, 1)
        self.to_b = nn.Conv2d(a, b, 3, stride=2, padding=1)
        self.costs_b = nn.Conv2d(self.COSTS, b, 3, padding=1)
        self.b_in = _row(b, 1)
        self.to_c = nn.Conv2d(b, c, 3, stride=2, padding=1)
        self.c_in = _row(c, 2)
        self.from_c = nn.Conv2d(c, 4 * b, 1)
        self.b_out = _row(b, 1)
        self.from_b = nn.Conv2d(b, 4 * a, 1)
        self.a_out = _row(a, 1)
        self.last = _begins_as_nothing(a, 4 * 7, 3)

    def forward(
        self, planes: torch.Tensor, costs: torch.Tensor, coarse: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features, and for every second pixel 3 logits and 4 shifts."""
        act, shuffle = functional.leaky_relu, functional.pixel_shuffle
        a = self.a_in(act(self.head(torch.cat([planes, costs], 1)), 0.1))
        b = self.b_in(act(self.to_b(a) + self.costs_b(coarse), 0.1))
        c = self.c_in(act(self.to_c(b), 0.1))
        b = self.b_out(b + shuffle(self.from_c(c), 2))
        a = self.a_out(a + shuffle(self.from_b(b), 2))
        return a, shuffle(self.last(a), 2)


class MixPart(nn.Module):
    """The second part: shares of the candidates, and a residual, for every pixel.

    Args:
        known: channels of the features of the first part.
        widths: channels at a half and a quarter of the resolution.
    """

    PLANES = CANDIDATES + 1

    def __init__(self, known: int, widths: Sequence[int]) -> None:
        super().__init__()
        a, b = widths
        self.unfold = nn.Conv2d(known, 4 * 12, 1)
        self.head = nn.Conv2d(4 * self.PLANES + 12, a, 3, padding=1)
        self.to_b = nn.Conv2d(a, b, 3, stride=2, padding=1)
        self.b_in = _row(b, 1)
        self.from_b = nn.Conv2d(b, 4 * a, 1)
        self.a_out = _row(a, 1)
        self.last = _begins_as_nothing(a, 4 * (CANDIDATES + 3), 1)

    def forward(self, planes: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Return (N, CANDIDATES + 3, H, W)."""
        act, shuffle = functional.leaky_relu, functional.pixel_shuffle
        folded = functional.pixel_unshuffle(planes.to(known.dtype), 2)
        a = act(self.head(torch.cat([folded, shuffle(self.unfold(known), 2)], 1)), 0.1)
        b = self.b_in(act(self.to_b(a), 0.1))
        a = self.a_out(a + shuffle(self.from_b(b), 2))
        return shuffle(self.last(a), 2)


class FusionNet(nn.Module):
    """Both parts.

    Args:
        motion: channels of the first part.
        mix: channels of the second part.
    """

    def __init__(
        self, motion: Sequence[int] = (32, 56, 80), mix: Sequence[int] = (24, 48)
    ) -> None:
        super().__init__()
        self.motion = MotionPart(motion)
        self.mix = MixPart(motion[0], mix)

    def forward(self, seen: Seen, warp: Warp) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the new pictures and what the corrected motion brought there, float32.

        The first is (N, 3, H, W), about 0..1; the second (N, 2, 3, H, W), from first and last.
        """
        dtype = self.mix.last.weight.dtype
        inputs = [x.to(dtype, memory_format=torch.channels_last) for x in looked_at(seen)]
        known, made = self.motion(*inputs)
        flows = corrected(seen, made.float())
        turned = torch.stack(
            [warp(seen.brought[:, 4 + side], flow[:, 0], flow[:, 1])
             for side, flow in enumerate(flows)], 1,
        )  # fmt: skip
        brought = torch.cat([seen.brought[:, :4], turned], 1)
        planes = compared(seen.base, brought)
        planes = planes.to(dtype, memory_format=torch.channels_last)
        return mixed(seen.base, brought, self.mix(planes, known).float()), turned


def looked_at(seen: Seen) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return what the first part is given: planes and costs at 1/4, and costs at 1/8."""
    pool = functional.avg_pool2d
    luma = _luma(seen.brought)
    first, last = luma[:, 0:1], luma[:, 1:2]
    apart = [4 * (last - first), 4 * (luma[:, 2:3] - first), 4 * (luma[:, 3:4] - luma[:, 2:3])]
    half = pool(torch.cat([first - 0.5, *apart], 1), 2)
    forward, backward = seen.motions[:, :2], seen.motions[:, 2:]
    moving = torch.cat([forward / 16, (backward - forward) / 4], 1).clamp(-8, 8)
    weights = (seen.weights - seen.weights.amax(1, keepdim=True)) / 4
    rest = 4 * (luma[:, 5:6] - luma[:, 4:5])
    whole = pool(torch.cat([seen.base - 0.5, rest, moving, weights, seen.inside], 1), 4)
    moment = (seen.fraction - 0.5).expand(-1, 1, *whole.shape[2:])
    planes = torch.cat([functional.pixel_unshuffle(half, 2), whole, moment], 1)
    small = pool(seen.brought[:, :4].flatten(1, 2), 4)
    return planes, _costs(small), _costs(pool(small, 2))


def _luma(pictures: torch.Tensor) -> torch.Tensor:
    """Turn (..., 3, H, W) into (..., H, W)."""
    red, green, blue = pictures.unbind(-3)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def _costs(four: torch.Tensor) -> torch.Tensor:
    """Return how much both sides differ if each is shifted against the other, for both flows.

    Takes the four pictures brought along the two flows as (N, 12, h, w); returns (N, COSTS, h, w).
    """
    height, width = four.shape[2:]
    wide = functional.pad(four, (REACH,) * 4, mode="replicate")
    steps = range(-REACH, REACH + 1)
    found = []
    for down in steps:
        for across in steps:
            one, other = (
                wide[..., REACH + sign * down :, REACH + sign * across :][..., :height, :width]
                for sign in (-1, 1)
            )
            found += [
                (one[:, at : at + 3] - other[:, at + 3 : at + 6]).abs().mean(1) for at in (0, 6)
            ]
    costs = functional.pad(torch.stack(found, 1), (1, 1, 1, 1), mode="replicate")
    return 8 * functional.avg_pool2d(costs, 3, 1)


def corrected(seen: Seen, made: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the flows from the new picture to the first and to the last, (N, 2, H, W).

    `made` is the first part's: 3 logits to choose a motion by, and 4 shifts, half as wide.
    """
    made = functional.interpolate(made, scale_factor=2, mode="bilinear", align_corners=False)
    choice = (seen.weights + made[:, :3]).softmax(1)
    motion = choice[:, :1] * seen.motions[:, :2] + choice[:, 1:2] * seen.motions[:, 2:]
    shifts = LARGEST_SHIFT * torch.tanh(made[:, 3:] / 3)
    to_first = -seen.fraction * motion + shifts[:, :2]
    to_last = (1 - seen.fraction) * motion + shifts[:, 2:]
    return to_first, to_last


def compared(base: torch.Tensor, brought: torch.Tensor) -> torch.Tensor:
    """Return what the second part is given, (N, CANDIDATES + 1, H, W): the luma, and how candidates differ."""
    luma = _luma(base).unsqueeze(1)
    return torch.cat([luma - 0.5, 4 * (_luma(brought) - luma)], 1)


def mixed(base: torch.Tensor, brought: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """Move the base toward each of the candidates by its share, and add the residual."""
    shares = made[:, :CANDIDATES].clamp(-LARGEST_SHARE, LARGEST_SHARE).unsqueeze(2)
    rest = made[:, CANDIDATES:].clamp(-LARGEST_RESIDUAL, LARGEST_RESIDUAL)
    return base + rest + (shares * (brought - base.unsqueeze(1))).sum(1)

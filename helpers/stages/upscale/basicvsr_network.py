"""The network of RealBasicVSR, with the official names of its weights.

First, every frame is cleaned by itself. Then features are propagated from the last frame to the
first and from the first to the last, warped along the flow at every step. Each frame is
reconstructed, four times as large, from the features of both directions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SCALE = 4

_MULTIPLE = 32
"""Frames are resized to a multiple of this for SPyNet, which halves them five times."""

_CLEANINGS = 3
"""The largest number of times that frames are cleaned."""


@dataclass(frozen=True)
class Size:
    """The size of a network; by default that of the published one.

    Attributes:
        channels: channels of the propagated features.
        cleaning, propagation: residual blocks of the cleaning, and of each direction.
    """

    channels: int = 64
    cleaning: int = 20
    propagation: int = 20


class _ResidualBlock(nn.Module):
    """Two convolutions with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, channels, H, W)."""
        return self.conv2(functional.relu_(self.conv1(x))).add_(x)


class _ResidualBlocks(nn.Module):
    """A convolution, followed by residual blocks."""

    def __init__(self, inputs: int, channels: int, count: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(inputs, channels, 3, 1, 1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Sequential(*(_ResidualBlock(channels) for _ in range(count))),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, H, W) for features of (N, inputs, H, W)."""
        return self.main(x)


class _Enlarge(nn.Module):
    """Doubles the size of features."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.upsample_conv = nn.Conv2d(inputs, 4 * outputs, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, 2 H, 2 W) for features of (N, inputs, H, W)."""
        return functional.pixel_shuffle(self.upsample_conv(x), 2)


class _Activated(nn.Module):
    """A 7x7 convolution with an activation, unless it is the last."""

    def __init__(self, inputs: int, outputs: int, last: bool) -> None:
        super().__init__()
        self.last = last
        self.conv = nn.Conv2d(inputs, outputs, 7, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for features of (N, inputs, H, W)."""
        x = self.conv(x)
        return x if self.last else functional.relu_(x)


class _SpynetLevel(nn.Module):
    """Estimates the residual of the flow at one size of the frames."""

    def __init__(self) -> None:
        super().__init__()
        widths = (8, 32, 64, 32, 16, 2)
        self.basic_module = nn.Sequential(
            *(
                _Activated(inputs, outputs, outputs == widths[-1])
                for inputs, outputs in pairwise(widths)
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual, (N, 2, H, W) in pixels, from two frames and the flow so far."""
        return self.basic_module(x)


class Spynet(nn.Module):
    """Estimates flow from coarse to fine, always in fp32.

    Ranjan and Black, "Optical Flow Estimation using a Spatial Pyramid Network", CVPR 2017.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.basic_module = nn.ModuleList(_SpynetLevel() for _ in range(6))
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
        self.register_buffer("std", torch.ones(1, 3, 1, 1))

    def forward(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Return where each pixel of `ours` is in `theirs`, (1, 2, H, W), x and y in pixels.

        Args:
            ours, theirs: (1, 3, H, W) float32 in [0, 1].
        """
        height, width = ours.shape[2:]
        size = (height + -height % _MULTIPLE, width + -width % _MULTIPLE)
        pyramids = [self._pyramid(frame, size) for frame in (ours, theirs)]
        flow = ours.new_zeros(1, 2, size[0] // _MULTIPLE, size[1] // _MULTIPLE)
        for level, (one, other) in enumerate(zip(*pyramids, strict=True)):
            if level:
                flow = 2 * functional.interpolate(
                    flow, scale_factor=2, mode="bilinear", align_corners=True
                )
            seen = torch.cat([one, warp(other, flow, "border"), flow], 1)
            flow = flow + self.basic_module[level](seen)
        flow = functional.interpolate(flow, (height, width), mode="bilinear", align_corners=False)
        return flow * flow.new_tensor([width / size[1], height / size[0]]).view(1, 2, 1, 1)

    def _pyramid(self, frame: Tensor, size: tuple[int, int]) -> list[Tensor]:
        """Return a frame at six sizes, the smallest first."""
        frame = functional.interpolate(frame, size, mode="bilinear", align_corners=False)
        sizes = [(frame - self.mean) / self.std]
        for _ in self.basic_module[1:]:
            sizes.append(functional.avg_pool2d(sizes[-1], 2))
        return sizes[::-1]


class _BasicVsr(nn.Module):
    """The propagation of features, and the reconstruction of frames.

    Chan, Wang, Yu, Dong and Loy, "BasicVSR: The Search for Essential Components in Video
    Super-Resolution and Beyond", CVPR 2021.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        channels = size.channels
        self.spynet = Spynet()
        self.backward_resblocks = _ResidualBlocks(channels + 3, channels, size.propagation)
        self.forward_resblocks = _ResidualBlocks(channels + 3, channels, size.propagation)
        self.fusion = nn.Conv2d(2 * channels, channels, 1)
        self.upsample1 = _Enlarge(channels, channels)
        self.upsample2 = _Enlarge(channels, 64)
        self.conv_hr = nn.Conv2d(64, 64, 3, 1, 1)
        self.conv_last = nn.Conv2d(64, 3, 3, 1, 1)

    def step(
        self, blocks: nn.Module, frame: Tensor, before: Tensor | None, known: Tensor
    ) -> Tensor:
        """Propagate the features from the frame `before` to the next frame in the direction."""
        if before is not None:
            known = warp(known, self.spynet(frame, before), "zeros")
        return blocks(torch.cat([frame.to(known.dtype), known], 1))

    def draw(self, known: Tensor, frame: Tensor) -> Tensor:
        """Reconstruct a frame four times as large, float32.

        Args:
            known: the features of both directions, (1, 2 * channels, H, W).
            frame: the cleaned frame, (1, 3, H, W) float32.
        """
        for layer in (self.fusion, self.upsample1, self.upsample2, self.conv_hr):
            known = functional.leaky_relu_(layer(known), 0.1)
        plain = functional.interpolate(
            frame, scale_factor=SCALE, mode="bilinear", align_corners=False
        )
        return plain + self.conv_last(known).float()


class RealBasicVsr(nn.Module):
    """RealBasicVSR.

    Args:
        size: the size of the network.
        enough: frames are cleaned again until the mean change, in [0, 1], is below this. With 1,
            the setting of the published results, they are cleaned once.
    """

    def __init__(self, size: Size = Size(), enough: float = 1.0) -> None:
        super().__init__()
        self.size, self.enough = size, enough
        self.image_cleaning = nn.Sequential(
            _ResidualBlocks(3, size.channels, size.cleaning),
            nn.Conv2d(size.channels, 3, 3, 1, 1),
        )
        self.basicvsr = _BasicVsr(size)

    @property
    def dtype(self) -> torch.dtype:
        """The type of all convolutions except SPyNet's."""
        return self.basicvsr.fusion.weight.dtype

    def draw(self, known: Tensor, frame: Tensor) -> Tensor:
        """Reconstruct a frame from what is known of it; see `_BasicVsr.draw`."""
        return self.basicvsr.draw(known, frame)

    def clean(self, frames: list[Tensor]) -> list[Tensor]:
        """Remove noise and artefacts from frames, (1, 3, H, W) float32 in [0, 1]."""
        for _ in range(_CLEANINGS):
            changes = [self.image_cleaning(frame.to(self.dtype)).float() for frame in frames]
            frames = [frame + change for frame, change in zip(frames, changes, strict=True)]
            if torch.stack([change.abs().mean() for change in changes]).mean() < self.enough:
                break
        return frames

    def propagate(
        self, frames: list[Tensor], keep: range, shelf: torch.device | str
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield, for every frame in `keep`, its propagated features and the frame.

        Steps on which no such frame depends are skipped. Each step is computed by itself, so that
        the result does not depend on `keep`.

        Args:
            frames: cleaned frames, in order.
            keep: numbers of frames, at least one, in steps of 1.
            shelf: the device on which the features of the backward direction are stored.
        """
        vsr = self.basicvsr
        nothing = frames[0].new_zeros(1, self.size.channels, *frames[0].shape[2:], dtype=self.dtype)
        later, known, before = {}, nothing, None
        for number in range(len(frames) - 1, keep.start - 1, -1):
            known = vsr.step(vsr.backward_resblocks, frames[number], before, known)
            before = frames[number]
            if number in keep:
                later[number] = known.to(shelf)
        known, before = nothing, None
        for number in range(keep.stop):
            known = vsr.step(vsr.forward_resblocks, frames[number], before, known)
            before = frames[number]
            if number in keep:
                yield torch.cat([later.pop(number).to(known.device), known], 1), frames[number]


def warp(x: Tensor, flow: Tensor, beyond: str) -> Tensor:
    """Warp features backwards along a flow.

    Args:
        x: (1, C, H, W), of any float type, which the result has too.
        flow: (1, 2, H, W) float32, x and y in pixels.
        beyond: the values outside: "border" repeats the edges, "zeros" is 0.
    """
    height, width = flow.shape[2:]
    across = torch.arange(width, device=flow.device)
    down = torch.arange(height, device=flow.device)[:, None]
    places = (across + flow[:, 0]) * (2 / max(width - 1, 1)) - 1
    grid = torch.stack([places, (down + flow[:, 1]) * (2 / max(height - 1, 1)) - 1], -1)
    return functional.grid_sample(x.float(), grid, "bilinear", beyond, align_corners=True).to(
        x.dtype
    )

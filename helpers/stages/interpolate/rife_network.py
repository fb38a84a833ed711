"""The network of RIFE 4.x, with the official names of its weights.

The official code computes some tensors at full size and then reduces them. Here they are computed
at the size at which they are used: coarse blocks warp only the pixels that they need, and what one
block passes to the next is resized once. In exact arithmetic the results are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Version:
    """The differences between the versions.

    Attributes:
        channels: channels of each block, from coarse to fine.
        steps: pixels of the frame for each pixel of a block's input, from coarse to fine.
        head: features of each picture that are warped with it.
        carried: features that a block passes to the next.
        unused: planes at the end of a block's output that are not used.
        multiple: sides are padded to a multiple of this many pixels.
        sums: whether the masks of the blocks are added; if not, each replaces the previous one.
    """

    channels: tuple[int, ...]
    steps: tuple[int, ...]
    head: int
    carried: int
    unused: int
    multiple: int
    sums: bool


VERSIONS = {
    "4.6": Version((192, 128, 96, 64), (8, 4, 2, 1), 0, 0, 1, 32, True),
    "4.25": Version((192, 128, 96, 64, 32), (16, 8, 4, 2, 1), 4, 8, 0, 64, False),
    "4.26": Version((192, 128, 96, 64, 32), (16, 8, 4, 2, 1), 4, 8, 0, 64, False),
    "4.25-lite": Version((192, 128, 96, 64, 24), (32, 16, 8, 4, 1), 4, 8, 0, 128, False),
}
"""The supported versions. 4.25 and 4.26 are the same network with different weights."""


_NOTHING = torch.empty(0)
"""Stands for the flow and the mask before the first block."""


class _ResConv(nn.Module):
    """A residual convolution with a learnt scale for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 1, 1)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))

    def fold(self) -> None:
        """Multiply the convolution by the scale, and set the scale to 1."""
        self.conv.weight.mul_(self.beta.view(-1, 1, 1, 1))
        self.conv.bias.mul_(self.beta.flatten())  # type: ignore[union-attr]
        self.beta.fill_(1)

    @torch.no_grad()
    def to_layers(self) -> nn.Sequential:
        """Return an equal convolution, to which its input need not be added, and its activation.

        It is for fp32: adding one to the middle of a filter would cost fp16 its finer digits.
        """
        self.fold()
        for channel, weights in enumerate(self.conv.weight):
            weights[channel, 1, 1] += 1
        return nn.Sequential(self.conv, nn.LeakyReLU(0.2))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, channels, H, W)."""
        return functional.leaky_relu_(self.conv(x).add_(x), 0.2)


class _IFBlock(nn.Module):
    """Estimates the change of the flow and the mask at one resolution."""

    def __init__(self, inputs: int, channels: int, outputs: int, used: int) -> None:
        super().__init__()
        self.used, half = used, channels // 2
        self.conv0 = nn.Sequential(
            nn.Sequential(nn.Conv2d(inputs, half, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True)),
            nn.Sequential(nn.Conv2d(half, channels, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True)),
        )
        self.convblock = nn.Sequential(*(_ResConv(channels) for _ in range(8)))
        self.lastconv = nn.Sequential(
            nn.ConvTranspose2d(channels, 4 * outputs, 4, 2, 1), nn.PixelShuffle(2)
        )

    def fold(self) -> None:
        """Remove the unused planes at the end of the output."""
        last = self.lastconv[0]
        last.weight = nn.Parameter(last.weight[:, : 4 * self.used].clone())
        last.bias = nn.Parameter(last.bias[: 4 * self.used].clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for (N, inputs, H, W); (N, used, H, W) after `fold`."""
        return self.lastconv(self.convblock(self.conv0(x)))


class _Head(nn.Module):
    """Extracts the features of a picture that are warped with it."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, 16, 3, 2, 1)
        self.cnn1 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn2 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn3 = nn.ConvTranspose2d(16, features, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features, (N, features, H, W), of pictures, (N, 3, H, W)."""
        for convolution in (self.cnn0, self.cnn1, self.cnn2):
            x = functional.leaky_relu_(convolution(x), 0.2)
        return self.cnn3(x)


class IFNet(nn.Module):
    """The network of a version of RIFE."""

    def __init__(self, version: Version) -> None:
        super().__init__()
        self.version = version
        used = 5 + version.carried
        inputs = 7 + 2 * version.head
        for number, channels in enumerate(version.channels):
            self.add_module(
                f"block{number}", _IFBlock(inputs, channels, used + version.unused, used)
            )
            inputs = 12 + 2 * version.head + version.carried
        if version.head:
            self.encode = _Head(version.head)

    @torch.no_grad()
    def fold(self) -> None:
        """Rearrange the weights for speed, without changing the result. Call it once."""
        for layer in self.modules():
            if isinstance(layer, (_ResConv, _IFBlock)):
                layer.fold()

    def append_features(self, pair: Tensor) -> Tensor:
        """Append the features of two pictures, (2, 3, H, W) in [0, 1], to their colours."""
        if not self.version.head:
            return pair
        features = self.encode(pair.to(self.dtype, memory_format=torch.channels_last))
        return torch.cat([pair, features.float()], 1)

    @property
    def dtype(self) -> torch.dtype:
        """The type of the convolutions."""
        return next(self.parameters()).dtype

    def forward(self, pair: Tensor, fraction: float, scale: float = 1) -> Tensor:
        """Return the frame at `fraction` of the interval.

        Args:
            pair: the result of `append_features`, float32; sides are multiples of `multiple /
                scale`.
            fraction: the time of the new frame, between 0 and 1.
            scale: the scale at which flow is estimated: 1, 0.5 or 0.25.

        Returns:
            (1, 3, H, W) float32, about [0, 1].
        """
        places = pixel_positions(pair)
        made: list[tuple[Tensor, int]] = []  # the output of each block, and its step
        known = _NOTHING  # the flow in pixels and the mask so far, (1, 5, H, W)
        for number, step in enumerate(self.version.steps):
            step = int(step / scale)
            seen = warp(pair, known, places, step) if made else _resize(pair, 1 / step)
            moment = seen.new_full((1, 1, *seen.shape[2:]), fraction)
            parts = [*seen[:, :3].split(1), *seen[:, 3:].split(1), moment]
            if made:
                parts += self._previous_result(
                    made, known if step == 1 else self._sum_changes(made, step), step
                )
            x = torch.cat([part.to(self.dtype) for part in parts if part.shape[1]], 1)
            x = self.get_submodule(f"block{number}")(
                x.contiguous(memory_format=torch.channels_last)
            ).to(torch.float32, memory_format=torch.contiguous_format)
            x[:, :4] *= step
            made.append((x, step))
            known = self._add_change(known, _resize(x[:, :5], step))
        first, last = warp(pair[:, :3], known, places, 1).split(1)
        return torch.lerp(last, first, known[:, 4:].sigmoid_())

    def _previous_result(
        self, made: list[tuple[Tensor, int]], known: Tensor, step: int
    ) -> list[Tensor]:
        """Return mask, features and flow at the resolution of the next block."""
        last, coarse = made[-1]
        features = _resize(last[:, 5 : 5 + self.version.carried], coarse / step)
        return [known[:, 4:], features, known[:, :4] / step]

    def _sum_changes(self, made: list[tuple[Tensor, int]], step: int) -> Tensor:
        """Return the flow and mask so far at a resolution, (1, 5, H / step, W / step)."""
        known = _NOTHING
        for x, coarse in made:
            known = self._add_change(known, _resize(x[:, :5], coarse / step))
        return known

    def _add_change(self, known: Tensor, change: Tensor) -> Tensor:
        """Add the output of a block to the flow and mask so far."""
        if known is _NOTHING:
            return change
        mask = change[:, 4:] + known[:, 4:] if self.version.sums else change[:, 4:]
        known[:, :4] += change[:, :4]
        known[:, 4:] = mask
        return known


def _resize(x: Tensor, factor: float) -> Tensor:
    """Resize by a power of two, bilinearly."""
    if factor == 1 or not x.shape[1]:
        return x
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def pixel_positions(pair: Tensor) -> Tensor:
    """Return the position of every pixel, (H, W, 2): x and y from -1 to 1."""
    across, down = (torch.linspace(-1, 1, side, device=pair.device) for side in pair.shape[:1:-1])
    return torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)


def warp(pair: Tensor, motion: Tensor, places: Tensor, step: int) -> Tensor:
    """Warp both pictures backwards, and reduce the result by `step`.

    Bilinear reduction by an even number averages the four pixels in the middle of each square, so
    only those are warped.

    Args:
        pair: (2, C, H, W).
        motion: (1, 4 or more, H, W): x and y to the first picture, x and y to the second, in
            pixels.
        places: the result of `pixel_positions`.
        step: the factor by which each side is reduced.
    """
    height, width = motion.shape[2:]
    motion = motion[:, :4].reshape(2, 2, height, width).permute(0, 2, 3, 1)
    if step > 2:
        motion, places = _middle_pixels(motion, step), _middle_pixels(places[None], step)
    # Filled on the device: a tensor made from numbers here would have to be waited for there.
    pixel = torch.stack([motion.new_full((), 2 / (side - 1)) for side in (width, height)])
    grid = torch.addcmul(places, motion, pixel)
    moved = functional.grid_sample(pair, grid, "bilinear", "border", align_corners=True)
    return moved if step == 1 else _resize(moved, 0.5)


def _middle_pixels(x: Tensor, step: int) -> Tensor:
    """Return the four pixels in the middle of each square of `step` pixels a side.

    Args:
        x: (N, H, W, C).
        step: an even divisor of both sides.
    """
    count, height, width, depth = x.shape
    middle = slice(step // 2 - 1, step // 2 + 1)
    squares = x.unflatten(2, (-1, step)).unflatten(1, (-1, step))[:, :, middle, :, middle]
    return squares.reshape(count, 2 * height // step, 2 * width // step, depth)

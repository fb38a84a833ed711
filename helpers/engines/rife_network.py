"""The network of RIFE 4.x, under the official names of its weights.

What the official code computes at the frame's full size only to shrink it again is computed
here where it is used: coarse blocks warp the pixels that they will look at and no others, and
what one block hands to the next is resized once. In exact arithmetic the results are the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Version:
    """How the versions differ.

    Attributes:
        channels: of each block, coarse to fine.
        steps: how many pixels of the frame are one pixel of each block's picture.
        head: features of either picture that are warped along with it.
        carried: features that a block hands to the next.
        multiple: sides are padded to a multiple of this many pixels.
        sums: whether the blocks' masks are added up; if not, each replaces the one before.
    """

    channels: tuple[int, ...]
    steps: tuple[int, ...]
    head: int
    carried: int
    multiple: int
    sums: bool


VERSIONS = {
    "4.6": Version((192, 128, 96, 64), (8, 4, 2, 1), 0, 0, 32, True),
    "4.25": Version((192, 128, 96, 64, 32), (16, 8, 4, 2, 1), 4, 8, 64, False),
    "4.26": Version((192, 128, 96, 64, 32), (16, 8, 4, 2, 1), 4, 8, 64, False),
    "4.25-lite": Version((192, 128, 96, 64, 24), (32, 16, 8, 4, 1), 4, 8, 128, False),
}
"""4.25 and 4.26 are the same network with other weights."""

UNUSED = {0: 1}
"""Planes at the end of a block's result that nothing reads, by `carried`: 4.6 has one."""


class ResConv(nn.Module):
    """A convolution whose result, scaled, is added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, 1, 1)
        self.beta = nn.Parameter(torch.ones(1, channels, 1, 1))

    def fold(self) -> None:
        """Multiply the scale into the convolution; from then on it is 1."""
        self.conv.weight.mul_(self.beta.view(-1, 1, 1, 1))
        self.conv.bias.mul_(self.beta.flatten())  # type: ignore[union-attr]
        self.beta.fill_(1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu_(self.conv(x).add_(x), 0.2)


class IFBlock(nn.Module):
    """Look at what is known so far and say how motion and mask are to change."""

    def __init__(self, inputs: int, channels: int, outputs: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv0 = nn.Sequential(
            nn.Sequential(nn.Conv2d(inputs, half, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True)),
            nn.Sequential(nn.Conv2d(half, channels, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True)),
        )
        self.convblock = nn.Sequential(*(ResConv(channels) for _ in range(8)))
        self.lastconv = nn.Sequential(
            nn.ConvTranspose2d(channels, 4 * outputs, 4, 2, 1), nn.PixelShuffle(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.lastconv(self.convblock(self.conv0(x)))


class Head(nn.Module):
    """Find features of one picture that are warped along with it."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, 16, 3, 2, 1)
        self.cnn1 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn2 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn3 = nn.ConvTranspose2d(16, features, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in (self.cnn0, self.cnn1, self.cnn2):
            x = functional.leaky_relu_(convolution(x), 0.2)
        return self.cnn3(x)


class IFNet(nn.Module):
    """RIFE of one version."""

    def __init__(self, version: Version) -> None:
        super().__init__()
        self.version = version
        outputs = 5 + version.carried + UNUSED.get(version.carried, 0)
        inputs = 7 + 2 * version.head
        for number, channels in enumerate(version.channels):
            self.add_module(f"block{number}", IFBlock(inputs, channels, outputs))
            inputs = 12 + 2 * version.head + version.carried
        if version.head:
            self.encode = Head(version.head)

    @torch.no_grad()
    def fold(self) -> None:
        """Rearrange the weights for speed; the result stays the same. Call it once."""
        for layer in self.modules():
            if isinstance(layer, ResConv):
                layer.fold()

    def with_features(self, pair: Tensor) -> Tensor:
        """Return two pictures, (2, 3, H, W) in [0, 1], with their features behind the colours."""
        if not self.version.head:
            return pair
        features = self.encode(pair.to(self.dtype, memory_format=torch.channels_last))
        return torch.cat([pair, features.float()], 1)

    @property
    def dtype(self) -> torch.dtype:
        """The numbers that convolutions are computed in."""
        return next(self.parameters()).dtype

    def forward(self, pair: Tensor, fraction: float, scale: float = 1) -> Tensor:
        """Draw the picture at `fraction` of the way.

        Args:
            pair: what `with_features` gave, float32; sides are multiples of `multiple / scale`.
            scale: 1, 0.5 or 0.25 of the size is what motion is looked for at.

        Returns:
            (1, 3, H, W) float32, about [0, 1].
        """
        made: list[tuple[Tensor, int]] = []  # (motion in pixels, mask, features) and their step
        motion = torch.zeros_like(pair[:1, :1]).expand(-1, 4, -1, -1)
        for number, step in enumerate(self.version.steps):
            step = int(step / scale)
            seen = warp(pair, motion, step) if made else resize(pair, 1 / step)
            known = [*seen[:, :3].split(1), *seen[:, 3:].split(1)]
            known.append(seen.new_full((1, 1, *seen.shape[2:]), fraction))
            if made:
                known += self._handed_on(made, step, motion)
            x = torch.cat([part.to(self.dtype) for part in known], 1)
            x = self.get_submodule(f"block{number}")(
                x.contiguous(memory_format=torch.channels_last)
            ).float()
            x = x.contiguous()
            x[:, :4] *= step
            made.append((x, step))
            motion = motion + resize(x[:, :4], step)
        first, last = warp(pair[:, :3], motion, 1).split(1)
        return torch.lerp(last, first, torch.sigmoid(self._mask(made, 1)))

    def _handed_on(
        self, made: list[tuple[Tensor, int]], step: int, motion: Tensor
    ) -> list[Tensor]:
        """Return mask, features and motion as the next block is to see them."""
        last, coarse = made[-1]
        if step > 1:
            motion = sum(resize(x[:, :4], coarse / step) for x, coarse in made)  # type: ignore[assignment]
        carried = resize(last[:, 5 : 5 + self.version.carried], coarse / step)
        parts = [self._mask(made, step), carried, motion / step]
        return [part for part in parts if part.shape[1]]

    def _mask(self, made: list[tuple[Tensor, int]], step: int) -> Tensor:
        used = made if self.version.sums else made[-1:]
        return sum(resize(x[:, 4:5], coarse / step) for x, coarse in used)  # type: ignore[return-value]


def resize(x: Tensor, factor: float) -> Tensor:
    """Resize by a power of two, bilinearly."""
    if factor == 1 or not x.shape[1]:
        return x
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def warp(pair: Tensor, motion: Tensor, step: int) -> Tensor:
    """Fetch every pixel from where it comes, then make the result `step` times smaller.

    Shrinking by an even number takes the mean of the four pixels in the middle of each square of
    `step` pixels a side; no others are fetched.

    Args:
        pair: (2, C, H, W).
        motion: (1, 4, H, W), x and y to the first picture, x and y to the second, in pixels.
    """
    height, width = motion.shape[2:]
    rows = torch.arange(height, device=motion.device)
    columns = torch.arange(width, device=motion.device)
    if step > 2:
        rows, columns = (middles(x, step) for x in (rows, columns))
        motion = motion[:, :, rows][..., columns]
    half = motion.new_tensor([2 / max(width - 1, 1), 2 / max(height - 1, 1)])
    grid = motion.new_empty(2, len(rows), len(columns), 2)
    grid[..., 0] = columns
    grid[..., 1] = rows[:, None]
    grid += motion.view(2, 2, *motion.shape[2:]).permute(0, 2, 3, 1)
    grid.mul_(half).sub_(1)
    moved = functional.grid_sample(pair, grid, "bilinear", "border", align_corners=True)
    return moved if step == 1 else resize(moved, 0.5)


def middles(places: Tensor, step: int) -> Tensor:
    """Return the two middle ones of every `step` places."""
    return places.view(-1, step)[:, step // 2 - 1 : step // 2 + 1].flatten()

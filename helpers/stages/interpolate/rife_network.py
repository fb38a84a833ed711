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
        unused: planes at the end of a block's result that nothing reads.
        multiple: sides are padded to a multiple of this many pixels.
        sums: whether the blocks' masks are added up; if not, each replaces the one before.
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
"""4.25 and 4.26 are the same network with other weights."""


_NOTHING = torch.empty(0)
"""What is known of motion and mask before the first block."""


class _ResConv(nn.Module):
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
        """Return features of the same shape, (N, channels, H, W)."""
        return functional.leaky_relu_(self.conv(x).add_(x), 0.2)


class _IFBlock(nn.Module):
    """Look at what is known so far and say how motion and mask are to change."""

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
        """Leave out the planes at the end of the result that nothing reads."""
        last = self.lastconv[0]
        last.weight = nn.Parameter(last.weight[:, : 4 * self.used].clone())
        last.bias = nn.Parameter(last.bias[: 4 * self.used].clone())

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H, W), once folded (N, used, H, W), for (N, inputs, H, W)."""
        return self.lastconv(self.convblock(self.conv0(x)))


class _Head(nn.Module):
    """Find features of one picture that are warped along with it."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.cnn0 = nn.Conv2d(3, 16, 3, 2, 1)
        self.cnn1 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn2 = nn.Conv2d(16, 16, 3, 1, 1)
        self.cnn3 = nn.ConvTranspose2d(16, features, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features, (N, features, H, W), of pictures of (N, 3, H, W)."""
        for convolution in (self.cnn0, self.cnn1, self.cnn2):
            x = functional.leaky_relu_(convolution(x), 0.2)
        return self.cnn3(x)


class IFNet(nn.Module):
    """RIFE of one version."""

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
        """Rearrange the weights for speed; the result stays the same. Call it once."""
        for layer in self.modules():
            if isinstance(layer, (_ResConv, _IFBlock)):
                layer.fold()

    def append_features(self, pair: Tensor) -> Tensor:
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
        places = pixel_positions(pair)
        made: list[tuple[Tensor, int]] = []  # what each block gave, and its step
        known = _NOTHING  # motion in pixels and mask so far, (1, 5, H, W)
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
        """Return mask, features and motion as the next block is to see them."""
        last, coarse = made[-1]
        features = _resize(last[:, 5 : 5 + self.version.carried], coarse / step)
        return [known[:, 4:], features, known[:, :4] / step]

    def _sum_changes(self, made: list[tuple[Tensor, int]], step: int) -> Tensor:
        """Return motion and mask so far at a resolution, (1, 5, H / step, W / step)."""
        known = _NOTHING
        for x, coarse in made:
            known = self._add_change(known, _resize(x[:, :5], coarse / step))
        return known

    def _add_change(self, known: Tensor, change: Tensor) -> Tensor:
        """Add what a block gave to what is known."""
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
    """Return where every pixel lies, (H, W, 2): x and y from -1 to 1."""
    across, down = (torch.linspace(-1, 1, side, device=pair.device) for side in pair.shape[:1:-1])
    return torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)


def warp(pair: Tensor, motion: Tensor, places: Tensor, step: int) -> Tensor:
    """Fetch every pixel from where it comes, then make the result `step` times smaller.

    Shrinking by an even number takes the mean of the four pixels in the middle of each square of
    `step` pixels a side; no others are fetched.

    Args:
        pair: (2, C, H, W).
        motion: (1, 4 or more, H, W), x and y to the first picture, x and y to the second, pixels.
        places: what `pixel_places` gave.
    """
    height, width = motion.shape[2:]
    motion = motion[:, :4].reshape(2, 2, height, width).permute(0, 2, 3, 1)
    if step > 2:
        motion, places = _middle_pixels(motion, step), _middle_pixels(places[None], step)
    pixel = motion.new_tensor([2 / (width - 1), 2 / (height - 1)])
    grid = torch.addcmul(places, motion, pixel)
    moved = functional.grid_sample(pair, grid, "bilinear", "border", align_corners=True)
    return moved if step == 1 else _resize(moved, 0.5)


def _middle_pixels(x: Tensor, step: int) -> Tensor:
    """Return the four pixels in the middle of every square of `step` a side; x is (N, H, W, C)."""
    count, height, width, depth = x.shape
    middle = slice(step // 2 - 1, step // 2 + 1)
    squares = x.unflatten(2, (-1, step)).unflatten(1, (-1, step))[:, :, middle, :, middle]
    return squares.reshape(count, 2 * height // step, 2 * width // step, depth)

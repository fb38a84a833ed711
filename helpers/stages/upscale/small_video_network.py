"""The network for small compressed video: it sees seven frames, and makes one four times as large.

    network = SmallVideoNet()
    large = network(window)            # (N, 21, H, W) to (N, 3, 4 * H, 4 * W), both RGB in 0..1

The frames around were brought to the place of the frame in the middle (`small_video`). Where they
agree with it, they are averaged; that average, enlarged by cubic interpolation, is what the network
adds its corrections to. It works at the size of the film and at half of it, where a block of a
codec is four pixels wide, and so sees what lies around several blocks at little cost.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

RADIUS = 3
"""Frames on either side that the network sees."""

FRAMES = 2 * RADIUS + 1

SCALE = 4

_REACH = 7
"""The side, in pixels, of the square in which a neighbour is compared with the frame."""

_ALIKE = 128 / 255**2
"""The mean squared difference up to which a neighbour counts fully, of values in 0..1. By trial:
coding noise is below it, and ghosts above. The network learned with it."""

_STRICT = 2.0
"""How fast a neighbour loses its weight beyond that."""


UNIT = 0.1
"""What the network's result is multiplied with: corrections are small, and so are its steps in
training. With 1 it diverged."""


_AREA = 15
"""The side, in pixels, of the area in which the network leaves brightness and colour alone."""

SEEN = FRAMES + 1 + 4 + FRAMES - 1
"""Planes that the network works on; see `SmallVideoNet.see`."""

LINEAR = 9
"""The side, in pixels, of the linear filter."""


@dataclass(frozen=True)
class Size:
    """The size of a network; by default that of the shipped one.

    Attributes:
        fine: channels at the size of the film.
        coarse: channels at half the size; a multiple of 4.
        blocks: residual blocks at half the size.
    """

    fine: int = 24
    coarse: int = 48
    blocks: int = 6


class _Residual(nn.Module):
    """Two convolutions, added to their input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, 1, 1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(channels, channels, 3, 1, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape, (N, channels, H, W)."""
        return x + self.body(x)


class SmallVideoNet(nn.Module):
    """Cleans and enlarges the frame in the middle of a window; see the module."""

    def __init__(self, size: Size = Size()) -> None:
        super().__init__()
        fine, coarse = size.fine, size.coarse
        inputs = SEEN
        self.linear = nn.Conv2d(inputs, SCALE**2 + 2, LINEAR)
        self.head = nn.Sequential(nn.Conv2d(inputs, fine, 3, 1, 1), nn.LeakyReLU(0.1, inplace=True))
        self.down = nn.Sequential(
            nn.Conv2d(4 * fine, coarse, 3, 1, 1), nn.LeakyReLU(0.1, inplace=True)
        )
        self.trunk = nn.Sequential(*(_Residual(coarse) for _ in range(size.blocks)))
        self.up = nn.Conv2d(coarse, 4 * fine, 3, 1, 1)
        self.tail = nn.Sequential(
            _Residual(fine),
            nn.Conv2d(fine, fine, 3, 1, 1),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Conv2d(fine, SCALE**2 + 2, 3, 1, 1),
        )
        _initialise(self)

    def forward(self, window: Tensor) -> Tensor:
        """Return the frame in the middle, (N, 3, 4 * H, 4 * W) RGB, about 0..1, not clamped.

        Args:
            window: (N, 3 * FRAMES, H, W) RGB in 0..1, in order of time. A frame that does not exist
                is a copy of the one in the middle.
        """
        height, width = window.shape[2:]
        window = functional.pad(window, (0, width % 2, 0, height % 2), mode="replicate")
        average, tint, seen = self.see(window)
        made = self.linear(pad_linear(seen)) + UNIT * self.tail[-1](self.features(seen))
        made = keep_level(made)
        detail = functional.pixel_shuffle(made[:, : SCALE**2], SCALE)
        large = _enlarge(torch.cat([average, tint + made[:, SCALE**2 :]], 1))
        whole = join_colour(large[:, :1] + detail, large[:, 1:])
        return whole[..., : SCALE * height, : SCALE * width]

    def see(self, window: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the average's luma, (N, 1, H, W), its colour, (N, 2, H, W), and what is seen.

        What is seen, (N, SEEN, H, W), is the average, how each frame differs from it, its colour,
        how the frame's own colour differs, and how much each neighbour counts.
        """
        light, colour = split_colour(window.unflatten(1, (FRAMES, 3)))
        shares = compare(light)
        average, tint = weigh(light, shares), weigh(colour, shares)
        others = torch.cat([shares[:, :RADIUS], shares[:, RADIUS + 1 :]], 1)
        own = colour[:, RADIUS]
        parts = [4 * (average - 0.5), 16 * (light - average), 8 * tint, 16 * (own - tint), others]
        return average, tint, torch.cat(parts, 1)

    def features(self, seen: Tensor) -> Tensor:
        """Return what the last layer draws corrections from, (N, fine, H, W)."""
        fine = self.head(seen)
        coarse = self.trunk(self.down(functional.pixel_unshuffle(fine, 2)))
        return self.tail[:-1](fine + functional.pixel_shuffle(self.up(coarse), 2))


def _initialise(network: SmallVideoNet) -> None:
    """Let signals keep their size through all layers, and let blocks and result begin as nothing.

    With PyTorch's own initial weights signals die out, and training does not begin for hours.
    """
    ends = {network.tail[-1]}
    ends |= {part.body[-1] for part in network.modules() if isinstance(part, _Residual)}
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            if layer in ends or layer is network.linear:
                nn.init.zeros_(layer.weight)
            else:
                nn.init.kaiming_normal_(layer.weight, 0.1, nonlinearity="leaky_relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def split_colour(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Split RGB, (..., 3, H, W), into luma (BT.601), (..., H, W), and colour, (..., 2, H, W).

    Colour is the distance of blue and of red from the luma, in the units of RGB.
    """
    red, green, blue = pictures.unbind(-3)
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    return light, torch.stack([blue - light, red - light], -3)


def join_colour(light: Tensor, colour: Tensor) -> Tensor:
    """Join luma, (N, 1, H, W), and colour, (N, 2, H, W), to RGB; see `split_colour`."""
    blue, red = (light + one for one in colour.split(1, 1))
    green = light - (0.299 * colour[:, 1:] + 0.114 * colour[:, :1]) / 0.587
    return torch.cat([red, green, blue], 1)


def compare(light: Tensor) -> Tensor:
    """Return the weight of every frame, in 0..1, by how much it differs from the middle one.

    Args:
        light: (N, FRAMES, H, W) luma in 0..1.
    """
    away = (light - light[:, RADIUS : RADIUS + 1]).square()
    near = _blur(away, _REACH)
    return torch.exp(-_STRICT * functional.relu(near / _ALIKE - 1))


def _blur(planes: Tensor, side: int) -> Tensor:
    """Return the mean of the square around every pixel, as far as it is in the picture."""
    for size in ((side, 1), (1, side)):
        around = (size[0] // 2, size[1] // 2)
        planes = functional.avg_pool2d(planes, size, 1, around, count_include_pad=False)
    return planes


def weigh(planes: Tensor, shares: Tensor) -> Tensor:
    """Return the weighted mean of frames.

    Args:
        planes: (N, FRAMES, H, W), or with colour (N, FRAMES, 2, H, W).
        shares: (N, FRAMES, H, W), the weights, of which that of the middle frame is 1.

    Returns:
        (N, 1, H, W), or (N, 2, H, W).
    """
    whole = shares.sum(1, keepdim=True)
    if planes.ndim == 4:
        return (planes * shares).sum(1, keepdim=True) / whole
    return (planes * shares.unsqueeze(2)).sum(1) / whole


def keep_level(planes: Tensor) -> Tensor:
    """Take the mean around every pixel from planes, (N, C, H, W).

    Taken from corrections, it leaves brightness and colour of larger areas to the film.
    """
    return planes - _blur(planes, _AREA)


def pad_linear(seen: Tensor) -> Tensor:
    """Repeat the outermost pixels as far as the linear filter reaches."""
    return functional.pad(seen, (LINEAR // 2,) * 4, mode="replicate")


def _enlarge(planes: Tensor) -> Tensor:
    return functional.interpolate(
        planes, scale_factor=float(SCALE), mode="bicubic", align_corners=False
    )

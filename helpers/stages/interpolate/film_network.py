"""The network of FILM, with the names of its weights in PyTorch.

Features of both frames are extracted in pyramids whose coarse levels have the same meaning, so that
they share one flow predictor. Flow is estimated from coarse to fine, in both directions; the frames
and their features are warped along it, and a decoder makes the new frame.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_WIDTHS = (64, 128, 256, 512)
"""Channels of the features after 0 to 3 halvings, and of the decoder's levels."""

_FLOW_WIDTHS = (32, 64, 128, 256)
"""Channels of the flow predictors, the finest level first; coarser levels share the last one."""

_LEVELS = 7
"""Levels of the pyramid; each has half the side of the one before."""

_DRAWN = 5
"""The number of finest levels that the decoder uses."""

MULTIPLE = 2 ** (_LEVELS - 1)
"""Sides are padded to a multiple of this, so that each level is exactly half the one before."""


def _feature_channels(level: int) -> int:
    """Return the number of channels of the features of a level."""
    return sum(_WIDTHS[: level + 1])


class Convolution(nn.Module):
    """A convolution that keeps the size, with an optional activation."""

    def __init__(self, inputs: int, outputs: int, size: int, active: bool = True) -> None:
        super().__init__()
        self.active = active
        # TensorFlow's "same" padding: for even kernels, the extra row is at the bottom and right.
        self.extra = (0, 0, 0, 0) if size % 2 else (0, 1, 0, 1)
        self.conv = nn.Conv2d(inputs, outputs, size, padding=(size - 1) // 2)

    def to_layers(self) -> nn.Sequential:
        """Return it as standard layers."""
        around = [nn.ZeroPad2d(self.extra)] if any(self.extra) else []
        after = [nn.LeakyReLU(0.2)] if self.active else []
        return nn.Sequential(*around, self.conv, *after)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for features of (N, inputs, H, W)."""
        x = self.conv(functional.pad(x, self.extra) if any(self.extra) else x)
        return functional.leaky_relu_(x, 0.2) if self.active else x


class _SubTree(nn.Module):
    """Extracts features of one picture at four sizes, each half the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Sequential(Convolution(inputs, width, 3), Convolution(width, width, 3))
            for inputs, width in zip((3, *_WIDTHS), _WIDTHS, strict=False)
        )

    def forward(self, picture: Tensor, count: int) -> list[Tensor]:
        """Return the features of (N, 3, H, W) at `count` sizes, the largest first."""
        found = [self.convs[0](picture)]
        for layers in self.convs[1:count]:
            found.append(layers(functional.avg_pool2d(found[-1], 2)))
        return found


class _Features(nn.Module):
    """Extracts features of every level of a pyramid with shared weights, and concatenates them."""

    def __init__(self) -> None:
        super().__init__()
        self.extract_sublevels = _SubTree()

    def forward(self, pictures: list[Tensor]) -> list[Tensor]:
        """Return the features of every level of a pyramid of (N, 3, H, W), the largest first."""
        trees = [
            self.extract_sublevels(picture, min(len(pictures) - level, len(_WIDTHS)))
            for level, picture in enumerate(pictures)
        ]
        return [
            torch.cat(
                [trees[level - deep][deep] for deep in range(min(level + 1, len(_WIDTHS)))], 1
            )
            for level in range(len(pictures))
        ]


class _FlowPredictor(nn.Module):
    """Predicts the residual of the flow from one picture's features and the other's warped ones."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self._convs = nn.ModuleList(
            Convolution(channels, width, 3) for channels in (inputs, width, width)
        )
        self._convs.append(Convolution(width, width // 2, 1))
        self._convs.append(Convolution(width // 2, 2, 1, active=False))

    def forward(self, ours: Tensor, theirs: Tensor) -> Tensor:
        """Return the residual of the flow, (N, 2, H, W) in pixels, from features, (N, C, H, W)."""
        x = torch.cat([ours, theirs], 1)
        for layer in self._convs:
            x = layer(x)
        return x


class _Flow(nn.Module):
    """Estimates the flow from every picture of a batch to its partner, from coarse to fine."""

    def __init__(self) -> None:
        super().__init__()
        *fine, coarse = (
            _FlowPredictor(2 * _feature_channels(level), width)
            for level, width in enumerate(_FLOW_WIDTHS)
        )
        self._predictor = coarse
        self._predictors = nn.ModuleList(reversed(fine))

    def predictor(self, level: int) -> nn.Module:
        """Return the predictor of a level; 0 is the finest."""
        own = len(self._predictors)
        return self._predictors[own - 1 - level] if level < own else self._predictor

    def forward(self, ours: list[Tensor], theirs: list[Tensor]) -> list[Tensor]:
        """Return the flow at every level, finest first: (N, 2, H, W), x and y in pixels, float32.

        Args:
            ours, theirs: the features of every level, finest first.
        """
        flow = self._predictor(ours[-1], theirs[-1]).float()
        flows = [flow]
        for level in range(len(ours) - 2, -1, -1):
            flow = 2 * functional.interpolate(flow, scale_factor=2, mode="bilinear")
            change = self.predictor(level)(ours[level], warp(theirs[level], flow))
            flow = flow + change.float()
            flows.insert(0, flow)
        return flows


class _Decoder(nn.Module):
    """Makes the new frame from warped features, from coarse to fine."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList()
        below = _aligned_channels(_DRAWN - 1)
        for level in reversed(range(_DRAWN - 1)):
            width = _WIDTHS[level]
            self.convs.append(
                nn.ModuleList(
                    [
                        Convolution(below, width, 2, active=False),
                        Convolution(_aligned_channels(level) + width, width, 3),
                        Convolution(width, width, 3),
                    ]
                )
            )
            below = width
        self.output_conv = nn.Conv2d(_WIDTHS[0], 3, 1)

    def forward(self, aligned: list[Tensor]) -> Tensor:
        """Return the new frame, (N, 3, H, W) float32.

        Args:
            aligned: warped pictures, warped features and flow, at every level, finest first.
        """
        x = aligned[-1]
        for layers, beside in zip(self.convs, aligned[-2::-1], strict=True):
            enlarge, join, refine = layers  # type: ignore[misc]
            x = enlarge(functional.interpolate(x, scale_factor=2, mode="nearest"))
            x = refine(join(torch.cat([beside, x], 1)))
        # In fp32, since half precision would quantise the colours of the picture.
        return self.output_conv(x.float())


def _aligned_channels(level: int) -> int:
    """Return the channels of the decoder's input: colours, features and flow of both pictures."""
    return 2 * (3 + _feature_channels(min(level, len(_WIDTHS) - 1)) + 2)


class FilmNet(nn.Module):
    """FILM."""

    def __init__(self) -> None:
        super().__init__()
        self.extract, self.predict_flow, self.fuse = _Features(), _Flow(), _Decoder()

    @property
    def dtype(self) -> torch.dtype:
        """The type of all convolutions except the last."""
        return next(self.extract.parameters()).dtype

    def prepare(self, pair: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Compute what does not depend on the time of the new frame.

        Args:
            pair: (2, 3, H, W) float32 in [0, 1]; sides are multiples of MULTIPLE.

        Returns:
            For each level that the decoder uses: colours and features, (2, C, H, W); and the flow
            from the second picture to the first and from the first to the second, (2, 2, H, W).
        """
        pictures = [pair]
        for _ in range(_LEVELS - 1):
            pictures.append(functional.avg_pool2d(pictures[-1], 2))
        pictures = [picture.to(self.dtype) for picture in pictures]
        features = self.extract(pictures)
        flows = self.predict_flow(features, [level.flip(0) for level in features])
        seen = [torch.cat(parts, 1) for parts in zip(pictures, features, strict=True)]
        return seen[:_DRAWN], [flow.flip(0) for flow in flows[:_DRAWN]]

    def forward(self, seen: list[Tensor], flows: list[Tensor], fraction: float) -> Tensor:
        """Return the frame at `fraction` of the interval, (1, 3, H, W) float32, about [0, 1].

        Motion is assumed to be uniform.
        """
        # Filled on the device: a tensor made from numbers here would have to be waited for there.
        sides = (fraction, 1 - fraction)
        shares = torch.stack([flows[0].new_full((1, 1, 1), side) for side in sides])
        aligned = []
        for level, flow in zip(seen, flows, strict=True):
            motion = flow * shares
            parts = (warp(level, motion), motion.to(level.dtype))
            aligned.append(torch.cat([part.flatten(0, 1)[None] for part in parts], 1))
        return self.fuse(aligned)


def warp(x: Tensor, flow: Tensor) -> Tensor:
    """Warp features backwards along a flow.

    Args:
        x: (N, C, H, W), of any float type, which the result has too.
        flow: (N, 2, H, W) float32, x and y in pixels.
    """
    height, width = flow.shape[2:]
    across, down = (
        torch.linspace(1 / side - 1, 1 - 1 / side, side, device=flow.device)
        for side in (width, height)
    )
    grid = torch.stack(
        [across + flow[:, 0] * (2 / width), down[:, None] + flow[:, 1] * (2 / height)], -1
    )
    moved = functional.grid_sample(x.float(), grid, "bilinear", "border", align_corners=False)
    return moved.to(x.dtype)

"""What our own small networks are built of."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


def active(x: torch.Tensor) -> torch.Tensor:
    """Bend what a convolution made, in its place."""
    return functional.leaky_relu(x, 0.1, inplace=True)


class Block(nn.Module):
    """Two 3x3 convolutions with a way around them; begins as nothing, so that depth does no harm.

    Args:
        width: channels that come in and go out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(width, width, 3, padding=1)
        self.two = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.two.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Keep the shape."""
        return x + self.two(active(self.one(x)))

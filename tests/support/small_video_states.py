"""Weights for the network for small video, generated, with which it changes the picture."""

from __future__ import annotations

import torch

from helpers.stages.upscale.small_video_network import Size, SmallVideoNet

SMALL = Size(8, 8, 1)


def generated_small_video(size: Size = SMALL) -> dict[str, torch.Tensor]:
    """Return weights of a small network."""
    torch.manual_seed(3)
    state = SmallVideoNet(size).state_dict()
    for name in ("tail.3.weight", "tail.3.bias"):
        state[name] = 0.02 * torch.randn_like(state[name])
    return state

"""Draw the pictures between two neighbouring ones with optical flow and a small network of our own.

    interpolator = FusionInterpolator(state)           # state: tensors by name
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])

The flows and what they propose are those of `flow`; `fusion_network` corrects and
mixes them. Its weights come with the package, so it needs no network connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from helpers.errors import ModelError
from helpers.nn.tensors import to_images
from helpers.stages.interpolate.flow import agreement, measure_motion, propose
from helpers.stages.interpolate.fusion_network import CANDIDATES, MULTIPLE, FusionNet, Seen
from helpers.stages.interpolate.pair_network import PairNetwork


class FusionInterpolator(PairNetwork):
    """The network on a device; see `PairNetwork`.

    Args:
        state: the network's weights; its widths are read off them.
        device, precision: where and in which numbers the convolutions run. Optical flow, and
            bringing pictures along it, is always done on the processor.

    Raises:
        ModelError: the weights are of another network.
    """

    title = "the fusion network"
    instead = "the model flow"

    def __init__(self, state: dict[str, Any], device: str = "cpu", precision: str = "fp32") -> None:
        self._state = {name: value.float() for name, value in state.items()}
        super().__init__(device, precision)

    def _build(self, device: str, dtype: torch.dtype) -> FusionNet:
        try:
            network = FusionNet(widths_of(self._state))
            network.load_state_dict(self._state)
        except (KeyError, RuntimeError) as error:
            raise ModelError(
                f"These weights ({len(self._state)} tensors) are not those of the fusion network; "
                "allowed are the ones that come with the package and those that "
                "train-interpolator made."
            ) from error
        return network.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def _draw(
        self,
        network: FusionNet,
        device: str,
        first: np.ndarray,
        last: np.ndarray,
        fractions: Sequence[float],
    ) -> list[np.ndarray]:
        height, width = first.shape[:2]
        scale = np.float32(255 / np.iinfo(first.dtype).max)
        start, end = (picture.astype(np.float32) * scale for picture in (first, last))
        flows = measure_motion(start, end)
        made = []
        for fraction in fractions:
            picture = network(padded(look(start, end, *flows, fraction)).to(device))
            made += to_images(picture[..., :height, :width], first.dtype)
        return made


def widths_of(state: dict[str, Any]) -> list[int]:
    """Read the widths of a network off its weights."""
    return [state[f"{name}.bias"].shape[0] for name in ("head", "to_b", "to_c")]


def look(
    start: np.ndarray, end: np.ndarray, forward: np.ndarray, backward: np.ndarray, fraction: float
) -> Seen:
    """Return what the network is to see, of any size; see `padded`.

    Takes float32 RGB 0..255 and the flows of `measure_motion`.
    """
    proposals = propose(start, end, forward, backward, fraction)
    weights = [plane for one in proposals for plane in _weights(one.weight[..., 0], one.share)]
    weights += _weights(agreement(start, end)[..., 0], np.float32(fraction))
    brought = [picture for one in proposals for picture in (one.before, one.after)]
    return Seen(
        _planes([*brought, start, end], 1 / 255).unflatten(1, (CANDIDATES, 3)),
        torch.from_numpy(np.stack(weights)).log_()[None],
        _planes([one.motion for one in proposals]),
        torch.full((1, 1, 1, 1), fraction),
    )


def _weights(weight: np.ndarray, share: np.ndarray | np.float32) -> list[np.ndarray]:
    """Divide a motion's weight between the two pictures it joins."""
    return [weight * (1 - share), weight * share]


def _planes(pictures: Sequence[np.ndarray], scale: float = 1.0) -> torch.Tensor:
    """Turn (H, W, C) float32 pictures into (1, all of C, H, W), copying each number once."""
    height, width, channels = pictures[0].shape
    planes = torch.empty(len(pictures), channels, height, width)
    for plane, picture in zip(planes, pictures, strict=True):
        torch.mul(torch.from_numpy(picture).permute(2, 0, 1), scale, out=plane)
    return planes.flatten(0, 1)[None]


def padded(seen: Seen) -> Seen:
    """Make the sides multiples of MULTIPLE by repeating the last row and column."""
    height, width = seen.weights.shape[2:]
    right, below = -width % MULTIPLE, -height % MULTIPLE
    if not right and not below:
        return seen

    def wider(planes: torch.Tensor) -> torch.Tensor:
        return functional.pad(planes, (0, right, 0, below), mode="replicate")

    brought = wider(seen.brought.flatten(1, 2)).unflatten(1, (CANDIDATES, 3))
    return Seen(brought, wider(seen.weights), wider(seen.motions), seen.fraction)

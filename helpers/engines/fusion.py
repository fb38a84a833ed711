"""Draw the pictures between two neighbouring ones with optical flow and a small network of our own.

    interpolator = FusionInterpolator(state)           # state: tensors by name
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])

The flows and what they propose are those of `engines.flow`; `engines.fusion_network` corrects and
mixes them. Its weights come with the package, so it needs no network connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from helpers.engines.flow import agreement, measure_motion, propose
from helpers.engines.fusion_network import CANDIDATES, MULTIPLE, FusionNet, Seen
from helpers.engines.images import to_images
from helpers.engines.pair_network import PairNetwork
from helpers.errors import ModelError


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

    def __init__(
        self, state: dict[str, Any], device: str = "cpu", precision: str = "fp32"
    ) -> None:
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
            picture = network(padded(look(start, end, *flows, fraction), device))
            made += to_images(picture[..., :height, :width], first.dtype)
        return made


def widths_of(state: dict[str, Any]) -> list[int]:
    """Read the widths of a network off its weights."""
    return [state[f"{name}.bias"].shape[0] for name in ("head", "to_b", "to_c")]


def look(
    start: np.ndarray, end: np.ndarray, forward: np.ndarray, backward: np.ndarray, fraction: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return the fields of `Seen` as (H, W, C) float32 arrays, and the fraction.

    Takes float32 RGB 0..255 and the flows of `measure_motion`. The pictures of `brought` lie beside
    each other.
    """
    proposals = propose(start, end, forward, backward, fraction)
    brought = [picture for one in proposals for picture in (one.before, one.after)]
    weights = [plane for one in proposals for plane in _weights(one.weight[..., 0], one.share)]
    weights += _weights(agreement(start, end)[..., 0], np.float32(fraction))
    motions = np.concatenate([one.motion for one in proposals], 2)
    pictures = np.concatenate([*brought, start, end], 2) * np.float32(1 / 255)
    return pictures, np.log(np.dstack(weights)), motions, fraction


def _weights(weight: np.ndarray, share: np.ndarray | np.float32) -> list[np.ndarray]:
    """Divide a motion's weight between the two pictures it joins."""
    return [weight * (1 - share), weight * share]


def padded(
    looks: tuple[np.ndarray, np.ndarray, np.ndarray, float], device: str = "cpu"
) -> Seen:
    """Turn what is to be seen into tensors whose sides are multiples of MULTIPLE."""
    *planes, fraction = looks
    right, below = -planes[0].shape[1] % MULTIPLE, -planes[0].shape[0] % MULTIPLE
    pictures, weights, motions = (
        functional.pad(
            torch.from_numpy(plane).to(device).permute(2, 0, 1)[None].contiguous(),
            (0, right, 0, below),
            mode="replicate",
        )
        for plane in planes
    )
    moment = torch.full((1, 1, 1, 1), fraction, device=device)
    return Seen(pictures.unflatten(1, (CANDIDATES, 3)), weights, motions, moment)

"""Draw the pictures between two neighbouring ones with optical flow and a small network of our own.

    interpolator = FusionInterpolator(state)           # state: tensors by name
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])

The flows and what they propose are those of `engines.flow`; `engines.fusion_network` corrects and
mixes them. Its weights come with the package, so it needs no network connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from helpers.engines.flow import agreement, grid_of, measure_motion, mix, propose, sample
from helpers.engines.fusion_network import MULTIPLE, FusionNet, Seen
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
            network = FusionNet(*widths_of(self._state))
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
            seen = padded(look(start, end, *flows, fraction), device)
            picture, _ = network(seen, warp_on_processor)
            made += to_images(picture[..., :height, :width], first.dtype)
        return made


def widths_of(state: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Read the widths of a network off its weights."""
    motion = [state[f"motion.{name}.bias"].shape[0] for name in ("head", "to_b", "to_c")]
    return motion, [state[f"mix.{name}.bias"].shape[0] for name in ("head", "to_b")]


def look(
    start: np.ndarray, end: np.ndarray, forward: np.ndarray, backward: np.ndarray, fraction: float
) -> list[np.ndarray]:
    """Return what the network is to see, as (H, W, C) float32 arrays and the fraction.

    Takes float32 RGB 0..255 and the flows of `measure_motion`; gives the fields of `Seen`, the
    pictures of `brought` beside each other.
    """
    proposals = propose(start, end, forward, backward, fraction)
    base = mix(start, end, proposals, fraction)
    brought = [picture for one in proposals for picture in (one.before, one.after)]
    pictures = np.concatenate([base, *brought, start, end], 2) * np.float32(1 / 255)
    weights = [one.weight[..., 0] for one in proposals] + [agreement(start, end)[..., 0]]
    inside = [plane for one in proposals for plane in (one.before_inside, one.after_inside)]
    motions = np.concatenate([one.motion for one in proposals], 2)
    return [pictures, motions, np.log(np.dstack(weights)), np.dstack(inside), np.array(fraction)]


def padded(looks: list[np.ndarray], device: str) -> Seen:
    """Turn what is to be seen into tensors whose sides are multiples of MULTIPLE."""
    right, below = -looks[0].shape[1] % MULTIPLE, -looks[0].shape[0] % MULTIPLE
    planes = [torch.from_numpy(look).to(device).permute(2, 0, 1)[None] for look in looks[:-1]]
    pictures, motions, weights, inside = (
        functional.pad(plane, (0, right, 0, below), mode="replicate").contiguous()
        for plane in planes
    )
    brought = pictures[:, 3:].unflatten(1, (6, 3))
    moment = torch.full((1, 1, 1, 1), float(looks[-1]), device=device)
    return Seen(pictures[:, :3], brought, motions, weights, inside, moment)


def warp_on_processor(
    pictures: torch.Tensor, across: torch.Tensor, down: torch.Tensor
) -> torch.Tensor:
    """Bring pictures by a flow with OpenCV, the quickest; see `fusion_network.Warp`."""
    made = []
    for picture, flow in zip(pictures, torch.stack([across, down], -1), strict=True):
        image = picture.permute(1, 2, 0).contiguous().cpu().numpy()
        found = sample(image, grid_of(image) + flow.cpu().numpy())
        made.append(torch.from_numpy(found).permute(2, 0, 1))
    return torch.stack(made).to(pictures.device)

"""Interpolate between two frames with RIFE, a network that estimates the flow itself.

    interpolator = RifeInterpolator(state, "4.25")     # state: tensors by name
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])

Huang, Zhang, Heng, Shi and Zhou, "Real-Time Intermediate Flow Estimation for Video Frame
Interpolation", ECCV 2022; the weights of the 4.x versions: https://github.com/hzwer/Practical-RIFE.

A sequence of blocks refines, from coarse to fine, the flow from the new frame to both old ones and
a mask; the new frame is a blend of both, warped along the flow and weighted by the mask. Only the
convolutions use the chosen precision. Pictures, flow, positions and blending use fp32, since a
16-bit float cannot represent a position in a wide picture to a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.nn.backends import USUAL, Runner, Way
from helpers.nn.tensors import to_pixels, to_tensor
from helpers.stages.interpolate.pair_network import PairNetwork, Picture
from helpers.stages.interpolate.rife_network import VERSIONS, IFNet
from helpers.stages.interpolate.rife_weights import prepare_state

_SCALES = (1.0, 0.5, 0.25)

_LARGEST = 2560 * 1440
"""The flow is estimated at full size up to this many pixels; see `choose_scale`."""


class RifeInterpolator(PairNetwork):
    """RIFE on a device; see `PairNetwork`.

    Args:
        state: the weights, by any of the names that `prepare_state` accepts.
        version: one of `VERSIONS`.
        device, precision: the device, and the precision of the convolutions.
        scale: the scale at which flow is estimated, 1, 0.5 or 0.25; if None, `choose_scale` chooses
            it by the size of the frame.
        way: how it is run.

    Raises:
        ModelError: the version is unknown, the weights are those of another, or the scale is not
            allowed.
    """

    instead = "the model flow"

    def __init__(
        self,
        state: dict[str, Any],
        version: str,
        device: str = "cpu",
        precision: str = "fp32",
        scale: float | None = None,
        way: Way = USUAL,
    ) -> None:
        if scale is not None and scale not in _SCALES:
            raise ModelError(f"The scale of RIFE must be 1, 0.5 or 0.25; {scale} was given.")
        self.version, self.scale, self.title = version, scale, f"RIFE {version}"
        self._state = prepare_state(state, version)
        super().__init__(device, precision, way)

    def _build(self, device: str, dtype: torch.dtype) -> IFNet:
        network = IFNet(VERSIONS[self.version])
        network.load_state_dict(self._state)
        network.fold()
        return network.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def _draw(
        self,
        run: Runner,
        device: str,
        first: Picture,
        last: Picture,
        fractions: Sequence[float],
    ) -> list[Picture]:
        height, width = first.shape[:2]
        scale = self.scale or choose_scale(height, width)
        multiple = int(VERSIONS[self.version].multiple / scale)
        pair = to_tensor([first, last], device, torch.float32).contiguous()
        right, below = -width % multiple, -height % multiple
        if right or below:  # padded with black, as in training
            pair = functional.pad(pair, (0, right, 0, below))
        pair = run("append_features", pair)
        return [
            to_pixels(run("forward", pair, fraction, scale)[..., :height, :width], first)[0]
            for fraction in fractions
        ]


@engine("interpolate")
def load(request: Request, version: str) -> RifeInterpolator:
    """Return the network of a model."""
    return RifeInterpolator(
        request.state(), version, request.device, request.precision, way=request.way
    )


def choose_scale(height: int, width: int) -> float:
    """Return the scale at which the flow of a frame is estimated by default.

    It is 1 up to the number of pixels of 2560x1440; 0.5, as the authors advise, up to four times
    as many (which includes UHD); and 0.25 above. So the motion has about as many pixels as in
    training.
    """
    return next((scale for scale in _SCALES if height * width * scale**2 <= _LARGEST), _SCALES[-1])

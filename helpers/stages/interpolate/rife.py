"""Draw the pictures between two neighbouring ones with RIFE, a network that estimates motion.

    interpolator = RifeInterpolator(state, "4.25")     # state: tensors by name
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])

Huang, Zhang, Heng, Shi and Zhou, "Real-Time Intermediate Flow Estimation for Video Frame
Interpolation", ECCV 2022; the weights of the 4.x versions: https://github.com/hzwer/Practical-RIFE.

A row of blocks looks at the pair from coarse to fine. Each adds to the motion from the new
picture to both old ones, and says which of the two is to be believed where; the new picture is
mixed from both, warped along that motion. Convolutions run in the precision that is asked for;
pictures, motion, places and the mix stay in 32-bit floats, for a 16-bit float cannot name a place
in a wide picture to better than a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.nn.tensors import to_images, to_tensor
from helpers.stages.interpolate.pair_network import PairNetwork
from helpers.stages.interpolate.rife_network import VERSIONS, IFNet
from helpers.stages.interpolate.rife_weights import prepare_state

_SCALES = (1.0, 0.5, 0.25)

_LARGEST = 2560 * 1440
"""Pixels up to which motion is looked for at full size; see `fitting_scale`."""


class RifeInterpolator(PairNetwork):
    """RIFE on a device; see `PairNetwork`.

    Args:
        state: the weights under any of the names that `prepared` knows.
        version: one of `VERSIONS`.
        device, precision: where and in which numbers the convolutions run.
        scale: at which part of its size a frame's motion is looked for: 1, 0.5 or 0.25. None
            lets `fitting_scale` choose by the size of the frame.

    Raises:
        ModelError: the version is unknown, or the weights are not of it.
    """

    instead = "the model flow"

    def __init__(
        self,
        state: dict[str, Any],
        version: str,
        device: str = "cpu",
        precision: str = "fp32",
        scale: float | None = None,
    ) -> None:
        if scale is not None and scale not in _SCALES:
            raise ModelError(f"RIFE was given the scale {scale}; allowed are 1, 0.5 and 0.25.")
        self.version, self.scale, self.title = version, scale, f"RIFE {version}"
        self._state = prepare_state(state, version)
        super().__init__(device, precision)

    def _build(self, device: str, dtype: torch.dtype) -> IFNet:
        network = IFNet(VERSIONS[self.version])
        network.load_state_dict(self._state)
        network.fold()
        return network.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def _draw(
        self,
        network: IFNet,
        device: str,
        first: np.ndarray,
        last: np.ndarray,
        fractions: Sequence[float],
    ) -> list[np.ndarray]:
        height, width = first.shape[:2]
        scale = self.scale or choose_scale(height, width)
        multiple = int(VERSIONS[self.version].multiple / scale)
        pair = to_tensor([first, last], device, torch.float32).contiguous()
        right, below = -width % multiple, -height % multiple
        if right or below:  # with black, as in training
            pair = functional.pad(pair, (0, right, 0, below))
        pair = network.append_features(pair)
        return [
            to_images(network(pair, fraction, scale)[..., :height, :width], first.dtype)[0]
            for fraction in fractions
        ]


@engine("interpolate")
def load(request: Request, version: str) -> RifeInterpolator:
    """Return the network of a model."""
    return RifeInterpolator(request.state(), version, request.device, request.precision)


def choose_scale(height: int, width: int) -> float:
    """Return the scale at which a frame's motion is looked for when the user names none.

    1 up to as many pixels as 2560x1440 has; 0.5, as the authors advise, for larger frames up to
    four times that, UHD among them; 0.25 beyond. Motion of equal speed then spans about as many
    pixels as where the network was trained.
    """
    return next((scale for scale in _SCALES if height * width * scale**2 <= _LARGEST), _SCALES[-1])

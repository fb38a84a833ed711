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

import logging
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from helpers.engines.images import to_images, to_tensor
from helpers.engines.memory import is_out_of_memory
from helpers.engines.pairs import check_fractions, check_pictures
from helpers.engines.rife_network import VERSIONS, IFNet
from helpers.engines.rife_weights import prepared
from helpers.errors import ModelError, OutOfMemoryError

log = logging.getLogger("helpers")

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}

SCALES = (1.0, 0.5, 0.25)

LARGEST = 2560 * 1440
"""Pixels up to which motion is looked for at full size; see `fitting_scale`."""


class RifeInterpolator:
    """RIFE on a device.

    The result depends on the two pictures and the fraction only, never on what else was asked
    for in the same call or before. May be used from several threads, which take turns.

    Args:
        state: the weights under any of the names that `prepared` knows.
        version: one of `VERSIONS`.
        device, precision: where and in which numbers the convolutions run.
        scale: at which part of its size a frame's motion is looked for: 1, 0.5 or 0.25. None
            lets `fitting_scale` choose by the size of the frame.

    Raises:
        ModelError: the version is unknown, or the weights are not of it.
    """

    def __init__(
        self,
        state: dict[str, Any],
        version: str,
        device: str = "cpu",
        precision: str = "fp32",
        scale: float | None = None,
    ) -> None:
        if scale is not None and scale not in SCALES:
            raise ModelError(f"RIFE was given the scale {scale}; allowed are 1, 0.5 and 0.25.")
        self.version, self.scale = version, scale
        self.device, self.precision = device, precision
        self._state = prepared(state, version)
        self.network = self._build(device, DTYPES[precision])
        self._lock = threading.Lock()

    def _build(self, device: str, dtype: torch.dtype) -> IFNet:
        network = IFNet(VERSIONS[self.version])
        network.load_state_dict(self._state)
        network.fold()
        return network.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)

    def between(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Return the pictures at `fractions` of the way from `first` to `last`.

        `first` and `last` are RGB of shape (H, W, 3), uint8 (0..255) or uint16 (0..65535), of
        any size from 1x1. Every fraction lies between 0 and 1, both excluded. The results, one
        for each fraction, have the shape and dtype of `first`; the inputs are left as they are.

        Raises:
            ValueError: the pictures or a fraction are not as described.
            OutOfMemoryError: the pair fits neither the device's memory nor the computer's.
        """
        check_pictures(first, last)
        check_fractions(fractions)
        if np.array_equal(first, last):
            return [first.copy() for _ in fractions]
        with self._lock:  # one pair at a time: two would only share the same cores and memory
            try:
                return self._draw(self.network, self.device, first, last, fractions)
            except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            return self._draw_sparingly(first, last, fractions)

    def _draw_sparingly(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Draw in the computer's own memory what did not fit the device's.

        Tiles would be the cheaper way, but a tile sees less of the motion and draws another
        picture; this one differs by rounding only.
        """
        height, width = first.shape[:2]
        if self.device != "cpu":
            if self.device == "cuda":
                torch.cuda.empty_cache()
            log.warning(
                "Out of memory with RIFE %s on a %dx%d frame; drawing it on the processor.",
                *(self.version, width, height),
            )
            try:
                network = self._build("cpu", torch.float32)
                return self._draw(network, "cpu", first, last, fractions)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
        raise OutOfMemoryError(
            f"RIFE {self.version} ran out of memory on a {width}x{height} frame. No frame was lost "
            "or faked. Close other programs or notebooks, choose a smaller scale (0.5 or 0.25) or "
            "the model flow, and run it again: it goes on here."
        ) from None

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
        scale = self.scale or fitting_scale(height, width)
        multiple = int(VERSIONS[self.version].multiple / scale)
        pair = to_tensor([first, last], device, torch.float32).contiguous()
        right, below = -width % multiple, -height % multiple
        if right or below:  # with black, as in training
            pair = functional.pad(pair, (0, right, 0, below))
        pair = network.with_features(pair)
        return [
            to_images(network(pair, fraction, scale)[..., :height, :width], first.dtype)[0]
            for fraction in fractions
        ]


def fitting_scale(height: int, width: int) -> float:
    """Return the scale at which a frame's motion is looked for when the user names none.

    1 up to as many pixels as 2560x1440 has; 0.5, as the authors advise, for larger frames up to
    four times that, UHD among them; 0.25 beyond. Motion of equal speed then spans about as many
    pixels as where the network was trained.
    """
    return next((scale for scale in SCALES if height * width * scale**2 <= LARGEST), SCALES[-1])

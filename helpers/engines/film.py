"""Draw the pictures between two neighbouring ones with FILM, a network for large motion.

    interpolator = FilmInterpolator(state)             # state: tensors by name
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])

Reda, Kontkanen, Tabellion, Sun, Pantofaru and Curless, "FILM: Frame Interpolation for Large
Motion", ECCV 2022, https://github.com/google-research/frame-interpolation; the weights in PyTorch:
https://github.com/dajes/frame-interpolation-pytorch.

It was trained on the picture in the middle. For other moments the authors halve again and again;
here, as in the network in PyTorch, the motion is scaled, so that any moment can be asked for. It is
at its best at a half.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from helpers.engines.film_network import MULTIPLE, FilmNet
from helpers.engines.images import to_images, to_tensor
from helpers.engines.memory import is_out_of_memory
from helpers.engines.pairs import check_fractions, check_pictures
from helpers.engines.states import expected_shapes, fitted
from helpers.errors import OutOfMemoryError

log = logging.getLogger("helpers")

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


class FilmInterpolator:
    """FILM on a device.

    The result depends on the two pictures and the fraction only, never on what else was asked
    for in the same call or before. May be used from several threads, which take turns.

    Args:
        state: the weights under the names of `FilmNet`.
        device, precision: where and in which numbers the convolutions run; motion, what is
            fetched along it and the last layer stay in 32-bit floats.

    Raises:
        ModelError: the weights are not FILM's.
    """

    def __init__(self, state: dict[str, Any], device: str = "cpu", precision: str = "fp32") -> None:
        self.device, self.precision = device, precision
        self._state = fitted(state, expected_shapes(FilmNet), "FILM")
        self.network = self._build(device, DTYPES[precision])
        self._lock = threading.Lock()

    def _build(self, device: str, dtype: torch.dtype) -> FilmNet:
        network = FilmNet()
        network.load_state_dict(self._state)
        network.eval().to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
        network.fuse.output_conv.float()
        return network

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
        if not len(fractions) or np.array_equal(first, last):
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

        The authors' script can cut pictures into patches instead, but motion that crosses a seam
        is then lost; this picture differs by rounding only.
        """
        height, width = first.shape[:2]
        if self.device != "cpu":
            if self.device == "cuda":
                torch.cuda.empty_cache()
            log.warning(
                "Out of memory with FILM on a %dx%d frame; drawing it on the processor.",
                *(width, height),
            )
            try:
                network = self._build("cpu", torch.float32)
                return self._draw(network, "cpu", first, last, fractions)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
        raise OutOfMemoryError(
            f"FILM ran out of memory on a {width}x{height} frame. No frame was lost or faked. "
            "Close other programs or notebooks, or choose rife-4.25, which needs much less, "
            "and run it again: it goes on here."
        ) from None

    @torch.inference_mode()
    def _draw(
        self,
        network: FilmNet,
        device: str,
        first: np.ndarray,
        last: np.ndarray,
        fractions: Sequence[float],
    ) -> list[np.ndarray]:
        height, width = first.shape[:2]
        below, right = -height % MULTIPLE, -width % MULTIPLE
        top, left = below // 2, right // 2
        pair = to_tensor([first, last], device, torch.float32)
        # With black on all sides, as the authors' script does.
        pair = functional.pad(pair, (left, right - left, top, below - top))
        seen, flows = network.prepared(pair)
        drawn = (network(seen, flows, fraction) for fraction in fractions)
        return [
            to_images(picture[..., top : top + height, left : left + width], first.dtype)[0]
            for picture in drawn
        ]

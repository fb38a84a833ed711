"""The common part of networks that interpolate between two frames: threads, and lack of memory."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from helpers.errors import OutOfMemoryError
from helpers.nn.backends import USUAL, Runner, Way, call_method
from helpers.nn.card import PixelsOnCard
from helpers.nn.tensors import DTYPES
from helpers.nn.tiling import is_out_of_memory
from helpers.stages.interpolate.checks import check_fractions, check_pictures

log = logging.getLogger("helpers")

Picture = TypeVar("Picture", np.ndarray, PixelsOnCard)


class PairNetwork(ABC):
    """A network on a device that interpolates between two pictures.

    The result depends only on the two pictures and the fraction, not on other fractions or earlier
    calls. Several threads may use it; they take turns.

    Attributes:
        title: its name, for messages.
        instead: a model to choose if memory is short, for messages; it follows "choose".
        device, precision: the device, and the precision of the convolutions.
    """

    title: str
    instead: str

    def __init__(self, device: str, precision: str, way: Way = USUAL) -> None:
        self.device, self.precision = device, precision
        self.network = self._build(device, DTYPES[precision])
        # torch.compile and OpenVINO would compile a network anew for every fraction.
        self.runner = Runner(self.network, way, ("winograd",), call_method)
        self._lock = threading.Lock()

    def facts(self) -> list[tuple[str, str]]:
        """Return a description of the network: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return [
            ("architecture", self.title),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
        ]

    @abstractmethod
    def _build(self, device: str, dtype: torch.dtype) -> Any:
        """Return the network on a device."""

    @abstractmethod
    def _draw(
        self,
        run: Runner,
        device: str,
        first: Picture,
        last: Picture,
        fractions: Sequence[float],
    ) -> list[Picture]:
        """Interpolate with a network on a device.

        Args:
            run: runs a step of the network: takes the name of its method, and the arguments.
            device: the device.
            first, last, fractions: as in `between`.
        """

    @property
    def pixel_device(self) -> str:
        """The device on which it takes pictures, and leaves its own."""
        return self.device

    def between(self, first: Picture, last: Picture, fractions: Sequence[float]) -> list[Picture]:
        """Return the pictures at `fractions` of the interval from `first` to `last`.

        Args:
            first, last: (H, W, 3) RGB, uint8 (0..255) or uint16 (0..65535), of any size from 1x1.
                They are not changed. Both are arrays, or both on `pixel_device`.
            fractions: between 0 and 1, both excluded.

        Returns:
            A picture for each fraction, of the shape and type of `first`, and where that is.

        Raises:
            ValueError: the pictures or a fraction are not as described.
            OutOfMemoryError: the pair fits neither in the device's memory nor in the computer's.
        """
        check_pictures(first, last)
        check_fractions(fractions)
        if not len(fractions):
            return []
        if isinstance(first, np.ndarray) and np.array_equal(first, last):
            return [first.copy() for _ in fractions]
        with self._lock:  # one pair at a time, since two would share the same cores and memory
            try:
                return self._draw(self.runner, self.device, first, last, fractions)
            except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            return self._draw_on_cpu(np.asarray(first), np.asarray(last), fractions)  # type: ignore[return-value]

    def _draw_on_cpu(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Interpolate on the CPU what did not fit in the memory of the device.

        Tiles would be faster, but each would contain only a part of the motion, and the result
        would differ. On the CPU it differs only by rounding.
        """
        height, width = first.shape[:2]
        if self.device != "cpu":
            if self.device == "cuda":
                torch.cuda.empty_cache()
            log.warning(
                "Out of memory with %s on a %dx%d frame; it is computed on the CPU instead.",
                *(self.title, width, height),
            )
            try:
                network = self._build("cpu", torch.float32)
                run = Runner(network, call=call_method)
                return self._draw(run, "cpu", first, last, fractions)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
        raise OutOfMemoryError(
            f"{self.title} ran out of memory on a {width}x{height} frame. No frame was lost or "
            f"changed. Close other programs or notebooks, or choose {self.instead}, and run it "
            "again; it continues from here."
        ) from None

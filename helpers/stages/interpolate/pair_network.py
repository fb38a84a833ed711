"""What networks that draw between two pictures have in common: turns, and memory that runs out."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from helpers.errors import OutOfMemoryError
from helpers.nn.tensors import DTYPES
from helpers.nn.tiling import is_out_of_memory
from helpers.stages.interpolate.checks import check_fractions, check_pictures

log = logging.getLogger("helpers")


class PairNetwork(ABC):
    """A network on a device that draws the pictures between two.

    The result depends on the two pictures and the fraction only, never on what else was asked
    for in the same call or before. May be used from several threads, which take turns.

    Attributes:
        title: what it is called in messages.
        instead: what to do where memory does not suffice, to follow "choose".
        device, precision: where and in which numbers the convolutions run.
    """

    title: str
    instead: str

    def __init__(self, device: str, precision: str) -> None:
        self.device, self.precision = device, precision
        self.network = self._build(device, DTYPES[precision])
        self._lock = threading.Lock()

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to know about it, for a person: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        return [
            ("architecture", self.title),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
        ]

    @abstractmethod
    def _build(self, device: str, dtype: torch.dtype) -> Any:
        """Make the network."""

    @abstractmethod
    def _draw(
        self,
        network: Any,
        device: str,
        first: np.ndarray,
        last: np.ndarray,
        fractions: Sequence[float],
    ) -> list[np.ndarray]:
        """Draw the pictures with a network on a device."""

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
            return self._draw_on_cpu(first, last, fractions)

    def _draw_on_cpu(
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
                "Out of memory with %s on a %dx%d frame; drawing it on the processor.",
                *(self.title, width, height),
            )
            try:
                network = self._build("cpu", torch.float32)
                return self._draw(network, "cpu", first, last, fractions)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
        raise OutOfMemoryError(
            f"{self.title} ran out of memory on a {width}x{height} frame. No frame was lost or "
            f"faked. Close other programs or notebooks, or choose {self.instead}, and run it "
            "again: it goes on here."
        ) from None

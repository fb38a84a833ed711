"""What every engine that colours has in common: it looks at a whole picture, made square.

A colorizer must see the whole picture, so it is stretched to a square that the network can take.
Only the colour of what comes out is of use: it is small, and the film's own brightness is kept (see
`stages.colorize`).
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import nn

from helpers.errors import ModelError, OutOfMemoryError
from helpers.nn.tensors import DTYPES
from helpers.nn.tiling import is_out_of_memory

log = logging.getLogger("helpers")

_SQUARE_STEP = 16
"""Pixels: a square's side is so many times the render factor."""


class SquareColorizer(ABC):
    """A network on a device that colours square pictures.

    Every picture goes through the network alone: in company it would be rounded otherwise, at
    every place in a batch in another way, and a frame's colours must not depend on its neighbours.
    May be used from several threads, which take turns.

    Args:
        network: in evaluation mode, on its device.
        memory: gives the bytes that may be used at once.

    Attributes:
        title: what it is called in messages.
        render_factor: the authors' own choice; the side of the square is 16 times as many pixels.
        bytes_per_pixel: about how much memory the network takes in 32-bit numbers.
    """

    title: str
    render_factor: int
    bytes_per_pixel: ClassVar[int]

    def __init__(
        self, network: nn.Module, device: str, precision: str, memory: Callable[[], int]
    ) -> None:
        self.network, self.device, self.precision = network, device, precision
        self.memory = memory
        self._lock = threading.Lock()
        self._warned: set[int] = set()  # sides that memory was short for, and that was said

    @abstractmethod
    def _run(self, luma: np.ndarray, side: int) -> np.ndarray:
        """Colour a float32 (H, W) picture on a square: float32 (side, side, 3) RGB."""

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to know about it, for a person: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        side = _SQUARE_STEP * self.render_factor
        return [
            ("architecture", self.title),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
            ("square", f"{side}x{side} pixels at its render factor of {self.render_factor}"),
        ]

    def colours(self, luma: list[np.ndarray], render_factor: int) -> list[np.ndarray]:
        """Colour grey pictures.

        Args:
            luma: float32 (H, W) in [0, 1], gamma-encoded grey (what R = G = B would be), of any
                size from 1x1.
            render_factor: the square's side is 16 times as many pixels. Smaller is bolder and
                steadier in large areas, larger finds more small things.

        Returns:
            float32 (S, S, 3) RGB in [0, 1], S = 16 * render_factor: each picture stretched to the
            square, in the network's colours.

        Raises:
            OutOfMemoryError: the square does not fit.
            ModelError: the network gave numbers that are none.
        """
        side = _SQUARE_STEP * render_factor
        with self._lock:  # one picture at a time: two would only share the same cores and memory
            self._warn(side)
            try:
                return [self._run(picture, side) for picture in luma]
            except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            if self.device == "cuda":
                torch.cuda.empty_cache()
        raise OutOfMemoryError(
            f"{self.title} ran out of memory on a square of {side}x{side} pixels, which cannot be "
            "cut without changing colours. No frame was lost or faked. Close other programs or "
            f"notebooks, or choose a render factor below {render_factor}, and run it again: it "
            "goes on here."
        )

    def _warn(self, side: int) -> None:
        """Say, once for every side, where memory is short: a processor's runs out unsaid."""
        size = torch.finfo(DTYPES[self.precision]).bits / 32
        needed, free = self.bytes_per_pixel * size * side**2, self.memory()
        if needed > free and side not in self._warned:
            self._warned.add(side)
            log.warning(
                "%s takes about %.1f GB on a square of %d pixels and %.1f GB are free; a smaller "
                "render factor takes less.",
                *(self.title, needed / 1e9, side, free / 1e9),
            )

    def _check_output(self, made: torch.Tensor) -> np.ndarray:
        """Return what a network made, (1, C, S, S), as float32 (S, S, C); refuse what is none."""
        if not torch.isfinite(made).all():
            raise ModelError(
                f"{self.title} gave numbers that are none, counting in {self.precision}. Run it "
                "again with Runtime(forced_precision='fp32'); if that does not help, its weights "
                "are damaged: fetch them again."
            )
        return made[0].permute(1, 2, 0).contiguous().cpu().numpy()


class LabColorizer(SquareColorizer):
    """A network that gives a and b of Lab for a picture's lightness.

    Attributes:
        multiple: what the network's sides are multiples of. Where it cannot take a side it is given
            the next larger one that it can.
    """

    multiple: ClassVar[int] = _SQUARE_STEP

    @abstractmethod
    def _stretch(self, luma: np.ndarray, side: int) -> np.ndarray:
        """Resize a float32 (H, W) picture to a square as the authors do."""

    @abstractmethod
    def _lightness(self, grey: np.ndarray) -> np.ndarray:
        """Return L of Lab, (S, S) float32 in 0..100, of float32 grey in [0, 1], as the authors."""

    @abstractmethod
    def _predict(self, lightness: np.ndarray) -> torch.Tensor:
        """Give a and b of Lab, (1, 2, S, S) float32, for lightness, (S, S) float32 in 0..100."""

    def _run(self, luma: np.ndarray, side: int) -> np.ndarray:
        able = -(-side // self.multiple) * self.multiple
        seen = self._lightness(self._stretch(luma, able))
        with torch.inference_mode():
            ab = self._check_output(self._predict(seen))
        if able != side:
            seen = self._lightness(self._stretch(luma, side))
            ab = cv2.resize(ab, (side, side), interpolation=cv2.INTER_AREA)
        return lab_to_rgb(seen, ab)


def lab_to_rgb(lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Join L, (H, W), and a, b, (H, W, 2), all float32, to RGB in [0, 1]."""
    return cv2.cvtColor(np.dstack([lightness, ab]), cv2.COLOR_Lab2RGB).clip(0, 1)

"""The common part of engines that colour: the whole picture is processed as a small square.

A network for colours must get the whole picture, so it is stretched to a square of the network's
size. Only the colours of the result are used; the brightness is that of the film (see
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
from helpers.nn.backends import USUAL, Runner, Way
from helpers.nn.tensors import DTYPES
from helpers.nn.tiling import is_out_of_memory

log = logging.getLogger("helpers")

_SQUARE_STEP = 16
"""The side of the square in pixels, divided by the render factor."""


class SquareColorizer(ABC):
    """A network on a device that colours square pictures.

    Pictures are processed one at a time: in a batch, rounding depends on the position in it, but
    the colours of a frame must not depend on its neighbours. Several threads may use it; they take
    turns.

    Args:
        network: the network in evaluation mode, on its device.
        device, precision: the device, and the precision.
        memory: returns how many bytes may be used.
        way: how it is run.

    Attributes:
        title: its name, for messages.
        render_factor: the default; the side of the square is 16 times as many pixels.
        bytes_per_pixel: about the memory that the network takes for each pixel in fp32.
    """

    title: str
    render_factor: int
    bytes_per_pixel: ClassVar[int]

    def __init__(
        self,
        network: nn.Module,
        device: str,
        precision: str,
        memory: Callable[[], int],
        way: Way = USUAL,
    ) -> None:
        self.runner = Runner(network, way, ("winograd",))
        self.network, self.device, self.precision = network, device, precision
        self.memory = memory
        self._lock = threading.Lock()
        self._warned: set[int] = set()  # the sides for which a warning was logged

    @abstractmethod
    def _run(self, luma: np.ndarray, side: int) -> np.ndarray:
        """Colour a picture, float32 (H, W), on a square; return float32 (side, side, 3) RGB."""

    def facts(self) -> list[tuple[str, str]]:
        """Return a description of the network: names and values."""
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
            luma: float32 (H, W) in [0, 1], gamma-encoded: the value of R = G = B; of any size from
                1x1.
            render_factor: the side of the square is 16 times as many pixels. A small square gives
                more vivid colours that are steadier in large areas; in a large one, more small
                objects are coloured.

        Returns:
            float32 (S, S, 3) RGB in [0, 1], S = 16 * render_factor: each picture, coloured and
            stretched to the square.

        Raises:
            OutOfMemoryError: the square does not fit in memory.
            ModelError: the result of the network contains infinities or NaN.
        """
        side = _SQUARE_STEP * render_factor
        with self._lock:  # one call at a time, since two would share the same cores and memory
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
            "divided without changing the colours. No frame was lost or changed. Close other "
            f"programs or notebooks, or choose a render factor below {render_factor}, and run it "
            "again; it continues from here."
        )

    def _warn(self, side: int) -> None:
        """Warn once for each side if memory is short, since a CPU may run out without an error."""
        size = torch.finfo(DTYPES[self.precision]).bits / 32
        needed, free = self.bytes_per_pixel * size * side**2, self.memory()
        if needed > free and side not in self._warned:
            self._warned.add(side)
            log.warning(
                "%s takes about %.1f GB on a square of %d pixels, but only %.1f GB are free. A "
                "smaller render factor takes less.",
                *(self.title, needed / 1e9, side, free / 1e9),
            )

    def _check_output(self, made: torch.Tensor) -> np.ndarray:
        """Return the output of a network, (1, C, S, S), as float32 (S, S, C).

        Raises:
            ModelError: it contains infinities or NaN.
        """
        if not torch.isfinite(made).all():
            raise ModelError(
                f"The result of {self.title} in {self.precision} contains values that are not "
                "numbers. Run it again with Runtime(forced_precision='fp32'). If that does not "
                "help, its weights are damaged; download them again."
            )
        return made[0].permute(1, 2, 0).contiguous().cpu().numpy()


class LabColorizer(SquareColorizer):
    """A network that predicts a and b of Lab from the lightness of a picture.

    Attributes:
        multiple: the sides of the network's input are multiples of this; other sides are rounded
            up.
    """

    multiple: ClassVar[int] = _SQUARE_STEP

    @abstractmethod
    def _stretch(self, luma: np.ndarray, side: int) -> np.ndarray:
        """Resize a picture, float32 (H, W), to a square, as the authors do."""

    @abstractmethod
    def _lightness(self, grey: np.ndarray) -> np.ndarray:
        """Return L of Lab, (S, S) float32 in 0..100, of grey in [0, 1], as the authors do."""

    @abstractmethod
    def _predict(self, lightness: np.ndarray) -> torch.Tensor:
        """Predict a and b, (1, 2, S, S) float32, from lightness, (S, S) float32 in 0..100."""

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
    """Convert L, (H, W), and a and b, (H, W, 2), all float32, to RGB in [0, 1]."""
    return cv2.cvtColor(np.dstack([lightness, ab]), cv2.COLOR_Lab2RGB).clip(0, 1)

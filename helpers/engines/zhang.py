"""Colour grey pictures with one of Richard Zhang's networks; and what every such engine shares.

    engine = Zhang(state)                        # ECCV16 or SIGGRAPH17: the weights tell
    small, = engine.colours([luma], 16)          # (256, 256, 3)

A colorizer looks at the whole picture, stretched to a square. Only the colour of what it gives is
of use: it is small, and the film's own brightness is kept (see `stages.colorize`).
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from PIL import Image
from torch import nn

from helpers.engines.images import DTYPES
from helpers.engines.memory import is_out_of_memory
from helpers.engines.states import expected_shapes, fitted
from helpers.engines.zhang_network import UNUSED, ZhangNet, in_numbers, network_of
from helpers.errors import ModelError, OutOfMemoryError

log = logging.getLogger("helpers")

SQUARE_STEP = 16
"""Pixels: a square's side is so many times the render factor."""


class SquareColorizer(ABC):
    """A network on a device that gives a square picture's lightness colours (a and b of Lab).

    The pictures of one call go through the network together. Calls of one number of pictures give
    each of them the same result in any company. May be used from several threads, which take turns.

    Args:
        network: in evaluation mode, on its device.
        memory: gives the bytes that may be used at once.

    Attributes:
        title: what it is called in messages.
        render_factor: the authors' own choice; the side of the square is 16 times as many pixels.
        multiple: what the network's sides are multiples of.
        bytes_per_pixel: about how much memory the network takes in 32-bit numbers.
    """

    title: str
    render_factor: int
    multiple: ClassVar[int] = SQUARE_STEP
    bytes_per_pixel: ClassVar[int]

    def __init__(
        self, network: nn.Module, device: str, precision: str, memory: Callable[[], int]
    ) -> None:
        self.network, self.device, self.precision = network, device, precision
        self.memory = memory
        self._lock = threading.Lock()
        self._fits: dict[int, int] = {}  # for a square's side: how many are known to fit at once

    @abstractmethod
    def _stretched(self, luma: np.ndarray, side: int) -> np.ndarray:
        """Resize a float32 (H, W) picture to a square as the authors do."""

    @abstractmethod
    def _predicted(self, lightness: np.ndarray) -> torch.Tensor:
        """Give a and b of Lab, (N, 2, S, S) float32, for lightness, (N, S, S) float32 in 0..100."""

    def facts(self) -> list[tuple[str, str]]:
        """Return what there is to know about it, for a person: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        side = SQUARE_STEP * self.render_factor
        return [
            ("architecture", self.title),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
            ("square", f"{side}x{side} pixels at its render factor of {self.render_factor}"),
        ]

    def colours(self, luma: list[np.ndarray], render_factor: int) -> list[np.ndarray]:
        """Colour grey pictures.

        Args:
            luma: float32 (H, W) in [0, 1], gamma-encoded grey (what R = G = B would be).
            render_factor: the square's side is 16 times as many pixels. Where the network cannot
                take that side it is given the next larger one that it can.

        Returns:
            float32 (S, S, 3) RGB in [0, 1], S = 16 * render_factor: each picture stretched to the
            square, in the network's colours.

        Raises:
            OutOfMemoryError: not even one picture fits.
            ModelError: the network gave numbers that are none.
        """
        with self._lock:  # one call at a time: two would only share the same cores and memory
            side = SQUARE_STEP * render_factor
            while True:
                batch = self._fits.setdefault(side, self._fitting(side))
                try:
                    return self._in_batches(luma, side, min(batch, len(luma)))
                except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                    if not is_out_of_memory(error):
                        raise
                self._fits[side] = self._halved(min(batch, len(luma)), side)

    def _fitting(self, side: int) -> int:
        """Return how many squares the memory allows at once."""
        size = torch.finfo(DTYPES[self.precision]).bits / 32
        return max(int(self.memory() / (self.bytes_per_pixel * size * side**2)), 1)

    def _halved(self, batch: int, side: int) -> int:
        if self.device == "cuda":
            torch.cuda.empty_cache()
        if batch <= 1:
            del self._fits[side]  # when it is tried again there may be room
            raise OutOfMemoryError(
                f"{self.title} ran out of memory on a square of {side}x{side} pixels. No frame was "
                "lost or faked. Close other programs or notebooks, or choose a render factor below "
                f"{side // SQUARE_STEP}, and run it again: it goes on here."
            ) from None
        log.warning("Out of memory with %d pictures at once; trying %d.", batch, batch // 2)
        return batch // 2

    def _in_batches(self, luma: list[np.ndarray], side: int, batch: int) -> list[np.ndarray]:
        """Colour `batch` pictures at a time; the last of them is repeated where some are wanting.

        A network may round differently for another number of pictures.
        """
        made: list[np.ndarray] = []
        for start in range(0, len(luma), batch):
            part = luma[start : start + batch]
            made += self._run(part + part[-1:] * (batch - len(part)), side)[: len(part)]
        return made

    def _run(self, luma: list[np.ndarray], side: int) -> list[np.ndarray]:
        """Put pictures through the network once."""
        able = -(-side // self.multiple) * self.multiple
        seen = np.stack([lightness(self._stretched(picture, able)) for picture in luma])
        with torch.inference_mode():
            predicted = self._predicted(seen)
        if not torch.isfinite(predicted).all():
            raise ModelError(
                f"{self.title} gave numbers that are none in {self.precision}. The file of weights "
                "may be damaged, or the network cannot count so coarsely: choose fp32."
            )
        ab = list(predicted.permute(0, 2, 3, 1).contiguous().cpu().numpy())
        if able != side:
            seen = [lightness(self._stretched(picture, side)) for picture in luma]
            ab = [cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA) for plane in ab]
        return [coloured(*planes) for planes in zip(seen, ab, strict=True)]


def lightness(grey: np.ndarray) -> np.ndarray:
    """Return L of Lab, (H, W) float32 in 0..100, of grey in [0, 1]."""
    return cv2.cvtColor(np.dstack([grey] * 3), cv2.COLOR_RGB2Lab)[..., 0]


def coloured(lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Join L, (H, W), and a, b, (H, W, 2), all float32, to RGB in [0, 1]."""
    return cv2.cvtColor(np.dstack([lightness, ab]), cv2.COLOR_Lab2RGB).clip(0, 1)


class Zhang(SquareColorizer):
    """ECCV16 or SIGGRAPH17 on a device; see `SquareColorizer`.

    Args:
        state: the weights under their official names; they tell which network it is.
        device, precision: where and in which numbers it runs; its last layer always in 32 bits.
        memory: gives the bytes that may be used at once.

    Raises:
        ModelError: the weights are of neither.
    """

    render_factor = 16
    bytes_per_pixel = 2500

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
    ) -> None:
        build = network_of(set(state))
        self.title = build.title
        used = {name: value for name, value in state.items() if not name.startswith(UNUSED)}
        with torch.device("meta"):
            network: ZhangNet = build()
        network.load_state_dict(fitted(used, expected_shapes(build), self.title), assign=True)
        super().__init__(in_numbers(network, device, DTYPES[precision]), device, precision, memory)

    def _stretched(self, luma: np.ndarray, side: int) -> np.ndarray:
        # Bicubic, over an area where it gets smaller. In floats: the authors' rounding to 8 bits
        # would only make steps of a picture of 16.
        picture = Image.fromarray(np.ascontiguousarray(luma, np.float32))
        resized = picture.resize((side, side), Image.Resampling.BICUBIC)
        return np.asarray(resized).clip(0, 1)

    def _predicted(self, lightness: np.ndarray) -> torch.Tensor:
        return self.network(torch.from_numpy(lightness[:, None]).to(self.device))

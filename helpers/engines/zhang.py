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

    Every picture goes through the network alone: in company it would be rounded otherwise, at
    every place in a batch in another way, and a frame's colours must not depend on its neighbours.
    May be used from several threads, which take turns.

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
        self._warned: set[int] = set()  # sides that memory was short for, and that was said

    @abstractmethod
    def _stretched(self, luma: np.ndarray, side: int) -> np.ndarray:
        """Resize a float32 (H, W) picture to a square as the authors do."""

    @abstractmethod
    def _lightness(self, grey: np.ndarray) -> np.ndarray:
        """Return L of Lab, (S, S) float32 in 0..100, of float32 grey in [0, 1], as the authors."""

    @abstractmethod
    def _predicted(self, lightness: np.ndarray) -> torch.Tensor:
        """Give a and b of Lab, (1, 2, S, S) float32, for lightness, (S, S) float32 in 0..100."""

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
            OutOfMemoryError: the square does not fit.
            ModelError: the network gave numbers that are none.
        """
        side = SQUARE_STEP * render_factor
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

    def _run(self, luma: np.ndarray, side: int) -> np.ndarray:
        """Put a picture through the network."""
        able = -(-side // self.multiple) * self.multiple
        seen = self._lightness(self._stretched(luma, able))
        with torch.inference_mode():
            predicted = self._predicted(seen)[0]
        if not torch.isfinite(predicted).all():
            raise ModelError(
                f"{self.title} gave numbers that are none in {self.precision}. The file of weights "
                "may be damaged, or the network cannot count so coarsely: choose fp32."
            )
        ab = predicted.permute(1, 2, 0).contiguous().cpu().numpy()
        if able != side:
            seen = self._lightness(self._stretched(luma, side))
            ab = cv2.resize(ab, (side, side), interpolation=cv2.INTER_AREA)
        return coloured(seen, ab)


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

    def _lightness(self, grey: np.ndarray) -> np.ndarray:
        # OpenCV looks colours up in a table, which puts L off by up to 0.2; not so linear ones.
        linear = np.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)
        return cv2.cvtColor(np.dstack([linear.astype(np.float32)] * 3), cv2.COLOR_LRGB2Lab)[..., 0]

    def _predicted(self, lightness: np.ndarray) -> torch.Tensor:
        return self.network(torch.from_numpy(lightness[None, None]).to(self.device))

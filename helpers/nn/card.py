"""Pictures that lie on a graphics card, and their way there and back.

    there = upload(image, "cuda")     # returns at once
    there.fetch()                     # begins to bring it back; returns at once
    np.asarray(there)                 # waits until it is here

Copies go through pinned memory on streams of their own, so that they run beside the computing. A
picture crosses as its levels, 3 or 6 bytes a pixel; it becomes a tensor of floats on the card
(`nn.tensors`). On the CPU the same code runs without streams, which the tests use.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch


class PixelsOnCard:
    """A picture on a graphics card, in the place of an array: it has a shape and a type.

    Args:
        bits: (H, W, 3) uint8, or int16 with the bits of uint16, for which torch has little
            arithmetic; must not be modified.
        origin: the array that it was brought from, if it was.
    """

    def __init__(self, bits: torch.Tensor, origin: np.ndarray | None = None) -> None:
        self.bits, self.origin = bits, origin
        self._image = origin
        self._coming: tuple[torch.Tensor, torch.cuda.Event] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and the three channels."""
        return tuple(self.bits.shape)

    @property
    def dtype(self) -> np.dtype:
        """The type of the array, uint8 or uint16."""
        return np.dtype(np.uint8 if self.bits.dtype == torch.uint8 else np.uint16)

    @torch.inference_mode()  # elsewhere, what a network made there must not be touched
    def fetch(self) -> None:
        """Begin to bring the picture into the computer's memory, without waiting for it."""
        if self._image is not None or self._coming is not None:
            return
        device = self.bits.device
        if device.type != "cuda":
            self._image = to_array(self.bits)
            return
        lane = _lane(device, "down")
        lane.wait_stream(torch.cuda.current_stream(device))  # until it is computed
        with torch.cuda.stream(lane):
            here = _pinned(self.bits)
            here.copy_(self.bits, non_blocking=True)
            # An event that blocks: a waiting thread must not spin on a core that encoding needs.
            arrived = torch.cuda.Event(blocking=True)
            arrived.record(lane)
        self.bits.record_stream(lane)
        self._coming = here, arrived

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the picture as an array; wait for it if it is still on its way."""
        self.fetch()
        coming = self._coming
        if self._image is None and coming is not None:
            here, arrived = coming
            arrived.synchronize()
            self._image, self._coming = to_array(here), None
        return np.array(self._image, dtype, copy=copy)

    def __reduce__(self) -> tuple[Any, ...]:
        return np.asarray, (np.asarray(self),)  # another process gets an array


Bits = np.ndarray | PixelsOnCard | torch.Tensor
"""A picture: an array, pixels on a card, or its bits alone."""


def is_card(device: str) -> bool:
    """Tell whether pictures are left on a device until they are needed elsewhere."""
    return torch.device(device).type == "cuda"


def place(pixels: Sequence[Any], device: str) -> list[Any]:
    """Return pictures where an engine takes them: on its card, or as arrays.

    Args:
        pixels: arrays, or pictures on a card.
        device: the engine's.
    """
    if not is_card(device):
        return [np.asarray(one) for one in pixels]
    return [one if isinstance(one, PixelsOnCard) else upload(one, device) for one in pixels]


@torch.inference_mode()
def upload(image: np.ndarray, device: str) -> PixelsOnCard:
    """Bring a picture, (H, W, 3) uint8 or uint16, to a device, without waiting for it."""
    bits, there = to_bits(image), torch.device(device)
    if there.type != "cuda":
        return PixelsOnCard(bits.to(there), image)
    lane, computing = _lane(there, "up"), torch.cuda.current_stream(there)
    with torch.cuda.stream(lane):
        moved = _pinned(bits).copy_(bits).to(there, non_blocking=True)
    computing.wait_stream(lane)
    moved.record_stream(computing)
    return PixelsOnCard(moved, image)


def to_bits(picture: Bits) -> torch.Tensor:
    """Return a picture as (H, W, 3) uint8, or int16 with the bits of uint16, where it lies."""
    if isinstance(picture, torch.Tensor):
        return picture
    if isinstance(picture, PixelsOnCard):
        return picture.bits
    if picture.dtype == np.uint16:
        picture = picture.view(np.int16)
    return torch.from_numpy(np.require(picture, requirements=("C", "W")))


def to_array(bits: torch.Tensor) -> np.ndarray:
    """Return the bits of a picture as an array, (H, W, 3) uint8 or uint16."""
    image = bits.cpu().numpy()
    return image.view(np.uint16) if image.dtype == np.int16 else image


def _pinned(bits: torch.Tensor) -> torch.Tensor:
    """Return memory of the computer for bits, from and to which a card copies by itself."""
    return torch.empty(bits.shape, dtype=bits.dtype, pin_memory=True)


@cache
def _lane(device: torch.device, way: str) -> torch.cuda.Stream:
    """Return the stream on which pictures go one way, "up" or "down"."""
    return torch.cuda.Stream(device)

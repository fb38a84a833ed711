"""Convert pictures to tensors and tensors to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch

from helpers.nn.card import Bits, PixelsOnCard, to_array, to_bits

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
"""The precisions of a network, by the runtime's names."""


def to_tensor(pictures: Sequence[Bits], device: str, dtype: torch.dtype) -> torch.Tensor:
    """Convert pictures to a batch.

    Args:
        pictures: (H, W, 3) RGB of one size, uint8 or uint16; arrays, or on a card.
        device, dtype: those of the batch.

    Returns:
        (N, 3, H, W) in [0, 1], channels last in memory.
    """
    every = [to_bits(picture) for picture in pictures]
    bits = (every[0][None] if len(every) == 1 else torch.stack(every)).to(device)
    return to_levels(bits).permute(0, 3, 1, 2).div_(_top(bits.dtype)).to(dtype)


def to_levels(bits: torch.Tensor) -> torch.Tensor:
    """Convert bits, (..., 3) uint8 or int16, to float32 levels, 0..255 or 0..65535."""
    if bits.dtype == torch.int16:
        bits = bits.to(torch.int32).bitwise_and_(0xFFFF)
    return bits.to(torch.float32)


def from_levels(levels: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Convert float32 levels, which are in the range, to bits, uint8 or int16.

    They are rounded in place, halves to even numbers.
    """
    levels = levels.round_()
    return levels.to(dtype) if dtype == torch.uint8 else levels.to(torch.int32).to(dtype)


def from_tensor(batch: torch.Tensor, dtype: torch.dtype) -> list[torch.Tensor]:
    """Convert a batch, (N, 3, H, W) of any float type, to bits where it lies; see `to_bits`.

    Args:
        dtype: uint8 or int16.
    """
    levels = batch.to(torch.float32).clamp(0, 1).mul_(_top(dtype))
    return list(from_levels(levels, dtype).permute(0, 2, 3, 1).contiguous())


def to_images(batch: torch.Tensor, dtype: np.dtype) -> list[np.ndarray]:
    """Convert a batch to pictures, clamped and rounded.

    Args:
        batch: (N, 3, H, W), any float type.
        dtype: uint8 or uint16.
    """
    # One by one, because pictures are freed one by one: the allocator reuses memory of that size,
    # but returns the memory of a whole batch to the system every time.
    return [to_array(bits) for bits in from_tensor(batch, _bits_type(dtype))]


def to_pixels(batch: torch.Tensor, like: Bits) -> list[Any]:
    """Convert a batch to pictures of the type of `like`, and where that is: arrays or on a card."""
    if isinstance(like, PixelsOnCard):
        return [PixelsOnCard(bits) for bits in from_tensor(batch, like.bits.dtype)]
    return to_images(batch, like.dtype)  # type: ignore[arg-type]


class UnroundedPixels(PixelsOnCard):
    """A picture on a card as a network left it; it is rounded when its bits are asked for.

    What is resized first is rounded at the smaller size, which is a fraction of the work.

    Args:
        unit: (3, H, W), black at 0 and white at 1, any float type; what is beyond is clamped.
        kind: the type of its bits, uint8 or int16.
    """

    def __init__(self, unit: torch.Tensor, kind: torch.dtype) -> None:
        self.unit, self.kind = unit, kind
        self.origin = self._image = self._coming = None

    @cached_property
    @torch.inference_mode()
    def bits(self) -> torch.Tensor:  # type: ignore[override]
        """The picture as (H, W, 3) uint8 or int16."""
        return from_tensor(self.unit[None], self.kind)[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and the three channels."""
        return (*self.unit.shape[1:], 3)

    @property
    def dtype(self) -> np.dtype:
        """The type of the array, uint8 or uint16."""
        return np.dtype(np.uint8 if self.kind == torch.uint8 else np.uint16)


def _bits_type(dtype: np.dtype) -> torch.dtype:
    return torch.int16 if dtype == np.uint16 else torch.uint8


def _top(dtype: torch.dtype) -> int:
    """Return the highest level of bits."""
    return 255 if dtype == torch.uint8 else 65535


def to_ycrcb(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split a picture into luma and colour differences (OpenCV's YCrCb: BT.601, full range).

    Args:
        image: (H, W, 3) RGB, uint8 or uint16.

    Returns:
        Luma, (H, W) of the picture's type; and Cr and Cb, (H, W, 2) float32 in [0, 1].
    """
    top = np.iinfo(image.dtype).max
    planes = cv2.cvtColor(image.astype(np.float32) / np.float32(top), cv2.COLOR_RGB2YCrCb)
    return np.rint(planes[..., 0] * top).astype(image.dtype), planes[..., 1:]


def from_ycrcb(luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Join luma, (H, W) uint8 or uint16, and colour differences, (H, W, 2) float32, to RGB."""
    top = np.iinfo(luma.dtype).max
    planes = np.dstack([luma.astype(np.float32) / np.float32(top), chroma])
    rgb = cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB)
    return np.rint(rgb.clip(0, 1) * top).astype(luma.dtype)

"""Convert pictures to tensors and tensors to pictures."""

from __future__ import annotations

import cv2
import numpy as np
import torch

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}
"""The precisions of a network, by the runtime's names."""


def to_tensor(images: list[np.ndarray], device: str, dtype: torch.dtype) -> torch.Tensor:
    """Convert pictures to a batch.

    Args:
        images: (H, W, 3) RGB of one size, uint8 or uint16.
        device, dtype: those of the batch.

    Returns:
        (N, 3, H, W) in [0, 1], channels last in memory.
    """
    stack = np.stack(images)
    top = 65535 if stack.dtype == np.uint16 else 255
    if stack.dtype == np.uint16:
        stack = stack.astype(np.int32)  # torch has little arithmetic for uint16
    batch = torch.from_numpy(stack).to(device).permute(0, 3, 1, 2)
    return batch.to(torch.float32).div_(top).to(dtype)


def to_images(batch: torch.Tensor, dtype: np.dtype) -> list[np.ndarray]:
    """Convert a batch to pictures, clamped and rounded.

    Args:
        batch: (N, 3, H, W), any float type.
        dtype: uint8 or uint16.
    """
    top = 65535 if dtype == np.uint16 else 255
    levels = batch.to(torch.float32).clamp(0, 1).mul_(top).round_()
    levels = levels.to(torch.uint8 if top == 255 else torch.int32).permute(0, 2, 3, 1)
    # One by one, because pictures are freed one by one: the allocator reuses memory of that size,
    # but returns the memory of a whole batch to the system every time.
    return [one.cpu().numpy().astype(dtype, copy=False) for one in levels.contiguous()]


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

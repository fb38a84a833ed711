"""The one place where pictures become a network's tensors and come back."""

from __future__ import annotations

import numpy as np
import torch


def to_tensor(images: list[np.ndarray], device: str, dtype: torch.dtype) -> torch.Tensor:
    """Turn pictures into a batch.

    Args:
        images: (H, W, 3) RGB of one size, uint8 or uint16.

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
    """Turn a batch back into pictures, rounded and clamped.

    Args:
        batch: (N, 3, H, W), any float type.
        dtype: uint8 or uint16.
    """
    top = 65535 if dtype == np.uint16 else 255
    levels = batch.to(torch.float32).clamp(0, 1).mul_(top).round_()
    levels = levels.to(torch.uint8 if top == 255 else torch.int32).permute(0, 2, 3, 1)
    array = levels.contiguous().cpu().numpy().astype(dtype, copy=False)
    return list(array)

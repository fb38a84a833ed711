"""Telling that memory ran out, whatever ran out of it."""

from __future__ import annotations

import torch

MEMORY_SIGNS = (
    "out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "alloc_failed",
)  # fmt: skip
"""How CUDA, MPS, the CPU's allocators, cuDNN and cuBLAS say that memory ran out."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out, on any device."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return any(sign in text for sign in MEMORY_SIGNS)

"""Telling that memory ran out, whatever ran out of it, and going on in smaller tiles."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from helpers.errors import OutOfMemoryError

T = TypeVar("T")

log = logging.getLogger("helpers")

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


def in_fitting_tiles(
    work: Callable[[int], T], tile: int, smallest: int, complaint: str
) -> tuple[T, int]:
    """Do work in tiles that are halved for as long as memory runs out.

    Args:
        work: does it in tiles of a side in pixels.
        tile, smallest: the side to begin with, and the least.
        complaint: what to say when not even that fits; "{tile}" stands for the side.

    Returns:
        What was made, and the side that fitted.

    Raises:
        OutOfMemoryError: not even the smallest tile fits.
    """
    while True:
        try:
            return work(tile), tile
        except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if tile <= smallest:
            raise OutOfMemoryError(complaint.replace("{tile}", str(tile)))
        smaller = max(tile // 2, smallest)
        log.warning("Out of memory with tiles of %d pixels; trying %d.", tile, smaller)
        tile = smaller

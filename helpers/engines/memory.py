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


class FittingTiles:
    """Does work in tiles that are halved for as long as memory runs out, and remembers the side.

    Args:
        smallest: the least side, in pixels.

    Attributes:
        known: the largest side that is known to fit, once one did not; until then None.
    """

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest
        self.known: int | None = None

    def run(self, work: Callable[[int], T], begin: int, complaint: str) -> T:
        """Do the work and return what it made.

        Args:
            work: does it in tiles of a side in pixels.
            begin: the side to begin with.
            complaint: what to say when not even the smallest fits; "{tile}" stands for the side.

        Raises:
            OutOfMemoryError: not even the smallest tile fits.
        """
        tile = begin
        while True:
            try:
                made = work(tile)
            except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            else:
                self.known = tile if tile < begin else self.known
                return made
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if tile <= self.smallest:
                self.known = None  # when it is tried again there may be room
                raise OutOfMemoryError(complaint.replace("{tile}", str(tile)))
            smaller = max(tile // 2, self.smallest)
            log.warning("Out of memory with tiles of %d pixels; trying %d.", tile, smaller)
            tile = smaller

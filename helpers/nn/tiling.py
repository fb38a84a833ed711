"""Process pictures in tiles, which become smaller when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch

from helpers.errors import OutOfMemoryError

T = TypeVar("T")
Image = TypeVar("Image", np.ndarray, torch.Tensor)

log = logging.getLogger("helpers")

_MEMORY_SIGNS = (
    "out of memory", "can't allocate memory", "not enough memory", "bad_alloc", "alloc_failed",
)  # fmt: skip
"""Parts of the messages of CUDA, MPS, the CPU's allocators, cuDNN and cuBLAS for lack of memory."""


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error means that memory ran out, on any device."""
    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return any(sign in text for sign in _MEMORY_SIGNS)


class FittingTiles:
    """Halves the size of tiles until they fit in memory, and remembers the size.

    Args:
        smallest: the smallest side of a tile, in pixels.

    Attributes:
        known: the side that fits, after a larger one did not; until then None.
    """

    def __init__(self, smallest: int) -> None:
        self.smallest = smallest
        self.known: int | None = None

    def run(self, work: Callable[[int], T], begin: int, complaint: str) -> T:
        """Do the work with tiles that fit, and return its result.

        Args:
            work: does the work in tiles; takes their side in pixels.
            begin: the first side to try.
            complaint: the message if even the smallest tile does not fit; "{tile}" is replaced by
                its side.

        Raises:
            OutOfMemoryError: even the smallest tile does not fit in memory.
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
                self.known = None  # there may be more memory at the next attempt
                raise OutOfMemoryError(complaint.replace("{tile}", str(tile)))
            smaller = max(tile // 2, self.smallest)
            log.warning("Out of memory with tiles of %d pixels; trying %d.", tile, smaller)
            tile = smaller


def pad(image: np.ndarray, down: int, across: int) -> np.ndarray:
    """Pad a picture at the bottom and right, mirrored if it is large enough, else by repetition."""
    height, width = image.shape[:2]
    mode = "reflect" if down < height and across < width else "edge"
    return np.pad(image, ((0, down), (0, across), (0, 0)), mode=mode) if down or across else image


def enlarge_in_tiles(
    images: list[Image],
    tile: tuple[int, int],
    overlap: int,
    scale: int,
    enlarge: Callable[[list[Image]], list[Image]],
) -> list[Image]:
    """Enlarge pictures of one size in overlapping tiles.

    Args:
        images: (H, W, 3), of one size and type; arrays, or tensors on any device.
        tile: rows and columns of a tile.
        overlap: pixels by which the input of a tile is larger on each side.
        scale: how many times larger each side becomes.
        enlarge: enlarges the inputs of tiles, which all have one size.
    """
    height, width = images[0].shape[:2]
    out: list[Any] = [_blank(image, height * scale, width * scale) for image in images]
    for top, bottom, above, below in tile_spans(height, tile[0], overlap):
        for left, right, before, after in tile_spans(width, tile[1], overlap):
            pieces: list[Any] = enlarge([image[above:below, before:after] for image in images])  # type: ignore[misc]
            rows = slice((top - above) * scale, (bottom - above) * scale)
            columns = slice((left - before) * scale, (right - before) * scale)
            place = np.s_[top * scale : bottom * scale, left * scale : right * scale]
            for whole, piece in zip(out, pieces, strict=True):
                whole[place] = piece[rows, columns]
    return out


def _blank(image: Any, height: int, width: int) -> Any:
    """Return memory for a picture of another size, like `image` and where it is."""
    if isinstance(image, torch.Tensor):
        return image.new_empty((height, width, 3))
    return np.empty((height, width, 3), image.dtype)


def tile_spans(length: int, tile: int, overlap: int) -> list[tuple[int, int, int, int]]:
    """Divide a side into tiles; return (start, stop) of each result and (start, stop) of its input.

    All inputs have the same length, also at the border, so that the network always gets the same
    shape. If that is the whole side, there is only one tile.
    """
    seen = min(tile + 2 * overlap, length)
    step = length if seen == length else tile
    cuts = [(start, min(start + step, length)) for start in range(0, length, step)]
    places = [min(max(start - overlap, 0), length - seen) for start, _ in cuts]
    return [(*cut, place, place + seen) for cut, place in zip(cuts, places, strict=True)]

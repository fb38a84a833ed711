"""Divide a film into fixed blocks of frames, for recurrent models.

A recurrent network passes features through all frames of its input, so that every result depends on
every frame. Here the film is divided into blocks, counted from its first frame, and at the cuts
between shots. Each part is computed with a few more frames of its shot on both sides. So the frames
on which a result depends are determined by its number, not by the range that is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise

import numpy as np

from helpers.clip import Frame

BLOCK = 12
"""The number of frames that are computed together."""

CONTEXT = 4
"""The number of additional frames on each side. On a real film, with generated weights, they reduce
the difference at the border of blocks from 6.8 grey levels to 1.0
(benchmarks/quality/basicvsr_blocks.py)."""


def block_window(start: int, stop: int, length: int) -> tuple[int, int]:
    """Return the range of frames, half-open, needed for frames start..stop-1 of a film.

    Args:
        start, stop: the range of the result, half-open.
        length: the number of frames of the film.
    """
    begin, end = start // BLOCK * BLOCK, -(-stop // BLOCK) * BLOCK
    return max(begin - CONTEXT, 0), min(end + CONTEXT, length)


def map_blocks(
    start: int,
    stop: int,
    frames: Iterator[Frame],
    compute: Callable[[list[np.ndarray], range], Iterable[np.ndarray]],
) -> Iterator[Frame]:
    """Compute frames start..stop-1 with `compute`, in blocks with their context.

    Only a block and its context are kept in memory.

    Args:
        start, stop: the range of the result, half-open.
        frames: the frames of `block_window`, in order, with their cuts marked.
        compute: takes a sequence of images and a range, and returns the results for the images with
            numbers in that range. A result must not depend on the range.
    """
    first = max(start // BLOCK * BLOCK - CONTEXT, 0)
    seen: list[Frame] = []  # beginning with frame number `first`
    for begin in range(start // BLOCK * BLOCK, stop, BLOCK):
        seen += islice(frames, begin + BLOCK + CONTEXT - first - len(seen))
        for part, around in split_block(begin, first, seen):
            wanted = range(max(part.start, start), min(part.stop, stop))
            if wanted:
                images = [seen[number - first].image for number in around]
                within = range(wanted.start - around.start, wanted.stop - around.start)
                made = compute(images, within)
                for number, image in zip(wanted, made, strict=True):
                    yield Frame(image, seen[number - first].time)
        done = max(begin + BLOCK - CONTEXT - first, 0)
        first += done
        del seen[:done]


def split_block(begin: int, first: int, seen: list[Frame]) -> Iterator[tuple[range, range]]:
    """Divide a block at the cuts; yield the range of each part, without and with its context.

    Args:
        begin: the number of the first frame of the block.
        first: the number of the first frame in `seen`.
        seen: the frames of the block and its context, as far as the film has them.
    """
    last = first + len(seen)
    cuts = [number for number, frame in enumerate(seen, first) if frame.cut]
    end = min(begin + BLOCK, last)
    for start, stop in pairwise([begin, *(cut for cut in cuts if begin < cut < end), end]):
        left = max(first, start - CONTEXT, *(cut for cut in cuts if cut <= start))
        right = min(last, stop + CONTEXT, *(cut for cut in cuts if cut >= stop))
        yield range(start, stop), range(left, right)

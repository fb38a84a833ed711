"""A film in fixed blocks of frames, for models that look at many neighbours at once.

A recurrent network carries what it knows through all the frames it is given, so that every result
depends on every frame. Here the film is cut into blocks, counted from its first frame, and at the
cuts between shots; each part is computed from itself and a few frames of its shot on either side.
Which frames a result depends on is then decided by its number, never by the range that is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, pairwise

import numpy as np

from helpers.clip import Frame

BLOCK = 12
"""Frames that are computed together."""

CONTEXT = 4
"""Frames on either side of them that are looked at as well. On a real film, with generated weights,
they bring what shows at a seam from 6.8 grey levels to 1.0
(benchmarks/quality/basicvsr_blocks.py)."""


def block_window(start: int, stop: int, length: int) -> tuple[int, int]:
    """Return which frames, half-open, must be seen to make start..stop-1 of a film of `length`."""
    begin, end = start // BLOCK * BLOCK, -(-stop // BLOCK) * BLOCK
    return max(begin - CONTEXT, 0), min(end + CONTEXT, length)


def map_blocks(
    start: int,
    stop: int,
    frames: Iterator[Frame],
    compute: Callable[[list[np.ndarray], range], Iterable[np.ndarray]],
) -> Iterator[Frame]:
    """Put the images of frames start..stop-1 through `compute`, with their neighbours.

    No more than a block and its context are held at once.

    Args:
        frames: the frames of `block_window`, in order, with their cuts marked.
        compute: makes, of a sequence of images, those whose numbers in it are in the range; what it
            makes of one must not depend on which others are asked for.
    """
    first = max(start // BLOCK * BLOCK - CONTEXT, 0)
    seen: list[Frame] = []  # from number `first` on
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
    """Give the parts of the block at `begin` that lie in one shot, each alone and with its context.

    Args:
        first: the number of the first frame in `seen`.
        seen: the block and its context, as far as the film goes.
    """
    last = first + len(seen)
    cuts = [number for number, frame in enumerate(seen, first) if frame.cut]
    end = min(begin + BLOCK, last)
    for start, stop in pairwise([begin, *(cut for cut in cuts if begin < cut < end), end]):
        left = max(first, start - CONTEXT, *(cut for cut in cuts if cut <= start))
        right = min(last, stop + CONTEXT, *(cut for cut in cuts if cut >= stop))
        yield range(start, stop), range(left, right)

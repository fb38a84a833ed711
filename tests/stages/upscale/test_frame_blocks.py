"""Fixed blocks of frames with their context."""

from fractions import Fraction

import numpy as np

from helpers.clip import MemoryClip
from helpers.stages.upscale.frame_blocks import BLOCK, CONTEXT, block_window, map_blocks

# --- blocks -------------------------------------------------------------------------------------


def looked_at(clip, start, stop):
    """Which frames, by their number, each result is computed from."""
    first, last = block_window(start, stop, len(clip))
    numbers = {frame.time: number for number, frame in enumerate(clip)}
    calls = []

    def compute(images, keep):
        calls.append([int(image[0, 0, 0]) for image in images])
        return [images[number] for number in keep]

    made = list(map_blocks(start, stop, clip.frames(first, last), compute))
    assert [numbers[frame.time] for frame in made] == list(range(start, stop))
    assert [int(frame.image[0, 0, 0]) for frame in made] == list(range(start, stop))
    return calls


def numbered_clip(count, cuts=()):
    images = [np.full((2, 2, 3), number, np.uint8) for number in range(count)]
    return MemoryClip(images, list(map(Fraction, range(count))), Fraction(count), cuts)


def test_a_block_is_computed_from_itself_and_its_context():
    clip = numbered_clip(4 * BLOCK)
    around = list(range(2 * BLOCK - CONTEXT, 3 * BLOCK + CONTEXT))
    assert looked_at(clip, 2 * BLOCK, 3 * BLOCK) == [around]
    assert looked_at(clip, 2 * BLOCK + 3, 2 * BLOCK + 4) == [around]
    assert looked_at(clip, 1, 2) == [list(range(BLOCK + CONTEXT))]
    assert looked_at(clip, 4 * BLOCK - 1, 4 * BLOCK) == [
        list(range(3 * BLOCK - CONTEXT, 4 * BLOCK))
    ]


def test_nothing_is_carried_over_a_cut():
    clip = numbered_clip(3 * BLOCK, [Fraction(BLOCK - 2), Fraction(BLOCK + 5), Fraction(BLOCK + 6)])
    assert looked_at(clip, BLOCK, 2 * BLOCK) == [
        list(range(BLOCK - 2, BLOCK + 5)),
        [BLOCK + 5],
        list(range(BLOCK + 6, 2 * BLOCK + CONTEXT)),
    ]


def test_no_more_than_a_block_and_its_context_is_held():
    read = []
    clip = numbered_clip(10 * BLOCK)

    def watched():
        for frame in clip:
            read.append(frame)
            yield frame

    made = map_blocks(0, len(clip), watched(), lambda images, keep: [images[n] for n in keep])
    for number, _ in enumerate(made):
        assert len(read) <= (number // BLOCK + 1) * BLOCK + CONTEXT

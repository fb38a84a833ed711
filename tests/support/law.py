"""A small film of everything, and the law that every clip obeys."""

import random
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import numpy as np

from helpers.clip import Clip, Frame, MemoryClip


def varying_clip(
    count: int = 12,
    width: int = 24,
    height: int = 18,
    dtype: type = np.uint8,
    cuts: tuple[int, ...] = (5, 9),
    seed: int = 1,
    still: bool = False,
) -> MemoryClip:
    """A small film of uneven spacing: something moves, some pictures repeat, shots change.

    Args:
        cuts: numbers of the frames at which shots begin; those beyond the end are left out.
        still: never repeat a picture.
    """
    dice = random.Random(seed)
    noise = np.random.default_rng(seed)
    cuts = tuple(number for number in cuts if number < count)
    base = noise.integers(0, 256, (height + 2 * count, width + 2 * count, 3)).astype(np.uint8)
    images: list[np.ndarray] = []
    for number in range(count):
        if number in cuts:
            base = 255 - np.roll(base, 3 * number, (0, 1))
        picture = base[number : number + height, 2 * number : 2 * number + width]
        if images and number % 4 == 3 and number not in cuts and not still:
            picture = images[-1]
        images.append(picture.copy())
    if dtype == np.uint16:
        images = [image.astype(np.uint16) * 257 ^ 7 for image in images]
    steps = [Fraction(dice.randint(1, 9), dice.choice((24, 25, 30))) for _ in range(count)]
    begin = Fraction(dice.randint(0, 5), 3)
    times = [begin + sum(steps[:number], Fraction()) for number in range(count + 1)]
    return MemoryClip(images, times[:-1], times[-1], [times[number] for number in cuts])


def one_picture(image: np.ndarray) -> MemoryClip:
    """A film of one picture."""
    return MemoryClip([image], [Fraction(0)], Fraction(1))


def same(one: Iterable[Frame], other: Iterable[Frame]) -> bool:
    """Whether frames are equal to the last bit: pictures, times and cuts."""
    one, other = list(one), list(other)
    return len(one) == len(other) and all(
        (a.time, a.cut, a.image.dtype) == (b.time, b.cut, b.image.dtype)
        and np.array_equal(a.image, b.image)
        for a, b in zip(one, other, strict=True)
    )


def assert_law(clip: Clip, ranges: list[tuple[int, int]] | None = None) -> list[Frame]:
    """Check that any range by itself is the same range of the whole; return the whole.

    Args:
        ranges: those that are tried; every one of a short clip, and ten of others, if left out.
    """
    whole = list(clip.frames())
    if ranges is None and len(whole) < 8:
        ranges = [(a, b) for b in range(len(whole) + 1) for a in range(b + 1)]
    elif ranges is None:
        dice, size = random.Random(len(whole)), len(whole)
        ranges = [(n, n + 1) for n in {0, 1 % size, size // 2, size - 1}]
        ranges += [tuple(sorted((dice.randint(0, size), dice.randint(0, size)))) for _ in range(6)]  # type: ignore[misc]
    for start, stop in ranges:
        part = list(clip.frames(start, stop))
        assert same(part, whole[start:stop]), f"frames {start} to {stop} of {clip} by themselves"
    return whole


def assert_true(clip: Clip, whole: list[Frame]) -> None:
    """Check that what a clip says of itself is true of its frames."""
    info, rise = clip.info, [*clip.times, clip.end]
    assert all(a < b for a, b in pairwise(rise))
    assert all(isinstance(time, Fraction) for time in rise)
    assert [frame.time for frame in whole] == list(clip.times)
    assert {f.image.shape for f in whole} == {(info.height, info.width, 3)}
    assert {f.image.dtype for f in whole} == {np.dtype(info.dtype)}
    assert clip.cuts[0] == clip.times[0]
    assert list(clip.cuts) == [frame.time for frame in whole if frame.cut]

"""Films in memory of given pictures, and how near pictures are to each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np

from helpers.clip import Clip, MemoryClip


def clip_of(images: Sequence[np.ndarray], cuts: Iterable[int] = (), fps: int = 24) -> MemoryClip:
    """A film of these pictures at a constant rate; shots begin at the frames `cuts`."""
    times = [Fraction(number, fps) for number in range(len(images) + 1)]
    return MemoryClip(list(images), times[:-1], times[-1], [times[number] for number in cuts])


def levels(pictures: Iterable[np.ndarray], dtype: type = np.uint8) -> list[np.ndarray]:
    """Pictures in 0..255 of any kind as whole levels of uint8, or of uint16 over its full range."""
    unit = 257 if dtype == np.uint16 else 1
    return [np.clip(np.rint(image * unit), 0, 255 * unit).astype(dtype) for image in pictures]


def psnr(one, other) -> float:
    """How near two pictures, or films, are to each other, in decibels of their largest level."""
    one, other = np.asarray(one), np.asarray(other)
    kinds = [array.dtype for array in (one, other) if array.dtype.kind == "u"]
    error = np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)
    return float(10 * np.log10(np.iinfo(kinds[0]).max ** 2 / error)) if error else np.inf


def steps(clip: Clip) -> list[str]:
    """The names of a clip's stages, from the film on."""
    return [step["stage"] for step in clip.recipe() if "stage" in step]

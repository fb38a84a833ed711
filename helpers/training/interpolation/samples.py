"""Samples for interpolation: first, last, the truth between them, and the flows, on disk.

    maker = MotionMaker(pictures, held_pictures, size=224)
    pool = MotionPool(folder, count=6000, size=224)
    pool.fill(maker)                              # continues an earlier run
    batch = pool.draw_pairs(rng, batch=16, crop=192)

Optical flow takes as long as training on a sample, so it is computed once and kept. The held-out
samples, for validation, are made from pictures that no other sample uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import ModelError
from helpers.imaging.luma import opencv_luma, to_uint8
from helpers.imaging.optical_flow import SMOOTH, measure_both_flows
from helpers.training.cleaner.pool import SERIES, Pool
from helpers.training.cleaner.scenes import ENDINGS, read_picture_files, read_skimage_pictures
from helpers.training.interpolation.camera import FilmFinish
from helpers.training.interpolation.scenes import MotionScene

_SKIMAGE = (
    "astronaut", "cat", "coffee", "rocket", "retina", "immunohistochemistry", "coins", "grass",
    "gravel", "brick", "moon", "camera",
)  # fmt: skip
"""The pictures of scikit-image; their order decides which are held out."""

PARTS = 240
"""Fractions are stored as numerators of this denominator: 1/2, 1/3, 1/4 and 1/5 are exact."""

_FRACTIONS = (48, 60, 80, 96, 144, 160, 180, 192)
"""The times, in PARTS, of a quarter of the samples; all others are half way."""

_HELD_EVERY = 5
"""Every fifth picture is for the held-out samples."""


def read_colour_pictures(folder: Path | str | None = None, most: int = 400) -> list[np.ndarray]:
    """Return pictures to make scenes from, as RGB uint8 (H, W, 3).

    Args:
        folder: a folder to search for pictures, with its subfolders; if None, scikit-image's own
            pictures are used.
        most: the most pictures to read, so that memory is limited.

    Raises:
        ModelError: there are fewer than two, or scikit-image is not installed.
    """
    if folder is None:
        found = read_skimage_pictures(_SKIMAGE)
    else:
        found = [one[..., ::-1] for one in read_picture_files(folder, most, cv2.IMREAD_COLOR)]
    if len(found) < 2:
        raise ModelError(
            f"{len(found)} pictures of at least 64x64 pixels ({', '.join(ENDINGS)}) were found in "
            f"{folder}. At least two are needed, since one is held out; give another folder."
        )
    return [_to_colour(picture) for picture in found]


def _to_colour(picture: np.ndarray) -> np.ndarray:
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    return np.ascontiguousarray(picture[..., :3])


@dataclass(frozen=True)
class Pair:
    """A sample. Arrays are (H, W, C): float32.

    Attributes:
        first, last, truth: (H, W, 3), 0..255.
        forward, backward: (H, W, 2), the flows between first and last.
        fraction: the time of the truth between the two, 0..1.
    """

    first: np.ndarray
    last: np.ndarray
    truth: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    fraction: float


@dataclass
class MotionMaker:
    """Makes samples; the same number makes the same sample.

    Attributes:
        pictures: RGB uint8 (H, W, 3).
        size: pixels a side; even.
        held_out: the first so many samples are made from every HELD_EVERYth picture, the others
            from the rest.
    """

    pictures: Sequence[np.ndarray]
    size: int = 224
    held_out: int = 96

    def sample(self, seed: int) -> np.ndarray:
        """Make one sample, uint8 (MotionPool.planes, size, size)."""
        held = seed % SERIES < self.held_out
        pictures = [
            picture
            for number, picture in enumerate(self.pictures)
            if (number % _HELD_EVERY == min(_HELD_EVERY, len(self.pictures)) - 1) == held
        ]
        rng = np.random.default_rng([seed, 7])
        parts = int(rng.choice(_FRACTIONS)) if rng.random() < 0.25 else PARTS // 2
        scene = MotionScene(pictures, rng, self.size)
        drawn = [scene.draw(time) for time in (0.0, parts / PARTS, 1.0)]
        first, truth, last = FilmFinish(rng).apply(drawn)
        here, there = (to_uint8(opencv_luma(picture)) for picture in (first, last))
        flows = measure_both_flows(here, there, SMOOTH)
        halves = np.concatenate(flows, 2).astype(np.float16)
        planes = np.concatenate([first, last, truth, halves.view(np.uint8)], 2)
        moment = np.full((1, self.size, self.size), parts, np.uint8)
        return np.concatenate([planes.transpose(2, 0, 1), moment])


class MotionPool(Pool):
    """Samples in one file; see `Pool`. Planes: first, last, truth, flows in 16 bits, fraction."""

    planes = 18

    def pairs(self, count: int) -> list[Pair]:
        """Return the first `count` samples unchanged, or fewer if there are fewer."""
        return [_unpack(self.samples[number]) for number in range(min(count, self.filled))]

    def draw_pairs(
        self, rng: np.random.Generator, batch: int, crop: int, held_out: int
    ) -> list[Pair]:
        """Draw samples, never the first `held_out`, with random crops, flips and tones."""
        numbers = rng.integers(held_out, self.filled, batch)
        return [
            vary(_unpack(self._crop(self.samples[number], rng, crop)), rng) for number in numbers
        ]


def _unpack(planes: np.ndarray) -> Pair:
    """Unpack the planes of a sample."""
    seen = np.ascontiguousarray(planes[:17].transpose(1, 2, 0))
    first, last, truth = (seen[..., at : at + 3].astype(np.float32) for at in (0, 3, 6))
    flows = np.ascontiguousarray(seen[..., 9:]).view(np.float16).astype(np.float32)
    forward, backward = (np.ascontiguousarray(flows[..., at : at + 2]) for at in (0, 2))
    return Pair(first, last, truth, forward, backward, int(planes[17, 0, 0]) / PARTS)


def vary(pair: Pair, rng: np.random.Generator) -> Pair:
    """Flip, transpose and tone a sample, permute its colours, or reverse its time."""
    pictures, flows = [pair.first, pair.last, pair.truth], [pair.forward, pair.backward]
    fraction = pair.fraction
    for axis, component in ((1, 0), (0, 1)):
        if rng.random() < 0.5:
            sign = np.ones(2, np.float32)
            sign[component] = -1
            pictures = [np.flip(one, axis) for one in pictures]
            flows = [np.flip(one, axis) * sign for one in flows]
    if rng.random() < 0.3:
        pictures = [one.transpose(1, 0, 2) for one in pictures]
        flows = [one.transpose(1, 0, 2)[..., ::-1] for one in flows]
    if rng.random() < 0.5:
        order = rng.permutation(3)
        pictures = [one[..., order] for one in pictures]
    if rng.random() < 0.3:
        contrast, black = rng.uniform(0.5, 1.0), rng.uniform(0, 30)
        pictures = [one * np.float32(contrast) + np.float32(black) for one in pictures]
    if rng.random() < 0.5:
        pictures, flows, fraction = [pictures[n] for n in (1, 0, 2)], flows[::-1], 1 - fraction
    first, last, truth, forward, backward = (
        np.ascontiguousarray(one) for one in (*pictures, *flows)
    )
    return Pair(first, last, truth, forward, backward, fraction)

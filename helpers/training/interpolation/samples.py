"""Samples for interpolation: first, last, the truth between them, and the flows, on disk.

    maker = MotionMaker(pictures, held_pictures, size=224)
    pool = MotionPool(folder, count=6000, size=224)
    pool.fill(maker)                              # goes on where an earlier run stopped
    batch = pool.draw_pairs(dice, batch=16, crop=192)

Optical flow takes as long as training on a sample does, so it is measured once and kept. Samples
that are held out for validation are made of pictures that no other sample has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import ModelError
from helpers.stages.interpolate.flow import measure_motion
from helpers.training.cleaner.pool import Pool
from helpers.training.cleaner.scenes import ENDINGS, picture_files, skimage_pictures
from helpers.training.interpolation.camera import FilmFinish
from helpers.training.interpolation.scenes import MotionScene

SKIMAGE = (
    "astronaut", "cat", "coffee", "rocket", "retina", "immunohistochemistry", "coins", "grass",
    "gravel", "brick", "moon", "camera",
)  # fmt: skip
"""scikit-image's own pictures; their order decides which are held out."""

PARTS = 240
"""A fraction is kept as a whole number of these, so that 1/2, 1/3, 1/4 and 1/5 are exact."""

FRACTIONS = (48, 60, 80, 96, 144, 160, 180, 192)
"""The moments, in PARTS, of the samples that are not half way: one in four."""

HELD_EVERY = 5
"""Every fifth picture is for samples held out."""


def read_colour_pictures(folder: Path | str | None = None, most: int = 400) -> list[np.ndarray]:
    """Return pictures to make scenes of, as RGB uint8 (H, W, 3).

    Args:
        folder: where to look for picture files, below it too; scikit-image's own if None.
        most: how many are kept at most, so that memory stays bounded.

    Raises:
        ModelError: there are fewer than two, or scikit-image is not installed.
    """
    if folder is None:
        found = skimage_pictures(SKIMAGE)
    else:
        found = [one[..., ::-1] for one in picture_files(folder, most, cv2.IMREAD_COLOR)]
    if len(found) < 2:
        raise ModelError(
            f"{folder} holds {len(found)} pictures of at least 64 pixels a side that can be read; "
            f"two are needed, for one is held out. Allowed are {', '.join(ENDINGS)}."
        )
    return [_colour(picture) for picture in found]


def _colour(picture: np.ndarray) -> np.ndarray:
    if picture.ndim == 2:
        return cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    return np.ascontiguousarray(picture[..., :3])


@dataclass(frozen=True)
class Pair:
    """A sample. Arrays are (H, W, C): float32.

    Attributes:
        first, last, truth: (H, W, 3), 0..255.
        forward, backward: (H, W, 2), the flows between first and last.
        fraction: where between the two the truth is.
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
        held_out: how many samples, the first ones, are made of every HELD_EVERYth picture; the
            others are made of the rest.
    """

    pictures: Sequence[np.ndarray]
    size: int = 224
    held_out: int = 96

    def sample(self, seed: int) -> np.ndarray:
        """Make one sample, uint8 (MotionPool.planes, size, size)."""
        held = seed % 1_000_003 < self.held_out
        pictures = [
            picture
            for number, picture in enumerate(self.pictures)
            if (number % HELD_EVERY == min(HELD_EVERY, len(self.pictures)) - 1) == held
        ]
        dice = np.random.default_rng([seed, 7])
        parts = int(dice.choice(FRACTIONS)) if dice.random() < 0.25 else PARTS // 2
        scene = MotionScene(pictures, dice, self.size)
        drawn = [scene.at(time) for time in (0.0, parts / PARTS, 1.0)]
        first, truth, last = FilmFinish(dice).on(drawn)
        flows = measure_motion(first.astype(np.float32), last.astype(np.float32))
        halves = np.concatenate(flows, 2).astype(np.float16)
        planes = np.concatenate([first, last, truth, halves.view(np.uint8)], 2)
        moment = np.full((1, self.size, self.size), parts, np.uint8)
        return np.concatenate([planes.transpose(2, 0, 1), moment])


class MotionPool(Pool):
    """Samples in one file; see `Pool`. Planes: first, last, truth, flows in 16 bits, fraction."""

    planes = 18

    def pairs(self, count: int) -> list[Pair]:
        """Return the first `count` samples, or as many as there are, as they are."""
        return [_pair(self.samples[number]) for number in range(min(count, self.filled))]

    def draw_pairs(
        self, dice: np.random.Generator, batch: int, crop: int, held_out: int
    ) -> list[Pair]:
        """Draw samples, never from the first `held_out`, each cut, flipped and toned anew."""
        numbers = dice.integers(held_out, self.filled, batch)
        return [varied(_pair(self._cut(number, dice, crop)), dice) for number in numbers]

    def _cut(self, number: int, dice: np.random.Generator, crop: int) -> np.ndarray:
        crop = min(crop, self.size)
        top, left = dice.integers(0, self.size - crop + 1, 2)
        return self.samples[number, :, top : top + crop, left : left + crop]

    def fill_with(
        self,
        maker: MotionMaker,
        seed: int,
        workers: int = 1,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Make the samples that are missing, in several processes; see `fill`."""
        if workers < 2:
            self.fill(maker, seed, progress)  # type: ignore[arg-type]
            return
        with ProcessPoolExecutor(workers) as crew:
            for begin in range(self.filled, self.count, 64):
                numbers = range(begin, min(begin + 64, self.count))
                seeds = [seed * 1_000_003 + number for number in numbers]
                for number, one in zip(numbers, crew.map(maker.sample, seeds), strict=True):
                    self.samples[number] = one
                self.note_filled(numbers.stop)
                if progress:
                    progress(numbers.stop)


def _pair(planes: np.ndarray) -> Pair:
    """Take a sample's planes apart."""
    seen = np.ascontiguousarray(planes[:17].transpose(1, 2, 0))
    first, last, truth = (seen[..., at : at + 3].astype(np.float32) for at in (0, 3, 6))
    flows = np.ascontiguousarray(seen[..., 9:]).view(np.float16).astype(np.float32)
    forward, backward = (np.ascontiguousarray(flows[..., at : at + 2]) for at in (0, 2))
    return Pair(first, last, truth, forward, backward, int(planes[17, 0, 0]) / PARTS)


def varied(pair: Pair, dice: np.random.Generator) -> Pair:
    """Flip, turn and tone a sample, exchange its colours, or let time run backwards."""
    pictures, flows = [pair.first, pair.last, pair.truth], [pair.forward, pair.backward]
    fraction = pair.fraction
    for axis, component in ((1, 0), (0, 1)):
        if dice.random() < 0.5:
            sign = np.ones(2, np.float32)
            sign[component] = -1
            pictures = [np.flip(one, axis) for one in pictures]
            flows = [np.flip(one, axis) * sign for one in flows]
    if dice.random() < 0.3:
        pictures = [one.transpose(1, 0, 2) for one in pictures]
        flows = [one.transpose(1, 0, 2)[..., ::-1] for one in flows]
    if dice.random() < 0.5:
        order = dice.permutation(3)
        pictures = [one[..., order] for one in pictures]
    if dice.random() < 0.3:
        contrast, black = dice.uniform(0.5, 1.0), dice.uniform(0, 30)
        pictures = [one * np.float32(contrast) + np.float32(black) for one in pictures]
    if dice.random() < 0.5:
        pictures, flows, fraction = [pictures[n] for n in (1, 0, 2)], flows[::-1], 1 - fraction
    first, last, truth, forward, backward = (
        np.ascontiguousarray(one) for one in (*pictures, *flows)
    )
    return Pair(first, last, truth, forward, backward, fraction)

"""A pool of samples on disk, which are made once and drawn many times.

    pool = Pool(folder, count=2000, size=160)
    pool.fill(maker)                      # continues an earlier run
    batch = pool.draw(rng, batch=8, crop=128)

Making a sample takes longer than training on it, so every sample is drawn several times, with other
crops, flips and tones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from helpers.errors import ModelError
from helpers.runtime.schema import Whole
from helpers.stages.damage.network_input import PICTURES, SIDES
from helpers.training.cleaner.samples import PLANES, TRUTH
from helpers.training.notes import read_note

_TONED = [*PICTURES, TRUTH]
"""The planes that hold luma."""

MIRRORED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9]
"""The planes of the evidence in reversed order of time."""


SERIES = 1_000_003
"""Samples of one seed: number n of seed s is made from the seed s * SERIES + n."""


class SampleMaker(Protocol):
    """Makes the samples of a pool; the same seed makes the same sample."""

    def sample(self, seed: int) -> np.ndarray:
        """Make one sample, (planes, size, size) uint8."""
        ...


@dataclass(frozen=True)
class Note:
    """`pool.json`: the shape of the samples, and how many have been made."""

    shape: tuple[Whole, ...]
    filled: Whole


class Pool:
    """Samples in one memory-mapped file.

    Args:
        folder: the folder of the file.
        count: number of samples when it is full.
        size: pixels a side of a sample.

    Raises:
        ModelError: the folder holds a pool of another size.
    """

    planes = PLANES
    """Planes of a sample, (planes, size, size) uint8."""

    together = 1
    """Samples in a row that are made in one process, since they share work."""

    def __init__(self, folder: Path | str, count: int, size: int = 160) -> None:
        self.folder, self.count, self.size = Path(folder), count, size
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path, self.note = self.folder / "samples.u8", self.folder / "pool.json"
        self.shape = (count, self.planes, size, size)
        self._check()
        new = not self.path.exists()
        self.samples = np.memmap(self.path, np.uint8, "w+" if new else "r+", shape=self.shape)

    def _check(self) -> None:
        if not self.path.exists():
            self.note.write_text(json.dumps({"shape": self.shape, "filled": 0}))
            return
        found = read_note(self.note, Note).shape
        if found != self.shape:
            raise ModelError(
                f"{self.folder} holds a pool of shape {list(found)}, but {list(self.shape)} is "
                "needed. Use the same number and size of samples, or give another folder."
            )

    @property
    def filled(self) -> int:
        """How many samples have been made."""
        return min(read_note(self.note, Note).filled, self.count)

    def fill(
        self,
        maker: SampleMaker,
        seed: int = 0,
        progress: Callable[[int], object] | None = None,
        workers: int = 1,
    ) -> None:
        """Make the missing samples.

        Args:
            progress: is called with the number of samples made.
            workers: processes that make them; this one alone if 1.
        """
        if workers > 1:
            self._fill_in_processes(maker, seed, progress, workers)
            return
        for number in range(self.filled, self.count):
            self.samples[number] = maker.sample(seed * SERIES + number)
            if (number + 1) % 16 == 0 or number + 1 == self.count:
                self.note_filled(number + 1)
            if progress:
                progress(number + 1)

    def _fill_in_processes(
        self,
        maker: SampleMaker,
        seed: int,
        progress: Callable[[int], object] | None,
        workers: int,
    ) -> None:
        with ProcessPoolExecutor(workers) as crew:
            for begin in range(self.filled, self.count, 64):
                numbers = range(begin, min(begin + 64, self.count))
                seeds = [seed * SERIES + number for number in numbers]
                made = crew.map(maker.sample, seeds, chunksize=self.together)
                for number, one in zip(numbers, made, strict=True):
                    self.samples[number] = one
                self.note_filled(numbers.stop)
                if progress:
                    progress(numbers.stop)

    def note_filled(self, filled: int) -> None:
        """Save that the first `filled` samples are complete."""
        self.samples.flush()
        part = self.note.with_suffix(".part")
        part.write_text(json.dumps({"shape": self.shape, "filled": filled}))
        part.replace(self.note)

    def draw(
        self, rng: np.random.Generator, batch: int, crop: int, held_out: int = 0
    ) -> np.ndarray:
        """Draw a batch, float32 (batch, PLANES, crop, crop) in 0..1.

        The first `held_out` samples are for validation and are never drawn.
        """
        numbers = rng.integers(held_out, self.filled, batch)
        return np.stack([self._vary(self.samples[number], rng, crop) for number in numbers])

    def _crop(self, sample: np.ndarray, rng: np.random.Generator, crop: int) -> np.ndarray:
        """Cut a square of `crop` pixels, at most all of them, out of a sample at random."""
        crop = min(crop, self.size)
        top, left = rng.integers(0, self.size - crop + 1, 2)
        return sample[:, top : top + crop, left : left + crop]

    def _vary(self, sample: np.ndarray, rng: np.random.Generator, crop: int) -> np.ndarray:
        """Crop, flip and tone a sample, and sometimes invert or reverse it."""
        piece = self._crop(sample, rng, crop)
        upright = piece[:, :, ::-1] if rng.random() < 0.5 else piece
        if rng.random() < 0.5:
            upright = upright[:, ::-1]
        values = upright.astype(np.float32) / 255
        if rng.random() < 0.25:  # a negative, in which dark dust becomes light
            values[_TONED] = 1 - values[_TONED]
        if rng.random() < 0.5:
            values[_TONED] = values[_TONED] * rng.uniform(0.6, 1.0) + rng.uniform(0, 0.15)
        if rng.random() < 0.5 and values[SIDES].all():
            values[: len(MIRRORED)] = values[MIRRORED]
        return values.clip(0, 1)

    def held(self, count: int, crop: int) -> np.ndarray:
        """Return the first `count` samples unchanged, cropped in the middle."""
        edge = (self.size - min(crop, self.size)) // 2
        piece = self.samples[:count, :, edge : self.size - edge, edge : self.size - edge]
        return piece.astype(np.float32) / 255

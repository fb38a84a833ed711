"""A pool of samples on disk: made once, drawn from again and again, in bounded memory.

    pool = Pool(folder, count=2000, size=160)
    pool.fill(maker)                      # goes on where an earlier run stopped
    batch = pool.draw(dice, batch=8, crop=128)

Aligning frames takes longer than training on them, so every sample is drawn several times, each
time cut, turned, flipped and toned differently.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from helpers.errors import ModelError
from helpers.stages.damage.network_input import PICTURES, SIDES
from helpers.training.cleaner.samples import PLANES, TRUTH, Maker

TONED = [*PICTURES, TRUTH]
"""Planes whose values are luma."""

MIRRORED = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9]
"""The planes of the evidence with what is before the frame and what is after it exchanged."""


class Pool:
    """Samples in one file, read through the operating system's cache.

    Args:
        folder: where the file is, or will be.
        count: how many samples it holds when full.
        size: pixels a side of each.

    Raises:
        ModelError: the folder holds a pool of another size.
    """

    planes = PLANES
    """Planes of a sample, (planes, size, size) uint8."""

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
        found = json.loads(self.note.read_text())["shape"]
        if tuple(found) != self.shape:
            raise ModelError(
                f"{self.folder} holds a pool of shape {found}, but {list(self.shape)} was asked "
                "for. Ask for the same number and size of samples, or give another folder."
            )

    @property
    def filled(self) -> int:
        """How many samples there are."""
        return int(json.loads(self.note.read_text())["filled"])

    def fill(
        self, maker: Maker, seed: int = 0, progress: Callable[[int], object] | None = None
    ) -> None:
        """Make the samples that are missing; calls `progress` with how many there are."""
        for number in range(self.filled, self.count):
            self.samples[number] = maker.sample(seed * 1_000_003 + number)
            if (number + 1) % 16 == 0 or number + 1 == self.count:
                self.note_filled(number + 1)
            if progress:
                progress(number + 1)

    def note_filled(self, filled: int) -> None:
        """Note that so many samples, from the first on, are whole."""
        self.samples.flush()
        part = self.note.with_suffix(".part")
        part.write_text(json.dumps({"shape": self.shape, "filled": filled}))
        part.replace(self.note)

    def draw(
        self, dice: np.random.Generator, batch: int, crop: int, held_out: int = 0
    ) -> np.ndarray:
        """Draw a batch, float32 (batch, PLANES, crop, crop) in 0..1, never from the first
        `held_out` samples, which are for validation."""
        crop = min(crop, self.size)
        numbers = dice.integers(held_out, self.filled, batch)
        return np.stack([self._vary(self.samples[number], dice, crop) for number in numbers])

    def _vary(self, sample: np.ndarray, dice: np.random.Generator, crop: int) -> np.ndarray:
        """Cut, turn, flip, tone and sometimes invert a sample."""
        top, left = dice.integers(0, self.size - crop + 1, 2)
        piece = sample[:, top : top + crop, left : left + crop]
        upright = piece[:, :, ::-1] if dice.random() < 0.5 else piece
        if dice.random() < 0.5:
            upright = upright[:, ::-1]
        values = upright.astype(np.float32) / 255
        if dice.random() < 0.25:  # a negative: dust on it is of the other polarity
            values[TONED] = 1 - values[TONED]
        if dice.random() < 0.5:
            values[TONED] = values[TONED] * dice.uniform(0.6, 1.0) + dice.uniform(0, 0.15)
        if dice.random() < 0.5 and values[SIDES].all():
            values[: len(MIRRORED)] = values[MIRRORED]
        return values.clip(0, 1)

    def held(self, count: int, crop: int) -> np.ndarray:
        """Return the first `count` samples as they are, cut in the middle."""
        edge = (self.size - min(crop, self.size)) // 2
        piece = self.samples[:count, :, edge : self.size - edge, edge : self.size - edge]
        return piece.astype(np.float32) / 255

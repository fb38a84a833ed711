"""How alike the frames of a film are: a few numbers a frame, from which repeats can be told.

    likeness = Likeness()
    for frame in clip.frames():
        likeness.add(frame.image, new_shot=frame.cut)
    measures = likeness.measures()  # 76 bytes a frame, whatever its size

Nothing here is a decision; `decide.py` makes those.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

REACH = 6
"""Frames back that a frame is compared with. This number and those below were chosen by trial;
benchmarks/quality/duplicates.py measures the effect."""

SIZE = 320
"""Pixels of the longer side at which frames are compared: a moving mouth is plain there."""

BLOCK = 8
"""Pixels a side of a block. What matters is where the picture changes most, not everywhere."""

CHANGED = 0.02
"""Part of the blocks, those that change most, whose mean is the difference of two frames: a global
mean would drown a small motion in the noise of everything that stands still."""

MOVING = 0.05
"""Part of the blocks, those in which the film moves most, on which progress is measured."""

TONES = tuple(range(5, 100, 10))
"""Percentiles of brightness by which the light of two frames is told apart from their motion."""

FLICKER = 0.4
"""Levels by which the light has to change to be evened out: less is what motion and noise do."""


@dataclass(frozen=True, eq=False)
class Measures:
    """What was measured of n frames. NaN where there is nothing to compare with in the shot.

    Attributes:
        distance: (n, REACH, 2) float32: how far frame i is from frame i - 1 - j, at a fine and a
            coarse scale; root mean square of the blocks that differ most, in levels of 0..255.
        progress: (n, 2, 3) float32, at both scales, over the blocks in which frames i - 2 and
            i + 1 differ most: the step from i - 1 to i projected on the whole way from i - 2 to
            i + 1, the way squared, the step squared.
        contrast: (n,) float32: levels of 0..255 between the dark and the bright parts of a frame.
    """

    distance: np.ndarray
    progress: np.ndarray
    contrast: np.ndarray

    def part(self, start: int, stop: int) -> Measures:
        """Return those of the frames start..stop-1."""
        return Measures(
            self.distance[start:stop], self.progress[start:stop], self.contrast[start:stop]
        )


@dataclass(frozen=True, eq=False)
class Small:
    """A frame, small: its luma at two scales and the tones it has, in levels of 0..255."""

    fine: np.ndarray
    coarse: np.ndarray
    tones: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray) -> Small:
        """Make it of a picture."""
        fine, coarse = scales(grey(image))
        return cls(fine, coarse, np.percentile(coarse, TONES))

    def lit_as(self, other: Small) -> Small:
        """Return it in the light of another: a fade or flicker neither hides a repeat nor is one.

        Gain and offset are fitted to the tones, which motion hardly changes; where there is next to
        no change of light or no contrast to find it by, or it is beyond flicker, nothing is done.
        """
        change = np.sort(np.abs(other.tones - self.tones))
        typical = float(change[len(change) // 2])
        if typical < FLICKER:
            return self
        spread, aim = (float(tones.std()) for tones in (self.tones, other.tones))
        if min(spread, aim) < 2:
            return self
        gain = aim / spread
        offset = float(other.tones.mean() - gain * self.tones.mean())
        left = np.abs(gain * self.tones + offset - other.tones)
        if not 0.5 < gain < 2 or np.median(left) > 0.5 * typical:
            return self
        gain, offset = np.float32(gain), np.float32(offset)
        return Small(self.fine * gain + offset, self.coarse * gain + offset, other.tones)


class Likeness:
    """Measures frames as they come; keeps small copies of the last few, and numbers of the rest."""

    def __init__(self) -> None:
        self._distance: list[np.ndarray] = []
        self._progress: list[np.ndarray] = []
        self._contrast: list[float] = []
        self._past: deque[Small] = deque(maxlen=REACH)

    def add(self, image: np.ndarray, new_shot: bool = False) -> None:
        """Measure the next frame.

        Args:
            image: (H, W, 3) RGB, uint8 or uint16; all of one size.
            new_shot: nothing before it is compared with it.
        """
        if new_shot:
            self._past.clear()
        now = Small.of(image)
        low, high = np.percentile(now.coarse, (2, 98))
        self._contrast.append(float(high - low))
        row = np.full((REACH, 2), np.nan, np.float32)
        for back, earlier in enumerate(reversed(self._past)):
            then = earlier.lit_as(now)
            row[back, 0] = difference(now.fine - then.fine, BLOCK)
            row[back, 1] = difference(now.coarse - then.coarse, BLOCK >> 2)
        self._distance.append(row)
        self._progress.append(np.full((2, 3), np.nan, np.float32))
        self._past.append(now)
        if len(self._past) >= 4:
            # Now that the frame after it is known, so is how far the last one has come.
            here = self._past[-2]
            first, before, after = (self._past[-n].lit_as(here) for n in (4, 3, 1))
            self._progress[-2][:] = (
                progress(here.fine - before.fine, after.fine - first.fine, BLOCK),
                progress(here.coarse - before.coarse, after.coarse - first.coarse, BLOCK >> 2),
            )

    def measures(self) -> Measures:
        """Return what was measured so far."""
        count = len(self._contrast)
        return Measures(
            np.array(self._distance, np.float32).reshape(count, REACH, 2),
            np.array(self._progress, np.float32).reshape(count, 2, 3),
            np.array(self._contrast, np.float32),
        )


def grey(image: np.ndarray) -> np.ndarray:
    """Return luma at no more than SIZE pixels a side, (h, w) float32 in 0..255.

    It is never rounded: in the dark, a motion is worth less than one level of eight bits.
    """
    import cv2

    from helpers.imaging.luma import brightness

    luma = brightness(image)
    height, width = luma.shape[:2]
    scale = min(1.0, SIZE / max(height, width))
    # At least a block in each direction: a narrower picture is enlarged, which invents nothing.
    size = max(round(width * scale), BLOCK), max(round(height * scale), BLOCK)
    return luma if size == (width, height) else cv2.resize(luma, size, interpolation=cv2.INTER_AREA)


def scales(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture lightly smoothed, and a quarter of its size, in whole blocks of both."""
    import cv2

    height, width = luma.shape
    high, wide = height // BLOCK, width // BLOCK
    fine = cv2.blur(luma, (3, 3))[: high * BLOCK, : wide * BLOCK]
    small = cv2.resize(luma, (wide * 2, high * 2), interpolation=cv2.INTER_AREA)
    return fine, cv2.blur(small, (2, 2))


def blocks(values: np.ndarray, side: int) -> np.ndarray:
    """Return the mean of every block of `side` x `side`, (blocks,) float32."""
    import cv2

    height, width = values.shape
    size = width // side, height // side
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA).ravel()


def difference(change: np.ndarray, side: int) -> float:
    """Return the root mean square of a change over the blocks that change most."""
    energy = blocks(change * change, side)
    most = max(round(len(energy) * CHANGED), 1)
    return float(np.sqrt(np.partition(energy, -most)[-most:].mean()))


def progress(step: np.ndarray, way: np.ndarray, side: int) -> tuple[float, float, float]:
    """Return step x way, way x way and step x step over the blocks where the way is longest.

    The noise of four different frames is independent, so the first of them has none of it on
    average, however noisy the film: for steady motion it is a third of the second, for a repeat
    it is nothing.
    """
    lengths = blocks(way * way, side)
    most = max(round(len(lengths) * MOVING), 1)
    chosen = np.argpartition(lengths, -most)[-most:]
    along, steps = blocks(step * way, side)[chosen], blocks(step * step, side)[chosen]
    return float(along.mean()), float(lengths[chosen].mean()), float(steps.mean())

"""Measure how similar the frames of a film are: a few numbers for each frame.

    features = FeatureCollector()
    for frame in clip.frames():
        features.add(frame.image, new_shot=frame.cut)
    measures = features.measures()  # 76 bytes for each frame

The decisions are made in `decide.py`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

REACH = 6
"""A frame is compared with this many earlier frames. This number and those below were chosen by
trial; benchmarks/quality/duplicates.py measures the effect."""

_SIZE = 320
"""Pixels of the longer side at which frames are compared; a moving mouth is still visible."""

BLOCK = 8
"""Pixels a side of a block. Only the blocks with the largest changes are used."""

_CHANGED = 0.02
"""The difference of two frames is the mean over this share of the blocks, those with the largest
changes. In a mean over all blocks, a small motion would be lost in the noise."""

_MOVING = 0.05
"""Progress is measured on this share of the blocks, those with the most motion."""

_TONES = tuple(range(5, 100, 10))
"""Percentiles of brightness, by which changes of light are separated from motion."""

_FLICKER = 0.4
"""A smaller change of light, in levels, is not corrected, since motion and noise cause it too."""


@dataclass(frozen=True, eq=False)
class Measures:
    """The measurements of n frames. NaN where the shot has no frame to compare with.

    Attributes:
        distance: (n, REACH, 2) float32: the difference of frame i from frame i - 1 - j, at a fine
            and a coarse scale; root mean square of the blocks with the largest difference, in
            levels of 0..255.
        progress: (n, 2, 3) float32, at both scales, over the blocks in which frames i - 2 and
            i + 1 differ most: the step from i - 1 to i projected on the whole way from i - 2 to
            i + 1, the way squared, the step squared.
        contrast: (n,) float32: levels of 0..255 between the dark and the bright parts of a frame.
    """

    distance: np.ndarray
    progress: np.ndarray
    contrast: np.ndarray

    def part(self, start: int, stop: int) -> Measures:
        """Return the measurements of the frames start..stop-1."""
        return Measures(
            self.distance[start:stop], self.progress[start:stop], self.contrast[start:stop]
        )


@dataclass(frozen=True, eq=False)
class SmallFrame:
    """A reduced frame: its luma at two scales, and percentiles of it, in levels of 0..255."""

    fine: np.ndarray
    coarse: np.ndarray
    tones: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray) -> SmallFrame:
        """Reduce a picture."""
        fine, coarse = _make_scales(reduced_luma(image))
        return cls(fine, coarse, np.percentile(coarse, _TONES))

    def match_light(self, other: SmallFrame) -> SmallFrame:
        """Return it with the brightness of another, so that fades and flicker do not count.

        Gain and offset are fitted to the percentiles, which motion hardly changes. The frame is
        returned unchanged if the light hardly differs, or differs by more than flicker, or if there
        is no contrast.
        """
        change = np.sort(np.abs(other.tones - self.tones))
        typical = float(change[len(change) // 2])
        if typical < _FLICKER:
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
        return SmallFrame(self.fine * gain + offset, self.coarse * gain + offset, other.tones)


class FeatureCollector:
    """Measures frames one after the other; it keeps reduced copies of the last few only."""

    def __init__(self) -> None:
        self._distance: list[np.ndarray] = []
        self._progress: list[np.ndarray] = []
        self._contrast: list[float] = []
        self._past: deque[SmallFrame] = deque(maxlen=REACH)

    def add(self, image: np.ndarray, new_shot: bool = False) -> None:
        """Measure the next frame.

        Args:
            image: (H, W, 3) RGB, uint8 or uint16; all of one size.
            new_shot: whether it begins a shot; it is then not compared with earlier frames.
        """
        if new_shot:
            self._past.clear()
        now = SmallFrame.of(image)
        low, high = np.percentile(now.coarse, (2, 98))
        self._contrast.append(float(high - low))
        row = np.full((REACH, 2), np.nan, np.float32)
        for back, earlier in enumerate(reversed(self._past)):
            then = earlier.match_light(now)
            row[back, 0] = _measure_change(now.fine - then.fine, BLOCK)
            row[back, 1] = _measure_change(now.coarse - then.coarse, BLOCK >> 2)
        self._distance.append(row)
        self._progress.append(np.full((2, 3), np.nan, np.float32))
        self._past.append(now)
        if len(self._past) >= 4:
            # The progress of a frame needs the next frame, so it is that of the previous one.
            here = self._past[-2]
            first, before, after = (self._past[-n].match_light(here) for n in (4, 3, 1))
            step, way = here.coarse - before.coarse, after.coarse - first.coarse
            self._progress[-2][:] = (
                _measure_progress(here.fine - before.fine, after.fine - first.fine, BLOCK),
                _measure_progress(step, way, BLOCK >> 2),
            )

    def measures(self) -> Measures:
        """Return the measurements so far."""
        count = len(self._contrast)
        return Measures(
            np.array(self._distance, np.float32).reshape(count, REACH, 2),
            np.array(self._progress, np.float32).reshape(count, 2, 3),
            np.array(self._contrast, np.float32),
        )


def reduced_luma(image: np.ndarray) -> np.ndarray:
    """Return luma at no more than SIZE pixels a side, (h, w) float32 in 0..255.

    It is not rounded, since motion in the dark may be less than one level of eight bits.
    """
    import cv2

    from helpers.imaging.luma import brightness

    luma = brightness(image)
    height, width = luma.shape[:2]
    scale = min(1.0, _SIZE / max(height, width))
    # At least one block in each direction; a narrower picture is enlarged.
    size = max(round(width * scale), BLOCK), max(round(height * scale), BLOCK)
    return luma if size == (width, height) else cv2.resize(luma, size, interpolation=cv2.INTER_AREA)


def _make_scales(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture, slightly smoothed, and a quarter of its size; both in whole blocks."""
    import cv2

    height, width = luma.shape
    high, wide = height // BLOCK, width // BLOCK
    fine = cv2.blur(luma, (3, 3))[: high * BLOCK, : wide * BLOCK]
    small = cv2.resize(luma, (wide * 2, high * 2), interpolation=cv2.INTER_AREA)
    return fine, cv2.blur(small, (2, 2))


def _block_means(values: np.ndarray, side: int) -> np.ndarray:
    """Return the mean of every block of `side` x `side`, (blocks,) float32."""
    import cv2

    height, width = values.shape
    size = width // side, height // side
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA).ravel()


def _measure_change(change: np.ndarray, side: int) -> float:
    """Return the root mean square of a change over the blocks that change most."""
    energy = _block_means(change * change, side)
    most = max(round(len(energy) * _CHANGED), 1)
    return float(np.sqrt(np.partition(energy, -most)[-most:].mean()))


def _measure_progress(step: np.ndarray, way: np.ndarray, side: int) -> tuple[float, float, float]:
    """Return step x way, way x way and step x step over the blocks where the way is longest.

    The noise of four different frames is independent, so the mean of step x way contains no noise:
    for steady motion it is a third of way x way, for a repeat it is zero.
    """
    lengths = _block_means(way * way, side)
    most = max(round(len(lengths) * _MOVING), 1)
    chosen = np.argpartition(lengths, -most)[-most:]
    along, steps = _block_means(step * way, side)[chosen], _block_means(step * step, side)[chosen]
    return float(along.mean()), float(lengths[chosen].mean()), float(steps.mean())

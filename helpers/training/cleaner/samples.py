"""Samples of damaged frames: the network's input, the truth and the mask.

    sample = Maker(pictures, overlays, size=160).sample(seed=1)      # uint8 (15, 160, 160)
    pool = Pool(folder, count=1000, size=160); pool.fill(maker)

A sample is a frame of a synthetic shot. Its input comes from the code that cleans films (`pipeline`
and `network_input` of `stages/damage`), so that the network learns from what it will see in use,
also where alignment fails, at the ends of a shot, and on repeated frames.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from helpers.stages.damage.frame_repair import ShotFrame
from helpers.stages.damage.network_input import AGAIN, DUST, EVIDENCE, HERE, UNMOVED
from helpers.stages.damage.pipeline import FilmCleaning
from helpers.training.cleaner.overlays import Wear
from helpers.training.cleaner.scenes import Scene

log = logging.getLogger("helpers")

TRUTH, MASK, PLANES = EVIDENCE, EVIDENCE + 1, EVIDENCE + 2
"""The planes of the truth and the mask, after the evidence; and the number of planes."""

SHOWN = [HERE, 1, 2, 3, 4, AGAIN.start, UNMOVED.start, DUST, TRUTH, MASK]
"""The planes to show: the frame, its aligned neighbours, one of them aligned by the frame's own
motion and one not aligned, the dust found by comparison, the truth, the mask."""

_VISIBLE = 6
"""A change of more grey levels than this counts as damage."""

_SHOTS = (
    (0.60, 3, 3, 2), (0.12, 2, 2, 2), (0.10, 0, 4, 2), (0.08, 1, 4, 2), (0.06, 2, 2, 1),
    (0.04, 0, 3, 1),
)  # fmt: skip
"""Kinds of shots: probability, frames before and after the frame, neighbours on each side."""


@dataclass
class Maker:
    """Makes samples; the same seed makes the same sample.

    Attributes:
        pictures: grey uint8 (H, W).
        overlays: damage shapes, uint8 (H, W) opacity.
        size: pixels a side.
        grains: pieces of the grain of a film, float32 (H, W) about 0; used instead of noise.
    """

    pictures: Sequence[np.ndarray]
    overlays: Sequence[np.ndarray]
    size: int = 160
    grains: Sequence[np.ndarray] = field(default_factory=list)

    def sample(self, seed: int) -> np.ndarray:
        """Make one sample, uint8 (PLANES, size, size)."""
        rng = np.random.default_rng(seed)
        _, before, after, radius = _SHOTS[rng.choice(len(_SHOTS), p=[shot[0] for shot in _SHOTS])]
        if rng.random() < 0.5:
            before, after = after, before
        scene = Scene(self.pictures, rng, self.size)
        wear = Wear(self.overlays, rng, self.size)
        finish = Finish(rng, self.size, self.grains)
        clean = {time: scene.draw(time) for time in range(-before, after + 1)}
        worn = {time: wear.apply(frame, time) for time, frame in clean.items()}
        film = [_grey_frame(finish.apply(frame, time)) for time, frame in worn.items()]
        work = FilmCleaning(None, radius, lines=False).prepare(film, before)
        assert work is not None
        planes = np.empty((PLANES, self.size, self.size), np.float32)
        planes[:EVIDENCE] = work.evidence()
        planes[TRUTH] = finish.apply(clean[0], 0) / 255
        planes[MASK] = np.abs(worn[0] - clean[0]) > _VISIBLE
        return np.rint(planes.clip(0, 1) * 255).astype(np.uint8)


def _grey_frame(frame: np.ndarray) -> ShotFrame:
    """Return a float32 (H, W) image as a frame of a shot."""
    return ShotFrame(cv2.cvtColor(frame.astype(np.uint8), cv2.COLOR_GRAY2RGB))


class Finish:
    """The look of a film: blur, grain, flicker, compression.

    It is applied to the damaged frame and to the truth, with the same grain.
    """

    def __init__(
        self, rng: np.random.Generator, size: int, grains: Sequence[np.ndarray] = ()
    ) -> None:
        self.size, self.grains, self.seed = size, grains, int(rng.integers(1 << 30))
        self.blur = rng.uniform(0.4, 1.4) if rng.random() < 0.3 else 0.0
        self.grain = rng.uniform(1, 9) if rng.random() < 0.55 else 0.0
        self.softness = rng.uniform(0.3, 0.9)
        self.flicker = rng.uniform(0.5, 6) if rng.random() < 0.35 else 0.0
        self.quality = int(rng.integers(45, 97)) if rng.random() < 0.5 else 0

    def apply(self, frame: np.ndarray, number: int) -> np.ndarray:
        """Apply it to a float32 (H, W) frame; return whole numbers in 0..255."""
        rng = np.random.default_rng([self.seed, number + 100])
        if self.blur:
            frame = cv2.GaussianBlur(frame, (0, 0), self.blur)
        if self.grain:
            # Grain is strongest in the middle greys, as on film.
            frame = frame + self._grain(rng) * (0.5 + 0.5 * np.sin(np.pi * frame / 255))
        if self.flicker:
            slope = np.linspace(-1, 1, self.size, dtype=np.float32)[None] * rng.normal(0, 0.3)
            frame = frame + np.float32(self.flicker) * (np.float32(rng.normal()) + slope)
        frame = np.rint(frame).clip(0, 255)
        if self.quality:
            how = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
            data = cv2.imencode(".jpg", frame.astype(np.uint8), how)[1]
            frame = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        return frame.astype(np.float32)

    def _grain(self, rng: np.random.Generator) -> np.ndarray:
        if len(self.grains) and rng.random() < 0.8:
            piece = self.grains[int(rng.integers(len(self.grains)))]
            top, left = (rng.integers(0, max(s - self.size, 0) + 1) for s in piece.shape)
            piece = piece[top : top + self.size, left : left + self.size]
            return (
                cv2.resize(piece, (self.size, self.size)) if piece.shape[0] < self.size else piece
            )
        noise = rng.normal(0, 1, (self.size, self.size)).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), self.softness)
        return noise * np.float32(self.grain / max(noise.std(), 1e-6))

"""What the network is shown, the truth and the mask: samples of damaged frames.

    sample = Maker(pictures, overlays, size=160).sample(seed=1)      # uint8 (15, 160, 160)
    pool = Pool(folder, count=1000, size=160); pool.fill(maker)

A sample is a frame of a made-up shot that went through the code that cleans films, up to the
network (`pipeline` and `network_input` of `stages/damage`), so that the network learns what it will
meet: also where alignment fails, at the ends of a shot, and on repeated pictures.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from helpers.stages.damage.frame_repair import Seen
from helpers.stages.damage.network_input import AGAIN, DUST, EVIDENCE, HERE, UNMOVED
from helpers.stages.damage.pipeline import FilmCleaning
from helpers.training.cleaner.overlays import Wear
from helpers.training.cleaner.scenes import Scene

log = logging.getLogger("helpers")

TRUTH, MASK, PLANES = EVIDENCE, EVIDENCE + 1, EVIDENCE + 2
"""The planes after the evidence: the truth and the mask; and how many there are."""

SHOWN = [HERE, 1, 2, 3, 4, AGAIN.start, UNMOVED.start, DUST, TRUTH, MASK]
"""Planes that are worth a look: the frame, its neighbours, one of them along the frame's own motion
and unmoved, what comparison finds, the truth, the mask."""

VISIBLE = 6
"""Grey levels from which on a change counts as damage."""

SHOTS = (
    (0.60, 3, 3, 2), (0.12, 2, 2, 2), (0.10, 0, 4, 2), (0.08, 1, 4, 2), (0.06, 2, 2, 1),
    (0.04, 0, 3, 1),
)  # fmt: skip
"""How probable: frames of the shot before and after the frame, and neighbours a side."""


@dataclass
class Maker:
    """Makes samples; the same seed makes the same sample.

    Attributes:
        pictures: grey uint8 (H, W).
        overlays: damage shapes, uint8 (H, W) opacity.
        size: pixels a side.
        grains: pieces of a film's own grain, float32 (H, W) about 0, instead of made-up grain.
    """

    pictures: Sequence[np.ndarray]
    overlays: Sequence[np.ndarray]
    size: int = 160
    grains: Sequence[np.ndarray] = field(default_factory=list)

    def sample(self, seed: int) -> np.ndarray:
        """Make one sample, uint8 (PLANES, size, size)."""
        dice = np.random.default_rng(seed)
        _, before, after, radius = SHOTS[dice.choice(len(SHOTS), p=[shot[0] for shot in SHOTS])]
        if dice.random() < 0.5:
            before, after = after, before
        scene = Scene(self.pictures, dice, self.size)
        wear = Wear(self.overlays, dice, self.size)
        finish = Finish(dice, self.size, self.grains)
        clean = {time: scene.at(time) for time in range(-before, after + 1)}
        worn = {time: wear.on(frame, time) for time, frame in clean.items()}
        film = [_grey_frame(finish.on(frame, time)) for time, frame in worn.items()]
        work = FilmCleaning(None, radius, lines=False).prepared(film, before)
        assert work is not None
        planes = np.empty((PLANES, self.size, self.size), np.float32)
        planes[:EVIDENCE] = work.evidence()
        planes[TRUTH] = finish.on(clean[0], 0) / 255
        planes[MASK] = np.abs(worn[0] - clean[0]) > VISIBLE
        return np.rint(planes.clip(0, 1) * 255).astype(np.uint8)


def _grey_frame(frame: np.ndarray) -> Seen:
    """Return a float32 (H, W) frame as one of a shot."""
    return Seen(cv2.cvtColor(frame.astype(np.uint8), cv2.COLOR_GRAY2RGB))


class Finish:
    """What happens to a whole film: blur, grain, flicker, compression.

    Applied to the damaged frame and to the truth alike, with the same grain.
    """

    def __init__(
        self, dice: np.random.Generator, size: int, grains: Sequence[np.ndarray] = ()
    ) -> None:
        self.size, self.grains, self.seed = size, grains, int(dice.integers(1 << 30))
        self.blur = dice.uniform(0.4, 1.4) if dice.random() < 0.3 else 0.0
        self.grain = dice.uniform(1, 9) if dice.random() < 0.55 else 0.0
        self.softness = dice.uniform(0.3, 0.9)
        self.flicker = dice.uniform(0.5, 6) if dice.random() < 0.35 else 0.0
        self.quality = int(dice.integers(45, 97)) if dice.random() < 0.5 else 0

    def on(self, frame: np.ndarray, number: int) -> np.ndarray:
        """Return a float32 (H, W) frame of whole numbers in 0..255."""
        dice = np.random.default_rng([self.seed, number + 100])
        if self.blur:
            frame = cv2.GaussianBlur(frame, (0, 0), self.blur)
        if self.grain:
            # Grain is strongest in the middle greys, where film has it.
            frame = frame + self._grain(dice) * (0.5 + 0.5 * np.sin(np.pi * frame / 255))
        if self.flicker:
            slope = np.linspace(-1, 1, self.size, dtype=np.float32)[None] * dice.normal(0, 0.3)
            frame = frame + np.float32(self.flicker) * (np.float32(dice.normal()) + slope)
        frame = np.rint(frame).clip(0, 255)
        if self.quality:
            how = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
            data = cv2.imencode(".jpg", frame.astype(np.uint8), how)[1]
            frame = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        return frame.astype(np.float32)

    def _grain(self, dice: np.random.Generator) -> np.ndarray:
        if len(self.grains) and dice.random() < 0.8:
            piece = self.grains[int(dice.integers(len(self.grains)))]
            top, left = (dice.integers(0, max(s - self.size, 0) + 1) for s in piece.shape)
            piece = piece[top : top + self.size, left : left + self.size]
            return (
                cv2.resize(piece, (self.size, self.size)) if piece.shape[0] < self.size else piece
            )
        noise = dice.normal(0, 1, (self.size, self.size)).astype(np.float32)
        noise = cv2.GaussianBlur(noise, (0, 0), self.softness)
        return noise * np.float32(self.grain / max(noise.std(), 1e-6))

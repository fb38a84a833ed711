"""What the network is shown: a damaged frame, its aligned neighbours, the truth and the mask.

    sample = Maker(pictures, overlays, size=160).sample(seed=1)      # uint8 (7, 160, 160)
    pool = Pool(folder, count=1000, size=160); pool.fill(maker)

The neighbours are brought to the frame by the same code that cleans films (`engines.alignment`), so
that the network learns what it will meet: also where alignment fails.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from helpers.engines.alignment import calmed, flows, witnesses
from helpers.training.damage import Wear
from helpers.training.scenes import Scene

log = logging.getLogger("helpers")

PLANES = 7
"""The frame, four witnesses (the nearest first), the truth, the mask."""

SEEN = 6
"""Grey levels from which on a change counts as damage."""


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
        offsets = _offsets(dice)
        scene = Scene(self.pictures, dice, self.size)
        wear = Wear(self.overlays, dice, self.size)
        finish = Finish(dice, self.size, self.grains)
        shot = range(min(0, *offsets) - 1, max(0, *offsets) + 2)
        if dice.random() < 0.15:  # the shot ends where the neighbours do
            shot = range(min(0, *offsets), max(0, *offsets) + 1)
        clean = {time: scene.at(time) for time in shot}
        worn = {time: wear.on(frame, time) for time, frame in clean.items()}
        film = {time: finish.on(frame, time) for time, frame in worn.items()}
        truth = finish.on(clean[0], 0)
        mask = np.abs(worn[0] - clean[0]) > SEEN
        calm = {time: _calm(film, time) for time in {0, *offsets}}
        moves = flows(calm[0], [calm[offset] for offset in offsets])
        brought = witnesses(film[0], [film[offset] for offset in offsets], moves)
        planes = np.stack([film[0], *brought, truth, mask * np.float32(255)])
        return np.rint(planes.clip(0, 255)).astype(np.uint8)


def _offsets(dice: np.random.Generator) -> list[int]:
    """Choose which neighbours there are: both sides, or fewer at the ends of a shot."""
    choices = [[-1, 1, -2, 2], [1, 2, 3, 4], [-1, 1, 2, 3], [-1, 1, -1, 1], [1, 2, 1, 2]]
    offsets = choices[dice.choice(len(choices), p=[0.72, 0.1, 0.08, 0.06, 0.04])]
    sign = int(dice.choice([-1, 1]))
    return [sign * offset for offset in offsets]


def _calm(film: dict[int, np.ndarray], time: int) -> np.ndarray:
    """Calm a frame with its two neighbours, or the two on one side at the end of a shot."""
    near = [step for step in (-1, 1, -2, 2) if time + step in film][:2]
    if len(near) < 2:
        return film[time]
    one, two = sorted(near)
    return calmed(film[time], film[time + one], film[time + two], (one, two))


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

"""Damage for clean pictures: dust, dirt, hairs, blotches, stains, scratches, lines.

    wear = Wear(overlays, np.random.default_rng(1), size=160)      # of one film
    damaged = wear.on(clean, number=0)                             # of one of its frames

Shapes come from overlays (a picture's alpha channel is the shape) and are drawn by procedures; they
are laid on in soft light, multiplied, screened or opaque, light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import ModelError
from helpers.training.cleaner.scenes import ENDINGS, blob

MODES = ("opaque", "multiply", "screen", "soft light")


def read_overlays(folder: Path | str, most: int = 400) -> list[np.ndarray]:
    """Return damage shapes from picture files, as uint8 (H, W) opacity.

    A picture with an alpha channel gives that; of one without, what differs from its most frequent
    grey is the damage.

    Raises:
        ModelError: there are none.
    """
    paths = [p for p in sorted(Path(folder).rglob("*")) if p.suffix.lower() in ENDINGS]
    found = [_opacity(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)) for path in paths[:most]]
    shapes = [shape for shape in found if shape is not None and shape.any()]
    if not shapes:
        raise ModelError(
            f"{folder} holds no damage overlay that can be read; allowed are pictures "
            f"({', '.join(ENDINGS)}) with an alpha channel, or of damage on an even grey."
        )
    return shapes


def _opacity(picture: np.ndarray | None) -> np.ndarray | None:
    if picture is None:
        return None
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 3 and picture.shape[2] == 4:
        return picture[..., 3]
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    usual = int(np.bincount(grey.ravel(), minlength=256).argmax())
    apart = np.abs(grey.astype(np.int16) - usual)
    return np.where(apart > 12, np.minimum(apart * 3, 255), 0).astype(np.uint8)


def blend(frame: np.ndarray, alpha: np.ndarray, level: float, mode: str) -> np.ndarray:
    """Lay a level (0..255) over a float32 (H, W) frame where `alpha` (0..1) says so."""
    base, top = frame / 255, np.float32(level / 255)
    if mode == "multiply":
        laid = base * top
    elif mode == "screen":
        laid = 1 - (1 - base) * (1 - top)
    elif mode == "soft light":
        laid = (1 - 2 * top) * base * base + 2 * top * base
    else:
        laid = np.full_like(base, top)
    return (base + alpha * (laid - base)) * 255


class Wear:
    """The damage of one film: what kinds, how much, how strong.

    Args:
        overlays: shapes as uint8 (H, W) opacity; may be empty.
        dice: decides everything.
        size: pixels a side of the frames.
    """

    def __init__(
        self, overlays: Sequence[np.ndarray], dice: np.random.Generator, size: int
    ) -> None:
        self.overlays, self.dice, self.size = overlays, dice, size
        # A tenth of all films have none, and to most frames little happens.
        self.amount = 0.0 if dice.random() < 0.08 else float(dice.choice([0.6, 1.5, 3.0, 5.0]))
        self.darkness = float(dice.choice([0.1, 0.5, 0.9]))
        self.strength = dice.uniform(0.35, 0.9)
        self.lines = self._lines() if dice.random() < 0.08 and self.amount else []
        self.stuck = self._shape() if dice.random() < 0.04 and self.amount else None

    def on(self, frame: np.ndarray, number: int) -> np.ndarray:
        """Return a float32 (H, W) frame, 0..255, with the damage of frame `number` laid on."""
        dice = self.dice
        for _ in range(dice.poisson(self.amount)):
            shape = self._overlay() if self.overlays and dice.random() < 0.65 else self._shape()
            frame = blend(frame, shape, *self._colour())
        if dice.random() < 0.6 and self.amount:
            frame = self._specks(frame)
        for place, drift, width, alpha, level in self.lines:
            centre = place + drift * number + dice.normal(0, 0.3)
            across = np.abs(np.arange(self.size, dtype=np.float32) - np.float32(centre))
            profile = np.clip(width / 2 + 0.5 - across, 0, 1)[None] * alpha
            frame = blend(frame, profile, level, "opaque")
        if self.stuck is not None:
            frame = blend(frame, np.roll(self.stuck, dice.integers(-1, 2), 0), 15, "opaque")
        return frame.clip(0, 255)

    def _colour(self) -> tuple[float, str]:
        dark = self.dice.random() < self.darkness
        level = self.dice.uniform(0, 60) if dark else self.dice.uniform(195, 255)
        if self.dice.random() < 0.6:
            return level, "opaque"
        return level, "soft light" if self.dice.random() < 0.3 else "multiply" if dark else "screen"

    def _opaque(self, shape: np.ndarray) -> np.ndarray:
        strength = np.clip(self.dice.normal(self.strength, 0.2), 0.15, 1.0)
        return shape * np.float32(strength)

    def _overlay(self) -> np.ndarray:
        """Put one of the overlays somewhere, at any angle and size."""
        dice = self.dice
        shape = self.overlays[int(dice.integers(len(self.overlays)))]
        height, width = shape.shape
        scale = np.exp(dice.uniform(np.log(0.2), np.log(1.0))) * 400 / max(height, width)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), dice.uniform(0, 360), scale)
        matrix[0, 2] += dice.uniform(-0.1, 1.1) * self.size - width / 2
        matrix[1, 2] += dice.uniform(-0.1, 1.1) * self.size - height / 2
        box = (self.size, self.size)
        if scale < 0.5:
            shape = cv2.GaussianBlur(shape, (0, 0), 0.4 / scale)
        placed = cv2.warpAffine(shape, matrix, box, flags=cv2.INTER_LINEAR)
        return self._opaque(placed.astype(np.float32) / 255)

    def _shape(self) -> np.ndarray:
        """Draw a hair, a blotch, a stain or a straight scratch."""
        kind = self.dice.choice(["hair", "blotch", "stain", "scratch"], p=[0.35, 0.35, 0.15, 0.15])
        made = {"hair": self._hair, "blotch": self._blotch, "stain": self._stain}
        return self._opaque(made.get(str(kind), self._scratch)())

    def _curve(self, points: np.ndarray, thickness: int, soft: float) -> np.ndarray:
        shape = np.zeros((self.size, self.size), np.float32)
        drawn = np.rint(points * 16).astype(np.int32)
        cv2.polylines(shape, [drawn], False, 1.0, thickness, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(shape, (0, 0), soft) if soft > 0.3 else shape

    def _hair(self) -> np.ndarray:
        dice = self.dice
        steps = dice.integers(8, 40)
        angles = dice.uniform(0, 2 * np.pi) + np.cumsum(
            dice.normal(0, dice.uniform(0.05, 0.5), steps)
        )
        walk = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * dice.uniform(1, 5), 0)
        return self._curve(
            walk + dice.uniform(0, self.size, 2), int(dice.integers(1, 4)), dice.uniform(0, 0.9)
        )

    def _scratch(self) -> np.ndarray:
        dice = self.dice
        start, angle = dice.uniform(0, self.size, 2), dice.uniform(0, np.pi)
        end = start + dice.uniform(10, 120) * np.array([np.cos(angle), np.sin(angle)])
        return self._curve(np.stack([start, end]), int(dice.integers(1, 3)), dice.uniform(0, 0.7))

    def _patch(self, side: int, roughness: float) -> np.ndarray:
        """A blob at a random place, possibly half outside."""
        whole = np.zeros((self.size + 2 * side, self.size + 2 * side), np.float32)
        top, left = self.dice.integers(side // 2, self.size + side, 2)
        whole[top : top + side, left : left + side] = blob(self.dice, side, roughness)
        return whole[side : side + self.size, side : side + self.size]

    def _blotch(self) -> np.ndarray:
        shape = self._patch(int(self.dice.integers(4, 48)), self.dice.uniform(3, 10))
        if self.dice.random() < 0.4:
            noise = self.dice.normal(0, 1, (self.size, self.size)).astype(np.float32)
            noise = cv2.GaussianBlur(noise, (0, 0), self.dice.uniform(1, 4))
            shape = shape * (noise > noise.std() * self.dice.uniform(-0.8, 0.8))
        return shape

    def _stain(self) -> np.ndarray:
        """A wide soft patch, often darker at its rim, as of a dried drop."""
        shape = self._patch(int(self.dice.integers(24, 100)), self.dice.uniform(2, 6))
        inner = cv2.GaussianBlur(shape, (0, 0), self.dice.uniform(2, 6))
        return np.clip(shape - self.dice.uniform(0, 0.8) * inner * (inner > 0.6), 0, 1)

    def _specks(self, frame: np.ndarray) -> np.ndarray:
        """Strew grains of dust of 1 to 5 pixels, or some spots of up to 14."""
        dice = self.dice
        layers = {True: np.zeros_like(frame), False: np.zeros_like(frame)}
        # Round spots, too: else a network learns that what is round is a ball.
        large, round_ = dice.random() < 0.35, dice.random() < 0.4
        for _ in range(dice.integers(1, 10 if large else 30)):
            centre = np.rint(dice.uniform(0, self.size, 2) * 16).astype(int)
            axes = np.rint(dice.uniform(0.4, 7.0 if large else 2.6, 2) * 16).astype(int)
            axes = axes[[0, 0]] if round_ else axes
            cv2.ellipse(
                layers[dice.random() < self.darkness], tuple(centre), tuple(axes),
                float(dice.uniform(0, 180)), 0, 360, float(dice.uniform(0.4, 1)), -1,
                cv2.LINE_AA, 4,
            )  # fmt: skip
        for dark, alpha in layers.items():
            level = dice.uniform(0, 50) if dark else dice.uniform(205, 255)
            frame = blend(frame, alpha, level, "opaque")
        return frame

    def _lines(self) -> list[tuple[float, float, float, np.ndarray, float]]:
        """Vertical lines that stay: place, drift a frame, width, opacity by row, level."""
        dice = self.dice
        made = []
        for _ in range(dice.integers(1, 4)):
            waves = dice.normal(0, 1, (self.size, 1)).astype(np.float32)
            alpha = np.full((self.size, 1), dice.uniform(0.25, 0.9), np.float32)
            alpha += 0.08 * cv2.blur(waves, (1, 9)).reshape(-1, 1)
            level = dice.uniform(0, 50) if dice.random() < 0.4 else dice.uniform(205, 255)
            made.append(
                (
                    dice.uniform(0, self.size), dice.normal(0, 0.4), dice.uniform(0.8, 3.0),
                    alpha.clip(0, 1), level,
                )
            )  # fmt: skip
        return made

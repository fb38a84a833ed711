"""Synthetic damage for clean pictures: dust, dirt, hairs, blotches, stains, scratches, lines.

    wear = Wear(overlays, np.random.default_rng(1), size=160)      # the damage of one film
    damaged = wear.apply(clean, number=0)                          # to one of its frames

Shapes are taken from overlays (from their alpha channels) or drawn. They are blended with a frame
by one of MODES, light or dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import ModelError
from helpers.training.cleaner.scenes import ENDINGS, draw_blob

_MODES = ("opaque", "multiply", "screen", "soft light")
"""The blend modes."""


def read_overlays(folder: Path | str, most: int = 400) -> list[np.ndarray]:
    """Return damage shapes from picture files, as uint8 (H, W) opacity.

    The opacity is the alpha channel; in a picture without one, it is the difference from the most
    frequent grey.

    Raises:
        ModelError: the folder has no such pictures.
    """
    paths = [p for p in sorted(Path(folder).rglob("*")) if p.suffix.lower() in ENDINGS]
    pictures = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths[:most])
    found = [_opacity(picture) for picture in pictures if picture is not None]
    shapes = [shape for shape in found if shape.any()]
    if not shapes:
        raise ModelError(
            f"No damage overlay was found in {folder}. Overlays must be pictures "
            f"({', '.join(ENDINGS)}) with an alpha channel, or with damage on plain grey."
        )
    return shapes


def _opacity(picture: np.ndarray) -> np.ndarray:
    if picture.dtype == np.uint16:
        picture = (picture >> 8).astype(np.uint8)
    if picture.ndim == 3 and picture.shape[2] == 4:
        return picture[..., 3]
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    usual = int(np.bincount(grey.ravel(), minlength=256).argmax())
    difference = np.abs(grey.astype(np.int16) - usual)
    return np.where(difference > 12, np.minimum(difference * 3, 255), 0).astype(np.uint8)


def blend(frame: np.ndarray, alpha: np.ndarray, level: float, mode: str) -> np.ndarray:
    """Blend a grey level (0..255) into a float32 (H, W) frame with opacity `alpha` (0..1)."""
    base, top = frame / 255, np.float32(level / 255)
    if mode == "multiply":
        blended = base * top
    elif mode == "screen":
        blended = 1 - (1 - base) * (1 - top)
    elif mode == "soft light":
        blended = (1 - 2 * top) * base * base + 2 * top * base
    else:
        blended = np.full_like(base, top)
    return (base + alpha * (blended - base)) * 255


class Wear:
    """The damage of one film: which kinds, how much, how strong.

    Args:
        overlays: shapes as uint8 (H, W) opacity; may be empty.
        rng: the random numbers.
        size: pixels a side of the frames.
    """

    def __init__(self, overlays: Sequence[np.ndarray], rng: np.random.Generator, size: int) -> None:
        self.overlays, self.rng, self.size = overlays, rng, size
        # Some films have no damage at all, and most frames of the others have little.
        self.amount = 0.0 if rng.random() < 0.08 else float(rng.choice([0.6, 1.5, 3.0, 5.0]))
        self.darkness = float(rng.choice([0.1, 0.5, 0.9]))
        self.strength = rng.uniform(0.35, 0.9)
        self.lines = self._lines() if rng.random() < 0.08 and self.amount else []
        self.stuck = self._shape() if rng.random() < 0.04 and self.amount else None

    def apply(self, frame: np.ndarray, number: int) -> np.ndarray:
        """Return a float32 (H, W) frame, 0..255, with the damage of frame `number`."""
        rng = self.rng
        for _ in range(rng.poisson(self.amount)):
            shape = self._overlay() if self.overlays and rng.random() < 0.65 else self._shape()
            frame = blend(frame, shape, *self._colour())
        if rng.random() < 0.6 and self.amount:
            frame = self._specks(frame)
        for place, drift, width, alpha, level in self.lines:
            centre = place + drift * number + rng.normal(0, 0.3)
            across = np.abs(np.arange(self.size, dtype=np.float32) - np.float32(centre))
            profile = np.clip(width / 2 + 0.5 - across, 0, 1)[None] * alpha
            frame = blend(frame, profile, level, "opaque")
        if self.stuck is not None:
            frame = blend(frame, np.roll(self.stuck, rng.integers(-1, 2), 0), 15, "opaque")
        return frame.clip(0, 255)

    def _colour(self) -> tuple[float, str]:
        dark = self.rng.random() < self.darkness
        level = self.rng.uniform(0, 60) if dark else self.rng.uniform(195, 255)
        if self.rng.random() < 0.6:
            return level, "opaque"
        return level, "soft light" if self.rng.random() < 0.3 else "multiply" if dark else "screen"

    def _opaque(self, shape: np.ndarray) -> np.ndarray:
        strength = np.clip(self.rng.normal(self.strength, 0.2), 0.15, 1.0)
        return shape * np.float32(strength)

    def _overlay(self) -> np.ndarray:
        """Return one of the overlays at a random place, angle and size."""
        rng = self.rng
        shape = self.overlays[int(rng.integers(len(self.overlays)))]
        height, width = shape.shape
        scale = np.exp(rng.uniform(np.log(0.2), np.log(1.0))) * 400 / max(height, width)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(0, 360), scale)
        matrix[0, 2] += rng.uniform(-0.1, 1.1) * self.size - width / 2
        matrix[1, 2] += rng.uniform(-0.1, 1.1) * self.size - height / 2
        box = (self.size, self.size)
        if scale < 0.5:
            shape = cv2.GaussianBlur(shape, (0, 0), 0.4 / scale)
        placed = cv2.warpAffine(shape, matrix, box, flags=cv2.INTER_LINEAR)
        return self._opaque(placed.astype(np.float32) / 255)

    def _shape(self) -> np.ndarray:
        """Draw a hair, a blotch, a stain or a straight scratch."""
        kind = self.rng.choice(["hair", "blotch", "stain", "scratch"], p=[0.35, 0.35, 0.15, 0.15])
        made = {"hair": self._hair, "blotch": self._blotch, "stain": self._stain}
        return self._opaque(made.get(str(kind), self._scratch)())

    def _curve(self, points: np.ndarray, thickness: int, soft: float) -> np.ndarray:
        shape = np.zeros((self.size, self.size), np.float32)
        drawn = np.rint(points * 16).astype(np.int32)
        cv2.polylines(shape, [drawn], False, 1.0, thickness, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(shape, (0, 0), soft) if soft > 0.3 else shape

    def _hair(self) -> np.ndarray:
        rng = self.rng
        steps = rng.integers(8, 40)
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, rng.uniform(0.05, 0.5), steps))
        walk = np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(1, 5), 0)
        return self._curve(
            walk + rng.uniform(0, self.size, 2), int(rng.integers(1, 4)), rng.uniform(0, 0.9)
        )

    def _scratch(self) -> np.ndarray:
        rng = self.rng
        start, angle = rng.uniform(0, self.size, 2), rng.uniform(0, np.pi)
        end = start + rng.uniform(10, 120) * np.array([np.cos(angle), np.sin(angle)])
        return self._curve(np.stack([start, end]), int(rng.integers(1, 3)), rng.uniform(0, 0.7))

    def _patch(self, side: int, roughness: float) -> np.ndarray:
        """Return a draw_blob at a random place, possibly partly outside."""
        whole = np.zeros((self.size + 2 * side, self.size + 2 * side), np.float32)
        top, left = self.rng.integers(side // 2, self.size + side, 2)
        whole[top : top + side, left : left + side] = draw_blob(self.rng, side, roughness)
        return whole[side : side + self.size, side : side + self.size]

    def _blotch(self) -> np.ndarray:
        shape = self._patch(int(self.rng.integers(4, 48)), self.rng.uniform(3, 10))
        if self.rng.random() < 0.4:
            noise = self.rng.normal(0, 1, (self.size, self.size)).astype(np.float32)
            noise = cv2.GaussianBlur(noise, (0, 0), self.rng.uniform(1, 4))
            shape = shape * (noise > noise.std() * self.rng.uniform(-0.8, 0.8))
        return shape

    def _stain(self) -> np.ndarray:
        """Return a wide soft patch, often darker at its rim, like a dried drop."""
        shape = self._patch(int(self.rng.integers(24, 100)), self.rng.uniform(2, 6))
        inner = cv2.GaussianBlur(shape, (0, 0), self.rng.uniform(2, 6))
        return np.clip(shape - self.rng.uniform(0, 0.8) * inner * (inner > 0.6), 0, 1)

    def _specks(self, frame: np.ndarray) -> np.ndarray:
        """Add specks of dust of 1 to 5 pixels, or some spots of up to 14."""
        rng = self.rng
        layers = {True: np.zeros_like(frame), False: np.zeros_like(frame)}
        # Some spots are round, or a network would learn that round things are balls.
        large, round_ = rng.random() < 0.35, rng.random() < 0.4
        for _ in range(rng.integers(1, 10 if large else 30)):
            centre = np.rint(rng.uniform(0, self.size, 2) * 16).astype(int)
            axes = np.rint(rng.uniform(0.4, 7.0 if large else 2.6, 2) * 16).astype(int)
            axes = axes[[0, 0]] if round_ else axes
            cv2.ellipse(
                layers[rng.random() < self.darkness], tuple(centre), tuple(axes),
                float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(0.4, 1)), -1,
                cv2.LINE_AA, 4,
            )  # fmt: skip
        for dark, alpha in layers.items():
            level = rng.uniform(0, 50) if dark else rng.uniform(205, 255)
            frame = blend(frame, alpha, level, "opaque")
        return frame

    def _lines(self) -> list[tuple[float, float, float, np.ndarray, float]]:
        """Return vertical lines: place, drift per frame, width, opacity by row, level."""
        rng = self.rng
        made = []
        for _ in range(rng.integers(1, 4)):
            waves = rng.normal(0, 1, (self.size, 1)).astype(np.float32)
            alpha = np.full((self.size, 1), rng.uniform(0.25, 0.9), np.float32)
            alpha += 0.08 * cv2.blur(waves, (1, 9)).reshape(-1, 1)
            level = rng.uniform(0, 50) if rng.random() < 0.4 else rng.uniform(205, 255)
            made.append(
                (
                    rng.uniform(0, self.size), rng.normal(0, 0.4), rng.uniform(0.8, 3.0),
                    alpha.clip(0, 1), level,
                )
            )  # fmt: skip
        return made

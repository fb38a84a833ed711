"""Damage drawn over clean films, of the kinds for which there are no overlays.

worn, masks = DAMAGES["soft specks"](frames)       # masks: bool (H, W), where it can be seen
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

VISIBLE = 8
"""Grey levels from which on a change counts as damage."""

Images = list[np.ndarray]
Damage = Callable[[Sequence[np.ndarray]], tuple[Images, Images]]


def laid_on(frame: np.ndarray, alpha: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Lay a shape on a uint8 frame; return it, and where it has visibly changed, bool (H, W).

    Args:
        alpha: float32 (H, W), the opacity of each pixel, 0..1.
        level: its brightness in grey levels.
    """
    made = frame + alpha[..., None] * (level - frame.astype(np.float32))
    made = np.rint(made).clip(0, 255).astype(np.uint8)
    return made, np.abs(made.astype(int) - frame).max(-1) > VISIBLE


def each(
    frames: Sequence[np.ndarray], seed: int, draw: Callable[..., list]
) -> tuple[Images, Images]:
    """Damage every frame by itself: `draw(dice, height, width)` gives dark and light shapes."""
    dice, worn, masks = np.random.default_rng(seed), [], []
    for frame in frames:
        made, mask = frame, np.zeros(frame.shape[:2], bool)
        for alpha, level in draw(dice, *frame.shape[:2]):
            made, _ = laid_on(made, alpha, level)
        mask = np.abs(made.astype(int) - frame).max(-1) > VISIBLE
        worn.append(made)
        masks.append(mask)
    return worn, masks


def soft_specks(frames: Sequence[np.ndarray]) -> tuple[Images, Images]:
    """Lay specks with soft edges on every frame: 2 to 7 pixels in radius, six on each."""

    def draw(dice: np.random.Generator, height: int, width: int) -> list:
        shapes = []
        for n in range(6):
            alpha = np.zeros((height, width), np.float32)
            at = tuple(int(v) for v in dice.uniform((8, 8), (width - 8, height - 8)))
            axes = tuple(int(v) for v in dice.integers(2, 8, 2))
            cv2.ellipse(alpha, at, axes, dice.uniform(0, 180), 0, 360, 1.0, -1)
            alpha = cv2.GaussianBlur(alpha, (0, 0), dice.uniform(0.5, 1.8))
            shapes.append((0.95 * alpha, 12.0 if n % 2 else 240.0))
        return shapes

    return each(frames, 31, draw)


def rain(frames: Sequence[np.ndarray]) -> tuple[Images, Images]:
    """Lay short upright scratches on every frame: 30 of 10 to 60 pixels, none on two frames."""

    def draw(dice: np.random.Generator, height: int, width: int) -> list:
        shapes = []
        for level in (240.0, 25.0):
            alpha = np.zeros((height, width), np.float32)
            for _ in range(15):
                x, top = dice.uniform((2, 0), (width - 2, height - 10))
                length, wide = dice.uniform(10, 60), dice.uniform(0.6, 1.6)
                across = (wide / 2 + 0.5 - np.abs(np.arange(width) - x)).clip(0, 1)
                rows = slice(int(top), int(top + length))
                alpha[rows] = np.maximum(alpha[rows], 0.8 * across[None])
            shapes.append((alpha, level))
        return shapes

    return each(frames, 33, draw)


def lines(frames: Sequence[np.ndarray]) -> tuple[Images, Images]:
    """Lay four upright scratches on a film, which jitter by a third of a pixel."""
    dice, worn, masks = np.random.default_rng(35), [], []
    height, width = frames[0].shape[:2]
    places = dice.uniform(0.1, 0.9, 4) * width
    for frame in frames:
        made = frame
        for place, level in zip(places, (240.0, 20.0, 230.0, 30.0), strict=True):
            across = np.abs(np.arange(width) - place - dice.normal(0, 1 / 3))
            alpha = np.tile(0.6 * (1.3 - across).clip(0, 1)[None], (height, 1)).astype(np.float32)
            made, _ = laid_on(made, alpha, level)
        worn.append(made)
        masks.append(np.abs(made.astype(int) - frame).max(-1) > VISIBLE)
    return worn, masks


def gate_hair(frames: Sequence[np.ndarray]) -> tuple[Images, Images]:
    """Lay a hair and two grains of dirt on a film, which stay in the gate and tremble a little."""
    dice, worn, masks = np.random.default_rng(37), [], []
    height, width = frames[0].shape[:2]
    bend = np.linspace(0, 3, 40)
    hair = np.stack([0.3 * width + 12 * np.sin(bend), 0.15 * height * bend], 1)
    for frame in frames:
        alpha = np.zeros((4 * height, 4 * width), np.uint8)
        tremble = dice.normal(0, 0.25, 2)
        cv2.polylines(alpha, [np.rint(4 * (hair + tremble)).astype(np.int32)], False, 255, 7)
        for at in ((0.75, 0.3), (0.6, 0.8)):
            middle = np.rint(4 * (np.array(at) * (width, height) + tremble)).astype(int)
            cv2.circle(alpha, tuple(int(v) for v in middle), 10, 255, -1)
        alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
        made, mask = laid_on(frame, 0.9 * alpha.astype(np.float32) / 255, 15.0)
        worn.append(made)
        masks.append(mask)
    return worn, masks


DAMAGES: dict[str, Damage] = {
    "soft specks": soft_specks,
    "lines": lines,
    "rain": rain,
    "hair in the gate": gate_hair,
}
"""The kinds of damage, by name."""

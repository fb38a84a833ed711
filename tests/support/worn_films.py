"""Pictures of films with one fault each, and the clean ones that they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import cv2
import numpy as np

from helpers.clip import MemoryClip
from helpers.stages.stabilize.tracking import Motion, shift
from tests.support.clips import clip_of, levels
from tests.support.law import varying_clip


def scene(width: int = 200, height: int = 150, seed: int = 4) -> np.ndarray:
    """A picture full of corners."""
    dice = np.random.default_rng(seed)
    rough = dice.uniform(40, 220, (height // 10 + 1, width // 10 + 1, 3)).astype(np.float32)
    large = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(large, 0, 255).astype(np.uint8)


def houses(width: int = 96, height: int = 72, seed: int = 3) -> np.ndarray:
    """A textured picture with every grey level in it, float in 0..255."""
    dice = np.random.default_rng(seed)
    rough = dice.uniform(0, 1, (height // 6, width // 6)).repeat(6, 0).repeat(6, 1)
    slope = np.linspace(0.15, 0.85, width)[None]
    return (40 + 160 * (0.6 * slope + 0.4 * rough))[..., None] * np.array([1.0, 0.9, 0.8])


def panning(
    count: int = 9, width: int = 96, height: int = 64, speed: int = 2, dtype: type = np.uint8,
    seed: int = 3,
) -> list[np.ndarray]:  # fmt: skip
    """Pictures of a camera that moves to the right over soft detail in colour."""
    noise = np.random.default_rng(seed).normal(size=(height, width + speed * count, 3))
    wide = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 3)
    wide = 90 + 40 * wide / wide.std()
    images = [wide[:, n * speed : n * speed + width] for n in range(count)]
    top = np.iinfo(dtype).max
    return [np.rint(image.clip(0, 255) * (top / 255)).astype(dtype) for image in images]


def moving(count: int = 6, dtype: type = np.uint8) -> list[np.ndarray]:
    """Pictures of a camera that moves to the right over the scene."""
    wide = scene(160, 96)
    unit = 257 if dtype == np.uint16 else 1
    return [np.ascontiguousarray(wide[:, n : n + 120]).astype(dtype) * unit for n in range(count)]


# --- with a fault -------------------------------------------------------------------------------


def noisy(
    images: Sequence[np.ndarray], sigma: float, alike: bool = False, seed: int = 0
) -> list[np.ndarray]:
    """The pictures with noise of `sigma` levels of 255, `alike` in all channels or not."""
    dice = np.random.default_rng(seed)
    made = []
    for image in images:
        shape = (*image.shape[:2], 1) if alike else image.shape
        unit = 257 if image.dtype == np.uint16 else 1
        noise = sigma * unit * dice.standard_normal(shape)
        made.append(np.clip(np.rint(image + noise), 0, 255 * unit).astype(image.dtype))
    return made


def flickering(count: int = 40, amount: float = 0.08) -> list[np.ndarray]:
    """The houses in a light that changes from frame to frame, float in 0..255."""
    gains = 1 + amount * np.random.default_rng(1).standard_normal(count)
    return [houses() * gain for gain in gains]


def shaken(
    count: int = 24, amount: float = 1.5, turn: float = 0.003
) -> tuple[MemoryClip, list[Motion]]:
    """The scene from a camera that shakes, and by how much every picture moved."""
    dice = np.random.default_rng(5)
    large = scene()
    moves = [
        Motion(*(amount * dice.standard_normal(2)), turn * dice.standard_normal())
        for _ in range(count)
    ]
    return clip_of([shift(large, move) for move in moves]), moves


def dusty(
    images: Sequence[np.ndarray], number: int = 4, level: float = 1.0
) -> tuple[list[np.ndarray], np.ndarray]:
    """Put a dark and a light speck on one picture; return the pictures and where they are."""
    top = np.iinfo(images[0].dtype).max
    worn, mask = images[number].copy(), np.zeros(images[0].shape[:2], np.uint8)
    for centre, colour in (((30, 20), 0), ((60, 40), top)):
        spot = cv2.circle(np.zeros_like(mask), centre, 4, 1, -1).astype(bool)
        worn[spot] = np.rint(worn[spot] + level * (colour - worn[spot].astype(float)))
        mask |= spot
    return [*images[:number], worn, *images[number + 1 :]], mask.astype(bool)


def damage_left(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """How far a picture is from the truth where it was damaged, in levels of 255."""
    top = np.iinfo(truth.dtype).max
    return float(np.abs(image.astype(float) - truth)[mask].mean() * 255 / top)


def worn_clip(dtype: type = np.uint8, width: int = 36, height: int = 30) -> MemoryClip:
    """Twelve frames in three shots, as uneven as `varying_clip`, with specks, noise and flicker."""
    shots = [panning(count, width, height, seed=seed) for seed, count in ((1, 5), (2, 4), (3, 3))]
    gains = 1 + 0.06 * np.random.default_rng(4).standard_normal(12)
    images = [image * gain for image, gain in zip(chain(*shots), gains, strict=True)]
    for number, level in ((3, 0), (4, 255), (7, 0), (11, 255)):
        spot = cv2.circle(np.zeros((height, width), np.uint8), (5 + 2 * number, 14), 4, 1, -1)
        images[number][spot.astype(bool)] = level
    images[6] = images[5]  # a repeat
    like = varying_clip()
    return MemoryClip(noisy(levels(images, dtype), 3), like.times, like.end, like.cuts)

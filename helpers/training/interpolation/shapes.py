"""Draw outlines and patterns of things: bodies, limbs, poles, wires, fences, stripes.

alpha = draw_shape(np.random.default_rng(1), size=224)       # float32 (H, W), 0..1
stripes = draw_pattern(np.random.default_rng(2), size=448)   # uint8 (448, 448, 3)
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.training.cleaner.scenes import draw_blob


def draw_shape(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw the outline of a thing, float32 (H, W) in 0..1, for frames of `size` pixels a side."""
    kinds = {_body: 0.36, _limb: 0.24, _thin: 0.16, _polygon: 0.16, _fence: 0.08}
    chosen = rng.choice(len(kinds), p=list(kinds.values()))
    alpha = list(kinds)[chosen](rng, size)
    if rng.random() < 0.12:  # out of focus, close to the camera
        alpha = cv2.GaussianBlur(np.pad(alpha, 8), (0, 0), rng.uniform(1, 4))
    return alpha


def _body(rng: np.random.Generator, size: int) -> np.ndarray:
    return draw_blob(rng, max(int(size * np.exp(rng.uniform(np.log(0.06), np.log(0.9)))), 8))


def _limb(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a rounded stroke with two or three joints."""
    side = int(size * rng.uniform(0.25, 0.8))
    shape = np.zeros((side, side), np.float32)
    points = rng.uniform(0.15, 0.85, (int(rng.integers(2, 4)), 2)) * side
    thick = max(int(side * rng.uniform(0.05, 0.22)), 2)
    drawn = [np.rint(points * 16).astype(np.int32)]
    cv2.polylines(shape, drawn, False, (1.0,), thick, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(shape, (0, 0), rng.uniform(0.5, 1.2))


def _thin(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw some poles, wires or ropes, one to three pixels wide."""
    shape = np.zeros((size, size), np.float32)
    for _ in range(rng.integers(1, 4)):
        start, end = rng.uniform(0, size, (2, 2))
        sag = rng.normal(0, 0.1 * size)
        share = np.linspace(0, 1, 24)[:, None]
        points = start + share * (end - start) + sag * share * (1 - share) * np.array([0, 4.0])
        drawn = [np.rint(points * 16).astype(np.int32)]
        cv2.polylines(shape, drawn, False, (1.0,), int(rng.integers(1, 4)), cv2.LINE_AA, 4)
    return shape


def _polygon(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a thing with straight edges, like a car, a table or a board."""
    side = int(size * rng.uniform(0.1, 0.8))
    shape = np.zeros((side, side), np.float32)
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 7))))
    points = (0.5 + 0.46 * np.stack([np.cos(angles), np.sin(angles)], 1)) * side
    cv2.fillPoly(shape, [np.rint(points * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    return cv2.GaussianBlur(shape, (0, 0), 0.6)


def _fence(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw bars at even distances, with gaps between them."""
    bars = draw_pattern(rng, size, plain=True)[..., 0].astype(np.float32) / 255
    return (bars > rng.uniform(0.5, 0.8)).astype(np.float32)


def draw_pattern(rng: np.random.Generator, size: int, plain: bool = False) -> np.ndarray:
    """Draw stripes, checks or dots, uint8 (size, size, 3); if `plain`, only stripes in grey."""
    row, column = np.mgrid[:size, :size].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(5, 40)
    one = np.sin(2 * np.pi / period * (np.cos(angle) * column + np.sin(angle) * row))
    if plain:
        waves = one
    else:
        other = np.sin(2 * np.pi / period * (np.cos(angle) * row - np.sin(angle) * column))
        waves = (one, one * other, np.maximum(one, other), one + other)[int(rng.integers(4))]
    share = (0.5 + rng.uniform(0.6, 3.0) * waves).clip(0, 1)[..., None]
    if plain:
        return np.rint(255 * share).repeat(3, 2).astype(np.uint8)
    dark, light = rng.uniform(0, 120, 3), rng.uniform(110, 255, 3)
    return np.rint(dark + share * (light - dark)).astype(np.uint8)

"""Outlines and patterns of things that move: bodies, limbs, poles, wires, fences, stripes.

alpha = draw_shape(np.random.default_rng(1), size=224)       # float32 (H, W), 0..1
stripes = pattern(np.random.default_rng(2), size=448)        # uint8 (448, 448, 3)
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.training.cleaner.scenes import blob


def draw_shape(dice: np.random.Generator, size: int) -> np.ndarray:
    """Draw the outline of a thing, float32 (H, W) in 0..1, for a view of `size` pixels a side."""
    kinds = {_body: 0.36, _limb: 0.24, _thin: 0.16, _polygon: 0.16, _fence: 0.08}
    chosen = dice.choice(len(kinds), p=list(kinds.values()))
    alpha = list(kinds)[chosen](dice, size)
    if dice.random() < 0.12:  # out of focus, and in front
        alpha = cv2.GaussianBlur(np.pad(alpha, 8), (0, 0), dice.uniform(1, 4))
    return alpha


def _body(dice: np.random.Generator, size: int) -> np.ndarray:
    return blob(dice, max(int(size * np.exp(dice.uniform(np.log(0.06), np.log(0.9)))), 8))


def _limb(dice: np.random.Generator, size: int) -> np.ndarray:
    """A rounded stroke of two or three joints."""
    side = int(size * dice.uniform(0.25, 0.8))
    shape = np.zeros((side, side), np.float32)
    points = dice.uniform(0.15, 0.85, (int(dice.integers(2, 4)), 2)) * side
    thick = max(int(side * dice.uniform(0.05, 0.22)), 2)
    drawn = [np.rint(points * 16).astype(np.int32)]
    cv2.polylines(shape, drawn, False, (1.0,), thick, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(shape, (0, 0), dice.uniform(0.5, 1.2))


def _thin(dice: np.random.Generator, size: int) -> np.ndarray:
    """Some poles, wires or ropes of one to three pixels."""
    shape = np.zeros((size, size), np.float32)
    for _ in range(dice.integers(1, 4)):
        start, end = dice.uniform(0, size, (2, 2))
        sag = dice.normal(0, 0.1 * size)
        share = np.linspace(0, 1, 24)[:, None]
        points = start + share * (end - start) + sag * share * (1 - share) * np.array([0, 4.0])
        drawn = [np.rint(points * 16).astype(np.int32)]
        cv2.polylines(shape, drawn, False, (1.0,), int(dice.integers(1, 4)), cv2.LINE_AA, 4)
    return shape


def _polygon(dice: np.random.Generator, size: int) -> np.ndarray:
    """A thing with straight edges: a car, a table, a board."""
    side = int(size * dice.uniform(0.1, 0.8))
    shape = np.zeros((side, side), np.float32)
    angles = np.sort(dice.uniform(0, 2 * np.pi, int(dice.integers(3, 7))))
    points = (0.5 + 0.46 * np.stack([np.cos(angles), np.sin(angles)], 1)) * side
    cv2.fillPoly(shape, [np.rint(points * 16).astype(np.int32)], (1.0,), cv2.LINE_AA, 4)
    return cv2.GaussianBlur(shape, (0, 0), 0.6)


def _fence(dice: np.random.Generator, size: int) -> np.ndarray:
    """Bars at even distances, through which the ground is seen."""
    bars = pattern(dice, size, plain=True)[..., 0].astype(np.float32) / 255
    return (bars > dice.uniform(0.5, 0.8)).astype(np.float32)


def pattern(dice: np.random.Generator, size: int, plain: bool = False) -> np.ndarray:
    """Draw stripes, checks or dots, uint8 (size, size, 3); `plain` ones are stripes, in grey."""
    row, column = np.mgrid[:size, :size].astype(np.float32)
    angle, period = dice.uniform(0, np.pi), dice.uniform(5, 40)
    one = np.sin(2 * np.pi / period * (np.cos(angle) * column + np.sin(angle) * row))
    if plain:
        waves = one
    else:
        other = np.sin(2 * np.pi / period * (np.cos(angle) * row - np.sin(angle) * column))
        waves = (one, one * other, np.maximum(one, other), one + other)[int(dice.integers(4))]
    share = (0.5 + dice.uniform(0.6, 3.0) * waves).clip(0, 1)[..., None]
    if plain:
        return np.rint(255 * share).repeat(3, 2).astype(np.uint8)
    dark, light = dice.uniform(0, 120, 3), dice.uniform(110, 255, 3)
    return np.rint(dark + share * (light - dark)).astype(np.uint8)

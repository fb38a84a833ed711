"""Propagate the colours of one frame to the other frames of its shot.

    carrier = Carrier(luma, chroma, known)            # a frame that a person coloured
    carrier.step(next_luma, backward, trust)              # to the next frame, forwards or backwards
    carried = carrier.colours()                       # colours with their confidence
    chroma = fill_colors(next_luma, carried, [Source(luma, chroma, known)])

Each pixel is tracked to the coloured frame by a chain of flows from frame to frame. Chains drift,
so at every step the coloured frame is aligned with the new one, and the remaining flow between them
is measured. Parts that were not visible in the coloured frame get the colours of nearby pixels of
similar brightness, from a bilateral grid (Chen, Paris and Durand, SIGGRAPH 2007), from fine to
coarse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.optical_flow import (
    FAST,
    FINE,
    is_inside,
    measure_both_flows,
    measure_flow,
    sample,
    target_positions,
    warp,
)
from helpers.stages.colorize.consistency import EDGE, measure_likeness, measure_trust

_ENOUGH = 0.7
"""A step with at least this trust does not reduce the confidence, which would otherwise decrease in
long chains. This number and those below were chosen by trial; benchmarks/quality/color.py measures
the effect."""

_GREYS = 16
"""Levels of brightness in a grid."""

_FINE_CELLS, _COARSE_CELLS = (24, 8), (3, 1)
"""Cells along the longer side of the grids of a frame's own colours, and of the grids of another
frame, which are coarser because objects move."""

_HOLD = 0.05
"""The covered share of a cell at which its colours weigh as much as those of the coarser grid."""


@dataclass(frozen=True, eq=False)
class Carried:
    """Colours that were propagated to a frame.

    Attributes:
        chroma: float32 (h, w, 2), Cb and Cr.
        confidence: the confidence in each pixel, float32 (h, w) in 0..1.
    """

    chroma: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True, eq=False)
class Source:
    """A picture that provides colours for others.

    Attributes:
        luma: uint8 (h, w).
        chroma: float32 (h, w, 2), Cb and Cr.
        weight: the weight of each pixel, float32 (h, w).
    """

    luma: np.ndarray
    chroma: np.ndarray
    weight: np.ndarray


class Carrier:
    """Propagates the colours of a frame through a shot, step by step.

    Args:
        luma: the luma of the coloured frame, uint8 (h, w).
        chroma: its colours, float32 (h, w, 2).
        known: which pixels were coloured, float32 (h, w) in 0..1.
    """

    def __init__(self, luma: np.ndarray, chroma: np.ndarray, known: np.ndarray) -> None:
        self._luma, self._chroma, self._known = luma, chroma, known
        self._at = target_positions(np.zeros((*luma.shape, 2), np.float32))
        self._confidence = np.ones(luma.shape, np.float32)
        self._alike = self._confidence

    def step(self, luma: np.ndarray, backward: np.ndarray, trust: np.ndarray) -> None:
        """Continue to a neighbour.

        Args:
            luma: the luma of the new frame, uint8 (h, w).
            backward: the flow from it to the previous frame of the chain.
            trust: the trust in that flow, float32 (h, w) in 0..1.
        """
        before = target_positions(backward)
        self._confidence = sample(self._confidence, before) * np.minimum(trust / _ENOUGH, 1)
        at = sample(self._at, before)
        alike = measure_likeness(luma, sample(self._luma, at))
        nearer = warp(at, measure_flow(luma, sample(self._luma, at), FAST))
        again = measure_likeness(luma, sample(self._luma, nearer))
        better = again > alike
        self._at = np.where(better[..., None], nearer, at)
        self._alike = np.where(better, again, alike) * is_inside(self._at, EDGE)

    def colours(self) -> Carried:
        """Return the colours of the current frame."""
        confidence = (
            self._confidence * np.minimum(self._alike / _ENOUGH, 1) * sample(self._known, self._at)
        )
        return Carried(sample(self._chroma, self._at), confidence)


def match_directly(luma: np.ndarray, source: Source) -> Carried:
    """Propagate colours to a frame in one step, for parts that a chain of steps cannot reach.

    Args:
        luma: the luma of the frame, uint8 (h, w).
        source: a coloured frame of the same shot.
    """
    forward, backward = measure_both_flows(luma, source.luma, FINE)
    confidence = np.minimum(measure_trust(luma, source.luma, forward, backward) / _ENOUGH, 1)
    at = target_positions(forward)
    return Carried(sample(source.chroma, at), confidence * sample(source.weight, at))


def fill_gaps(first: Carried | None, second: Carried) -> Carried:
    """Fill the gaps of propagated colours, where the confidence is low, with a second version."""
    if first is None:
        return second
    rest = (1 - first.confidence) * second.confidence
    total = first.confidence + rest
    share = (rest / (total + np.float32(1e-6)))[..., None]
    return Carried(first.chroma + share * (second.chroma - first.chroma), total)


def mix_carried(before: Carried, after: Carried, share: float) -> Carried:
    """Mix the colours that were propagated to a frame from two coloured frames.

    Args:
        before, after: the colours from the earlier and the later coloured frame.
        share: the position of the frame between the earlier and the later one, 0 to 1.
    """
    one, other = before.confidence * np.float32(1 - share), after.confidence * np.float32(share)
    total = one + other + np.float32(1e-6)
    change = (after.chroma - before.chroma) * (other / total)[..., None]
    return Carried(before.chroma + change, np.maximum(before.confidence, after.confidence))


def fade(carried: Carried, distance: float) -> Carried:
    """Reduce the confidence towards the end of the reach of a coloured frame.

    Args:
        carried: the propagated colours.
        distance: the distance from the coloured frame, as a share of its reach, 0 to 1.
    """
    return Carried(carried.chroma, carried.confidence * np.float32(min(2 - 2 * distance, 1)))


def composite(carried: Carried, base: np.ndarray) -> np.ndarray:
    """Blend propagated colours over others, (h, w, 2), with the confidence as the opacity."""
    return base + carried.confidence[..., None] * (carried.chroma - base)


def fill_colors(luma: np.ndarray, carried: Carried | None, sources: Sequence[Source]) -> np.ndarray:
    """Return the colours of a whole frame; gaps are filled from nearby pixels of similar luma.

    Args:
        luma: the luma of the frame, uint8 (h, w).
        carried: the colours that were propagated to it, if there are any.
        sources: coloured frames of the same shot.

    Returns:
        float32 (h, w, 2), Cb and Cr.
    """
    grids = [(cells, sources) for cells in sorted(_COARSE_CELLS)]
    if carried is not None:
        own = Source(luma, carried.chroma, carried.confidence)
        grids += [(cells, [own]) for cells in sorted(_FINE_CELLS)]
    alike = _slice(_grid(luma.shape, grids), luma)
    return alike if carried is None else composite(carried, alike)


def _grid(shape: tuple[int, int], grids: Sequence[tuple[int, Sequence[Source]]]) -> np.ndarray:
    """Return a grid with the colour of each level of brightness in each cell, (gy, gx, levels, 2).

    Args:
        shape: the shape of the picture, (h, w).
        grids: the number of cells along the longer side and the sources, from coarse to fine.
    """
    found = np.zeros((1, 1, _GREYS, 2), np.float32)
    for cells, sources in grids:
        size = tuple(max(round(cells * side / max(shape)), 1) for side in shape)
        total, weight = _splat(size, sources)
        hold = np.float32(_HOLD * shape[0] * shape[1] / (size[0] * size[1]) / _GREYS)
        coarser = _resize(found, size)
        found = (total + hold * coarser) / (weight + hold)
    return found


def _splat(size: tuple[int, ...], sources: Sequence[Source]) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of the weighted colours and of the weights in every cell of a grid."""
    rows, columns = size
    sums = np.zeros((3, rows * columns * _GREYS))
    for source in sources:
        height, width = source.luma.shape
        down = np.arange(height) * rows // height
        across = np.arange(width) * columns // width
        grey = source.luma.astype(np.int64) * _GREYS // 256
        cell = ((down[:, None] * columns + across) * _GREYS + grey).ravel()
        for number, values in enumerate(
            (source.chroma[..., 0], source.chroma[..., 1], np.ones_like(source.weight))
        ):
            weighed = (values * source.weight).ravel()
            sums[number] += np.bincount(cell, weighed, minlength=sums.shape[1])
    planes = sums.reshape(3, rows, columns, _GREYS).astype(np.float32)
    planes = np.stack([_smooth(plane) for plane in planes], -1)
    return planes[..., :2], planes[..., 2:]


def _smooth(plane: np.ndarray) -> np.ndarray:
    """Blur a plane of a grid, (gy, gx, levels), in position and brightness."""
    padded = np.pad(plane, ((0, 0), (0, 0), (1, 1)), "edge")
    plane = padded[..., :-2] / 4 + padded[..., 1:-1] / 2 + padded[..., 2:] / 4
    return np.ascontiguousarray(cv2.blur(plane, (3, 3))).reshape(plane.shape)


def _resize(grid: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Resize a grid to other numbers of rows and columns."""
    flat = grid.reshape(*grid.shape[:2], -1)
    flat = cv2.resize(flat, size[::-1], interpolation=cv2.INTER_LINEAR)
    return flat.reshape(*size, _GREYS, 2)


def _slice(grid: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """Return the colour of every pixel of a picture, interpolated in a grid."""
    wide = _resize(grid, luma.shape)
    level = (luma.astype(np.float32) * np.float32(_GREYS / 256) - np.float32(0.5)).clip(
        0, _GREYS - 1
    )
    low = np.minimum(level.astype(np.int64), _GREYS - 2)
    share = (level - low)[..., None]
    low = low[..., None, None]
    one = np.take_along_axis(wide, low, 2)[..., 0, :]
    other = np.take_along_axis(wide, low + 1, 2)[..., 0, :]
    return (one + share * (other - one)).astype(np.float32)

"""Carry the colours of one frame to the others of its shot.

    carrier = Carrier(luma, chroma, known)            # a frame that a person coloured
    carrier.step(next_luma, back, believed)           # from frame to frame, either way in time
    carried = carrier.colours()                       # with how far each of them is to be believed
    chroma = filled(next_luma, carried, [Source(luma, chroma, known)])

Each pixel is followed back to the coloured frame by a chain of flows from frame to frame. Chains
drift, so at every step the coloured frame is laid over the new one and what is left between them is
measured once more. What came into view on the way has no colours of its own to be followed to; it
takes those of places alike in brightness near by: a bilateral grid (Chen, Paris and Durand,
SIGGRAPH 2007), from fine to coarse.
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
"""Trust in one step from which on nothing is lost: many steps of a little doubt are no doubt. This
number and those below were chosen by trial; benchmarks/quality/color.py measures the effect."""

_GREYS = 16
"""Steps of brightness in a grid."""

_FINE_CELLS, _COARSE_CELLS = (24, 8), (3, 1)
"""Cells along the longer side of grids: for a frame's own colours, and for those of another frame,
in which things may have been elsewhere."""

_HOLD = 0.05
"""Part of a cell that must be covered before its own colours outweigh those of the coarser grid."""


@dataclass(frozen=True, eq=False)
class Carried:
    """Colours that were carried to a frame.

    Attributes:
        chroma: float32 (h, w, 2), Cb and Cr.
        sure: how far each is to be believed, float32 (h, w) in 0..1.
    """

    chroma: np.ndarray
    sure: np.ndarray


@dataclass(frozen=True, eq=False)
class Source:
    """A picture that others take colours from: luma uint8 (h, w), chroma, and how much each place
    of it counts, float32 (h, w)."""

    luma: np.ndarray
    chroma: np.ndarray
    weight: np.ndarray


class Carrier:
    """Carries the colours of a frame through a shot, step by step.

    Args:
        luma: uint8 (h, w) of the coloured frame.
        chroma: float32 (h, w, 2) of it.
        known: float32 (h, w) in 0..1: where it was coloured.
    """

    def __init__(self, luma: np.ndarray, chroma: np.ndarray, known: np.ndarray) -> None:
        self._luma, self._chroma, self._known = luma, chroma, known
        self._at = target_positions(np.zeros((*luma.shape, 2), np.float32))
        self._sure = np.ones(luma.shape, np.float32)
        self._alike = self._sure

    def step(self, luma: np.ndarray, back: np.ndarray, believed: np.ndarray) -> None:
        """Go on to a neighbour.

        Args:
            luma: uint8 (h, w) of the new frame.
            back: the motion from it to the frame before, in the order of the chain.
            believed: how far that is to be believed, float32 (h, w).
        """
        before = target_positions(back)
        self._sure = sample(self._sure, before) * np.minimum(believed / _ENOUGH, 1)
        at = sample(self._at, before)
        alike = measure_likeness(luma, sample(self._luma, at))
        nearer = warp(at, measure_flow(luma, sample(self._luma, at), FAST))
        again = measure_likeness(luma, sample(self._luma, nearer))
        better = again > alike
        self._at = np.where(better[..., None], nearer, at)
        self._alike = np.where(better, again, alike) * is_inside(self._at, EDGE)

    def colours(self) -> Carried:
        """Return the colours as the newest frame has them."""
        sure = self._sure * np.minimum(self._alike / _ENOUGH, 1) * sample(self._known, self._at)
        return Carried(sample(self._chroma, self._at), sure)


def match_directly(luma: np.ndarray, source: Source) -> Carried:
    """Carry colours to a frame in one leap: for what a chain of steps has lost, or is too far for.

    Args:
        luma: uint8 (h, w) of the frame.
        source: a coloured frame of the same shot.
    """
    onward, back = measure_both_flows(luma, source.luma, FINE)
    sure = np.minimum(measure_trust(luma, source.luma, onward, back) / _ENOUGH, 1)
    at = target_positions(onward)
    return Carried(sample(source.chroma, at), sure * sample(source.weight, at))


def fill_gaps(first: Carried | None, second: Carried) -> Carried:
    """Return carried colours, with those of a second way where the first is not to be believed."""
    if first is None:
        return second
    rest = (1 - first.sure) * second.sure
    total = first.sure + rest
    share = (rest / (total + np.float32(1e-6)))[..., None]
    return Carried(first.chroma + share * (second.chroma - first.chroma), total)


def mix_carried(before: Carried, after: Carried, share: float) -> Carried:
    """Return what was carried from two coloured frames as one.

    Args:
        before, after: the colours of one frame, carried from an earlier and from a later one.
        share: how far on the way from the earlier to the later the frame lies, 0 to 1.
    """
    one, other = before.sure * np.float32(1 - share), after.sure * np.float32(share)
    total = one + other + np.float32(1e-6)
    change = (after.chroma - before.chroma) * (other / total)[..., None]
    return Carried(before.chroma + change, np.maximum(before.sure, after.sure))


def fade(carried: Carried, distance: float) -> Carried:
    """Return carried colours believed less towards the end of their reach, which is distance 1."""
    return Carried(carried.chroma, carried.sure * np.float32(min(2 - 2 * distance, 1)))


def composite(carried: Carried, base: np.ndarray) -> np.ndarray:
    """Return carried colours over others, (h, w, 2), which are seen where they are not believed."""
    return base + carried.sure[..., None] * (carried.chroma - base)


def fill_colors(luma: np.ndarray, carried: Carried | None, sources: Sequence[Source]) -> np.ndarray:
    """Return the colours of a whole frame: as carried, else as those of places alike.

    Args:
        luma: uint8 (h, w) of the frame.
        carried: what was carried to it, if anything was.
        sources: coloured frames of the same shot.

    Returns:
        float32 (h, w, 2).
    """
    grids = [(cells, sources) for cells in sorted(_COARSE_CELLS)]
    if carried is not None:
        own = Source(luma, carried.chroma, carried.sure)
        grids += [(cells, [own]) for cells in sorted(_FINE_CELLS)]
    alike = _slice(_grid(luma.shape, grids), luma)
    return alike if carried is None else composite(carried, alike)


def _grid(shape: tuple[int, int], grids: Sequence[tuple[int, Sequence[Source]]]) -> np.ndarray:
    """Return the colour of every brightness in every part of a picture, (gy, gx, GREYS, 2)."""
    found = np.zeros((1, 1, _GREYS, 2), np.float32)
    for cells, sources in grids:
        size = tuple(max(round(cells * side / max(shape)), 1) for side in shape)
        total, weight = _splat(size, sources)
        hold = np.float32(_HOLD * shape[0] * shape[1] / (size[0] * size[1]) / _GREYS)
        coarser = _resize(found, size)
        found = (total + hold * coarser) / (weight + hold)
    return found


def _splat(size: tuple[int, ...], sources: Sequence[Source]) -> tuple[np.ndarray, np.ndarray]:
    """Add up the colours, and the weights, of the pixels in every cell of a grid."""
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
    """Spread what is in a cell (gy, gx, GREYS) over its neighbours, in place and in brightness."""
    padded = np.pad(plane, ((0, 0), (0, 0), (1, 1)), "edge")
    plane = padded[..., :-2] / 4 + padded[..., 1:-1] / 2 + padded[..., 2:] / 4
    return np.ascontiguousarray(cv2.blur(plane, (3, 3))).reshape(plane.shape)


def _resize(grid: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Return a grid with other numbers of rows and columns."""
    flat = grid.reshape(*grid.shape[:2], -1)
    flat = cv2.resize(flat, size[::-1], interpolation=cv2.INTER_LINEAR)
    return flat.reshape(*size, _GREYS, 2)


def _slice(grid: np.ndarray, luma: np.ndarray) -> np.ndarray:
    """Return the colour that a grid has for every pixel of a picture."""
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

"""Tell dirt from things that fly: birds, drops of rain, snow, sparks and tracers.

Dirt is in one frame. A thing that flies is in the frames around too, along one straight path, but
so far away that no flow follows it. A streak, which is a bright thing's path while the shutter was
open, flies along its own direction, so there it is enough that one neighbour shows it.

    mask = drop_flying(mask, here, base, witnesses, offsets)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.stages.damage.temporal_outliers import LARGEST_FLYER, choose_witnesses

REACH = 34
"""Things are sought up to a speed of so many pixels per frame: rain in clean_film.py has 28. This
number and those below were chosen by trial on benchmarks/quality/clean_film.py."""

BEST, ANY, ONCE = 0.6, 0.75, 0.88
"""The least correlation with a thing on both sides, if the first of them is what correlates best;
the same with any thing on a straight path; and that of a streak with one on one side. With ANY at
0.6, 4 % of the soft specks were taken for things, with 0.75 none."""

UPRIGHT = 0.8
"""The same for what is upright, as short scratches are, of which many are alike."""

OUTLINE = 15.0
"""What differs by so many grey levels from the neighbours belongs to the same thing."""

SLACK = 2
"""A path may deviate so many pixels from a straight one."""

LONG, LENGTH, LEAN = 1.8, 4.0, 0.08
"""A streak is so many times longer than it is broad, and longer than so many pixels; it is upright
if it leans less to the side, as a share of its length."""

ASTRAY, WANDER, AHEAD = 1.5, 0.12, 0.4
"""A streak may fly so many pixels, and such a share of the way, beside its own direction; and it
flies at least such a share of its length."""

STAYS = 2
"""What moves by so few pixels in each direction does not fly."""

STRENGTH = 0.35
"""The same thing has at least such a share of the contrast in the other frame."""

Box = tuple[int, int, int, int]
"""The first and last row and column of a piece: above, below, before, after; ends are excluded."""


@dataclass(frozen=True)
class Search:
    """Where a piece is found in another frame.

    Attributes:
        alike: (rows, columns) float32, the correlation at each displacement, 0 where it is too
            faint; at most 1.
        down, right: the displacement of the first row and column, in pixels.
        step: how many frames after the piece's own the other frame is.
    """

    alike: np.ndarray
    down: int
    right: int
    step: int

    @property
    def rows(self) -> np.ndarray:
        """The displacement of every row."""
        return np.arange(self.alike.shape[0]) + self.down

    @property
    def columns(self) -> np.ndarray:
        """The displacement of every column."""
        return np.arange(self.alike.shape[1]) + self.right


def drop_flying(
    mask: np.ndarray,
    here: np.ndarray,
    base: np.ndarray,
    witnesses: Sequence[np.ndarray],
    offsets: Sequence[int],
) -> np.ndarray:
    """Drop the small pieces of a mask that are things that fly.

    Args:
        mask: bool (H, W).
        here: float32 (H, W) luma in 0..255.
        base: the median of the witnesses, likewise.
        witnesses: two or more neighbours of it, aligned.
        offsets: how many frames after `here` each is; negative is before.
    """
    shown = here - base
    others = [(witnesses[n] - base, offsets[n]) for n in choose_witnesses(offsets)]
    kept, known = mask.copy(), dict[Box, bool]()
    for piece, box in _small_pieces(mask, shown):
        if box not in known:
            known[box] = _is_flying(shown, box, others)
        if known[box]:
            kept[piece] = False
    return kept


def _small_pieces(
    mask: np.ndarray, shown: np.ndarray
) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], Box]]:
    """Yield the pixels of every small piece, and the box of the thing that it is a part of."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    wider = mask | (np.abs(shown) > OUTLINE)
    _, things, outlines, _ = cv2.connectedComponentsWithStats(wider.astype(np.uint8))
    rows, columns = np.nonzero(mask)
    numbers = labels[rows, columns]
    for label in range(1, count):
        area = boxes[label, cv2.CC_STAT_AREA]
        if area > LARGEST_FLYER:
            continue
        own = numbers == label
        pixels = rows[own], columns[own]
        outline = outlines[things[pixels[0][0], pixels[1][0]]]
        # What is far larger than the piece is the unrest around it.
        yield pixels, _box(outline if outline[-1] <= 4 * area + 60 else boxes[label], mask.shape)


def _box(found: np.ndarray, shape: tuple[int, ...]) -> Box:
    """Return the box that OpenCV found, with a margin of a pixel."""
    left, top, width, height = (int(value) for value in found[:4])
    below, after = min(top + height + 1, shape[0]), min(left + width + 1, shape[1])
    return max(top - 1, 0), below, max(left - 1, 0), after


def _is_flying(shown: np.ndarray, box: Box, others: Sequence[tuple[np.ndarray, int]]) -> bool:
    """Tell whether the piece in a box is in the others, along a straight path or its own axis."""
    piece = shown[box[0] : box[1], box[2] : box[3]]
    one, two = (_seek(piece, box, other, step) for other, step in others)
    axis, length = _streak(piece)
    upright = axis is not None and abs(axis[0]) < LEAN
    best, any_ = (UPRIGHT, UPRIGHT) if upright else (BEST, ANY)
    for near, far in ((one, two), (two, one)):
        both = _along_path(near, far)
        if both.max() > any_ or both[np.unravel_index(near.alike.argmax(), both.shape)] > best:
            return True
    if axis is None or upright:
        return False
    return any(_along_axis(found, axis, length) > ONCE for found in (one, two))


def _seek(piece: np.ndarray, box: Box, other: np.ndarray, step: int) -> Search:
    """Correlate a piece with what is around its place in another frame."""
    reach = REACH * abs(step)
    top, left = max(box[0] - reach, 0), max(box[2] - reach, 0)
    window = other[top : box[1] + reach, left : box[3] + reach]
    alike = cv2.matchTemplate(window, piece, cv2.TM_CCORR_NORMED)
    tall, wide = piece.shape
    strength = cv2.blur(np.abs(window), (wide, tall), anchor=(0, 0))
    strong = strength[: alike.shape[0], : alike.shape[1]] > STRENGTH * np.abs(piece).mean()
    found = Search(np.where(strong & (alike <= 1.01), alike, 0), top - box[0], left - box[2], step)
    # What stays where it is does not fly, and dirt is at the same place in a repeated frame.
    stays = np.ix_(np.abs(found.rows) <= STAYS, np.abs(found.columns) <= STAYS)
    found.alike[stays] = 0
    return found


def _along_path(near: Search, far: Search) -> np.ndarray:
    """Return, for each displacement in one frame, the lesser correlation there and where a straight
    path leads in the other frame."""
    window = np.ones((2 * SLACK + 1, 2 * SLACK + 1), np.uint8)
    reached = cv2.dilate(far.alike, window)
    ratio = far.step / near.step
    rows = np.rint(near.rows * ratio).astype(int) - far.down
    columns = np.rint(near.columns * ratio).astype(int) - far.right
    within = (rows >= 0) & (rows < reached.shape[0])
    across = (columns >= 0) & (columns < reached.shape[1])
    both = np.zeros_like(near.alike)
    inside = np.ix_(within, across)
    both[inside] = np.minimum(near.alike[inside], reached[np.ix_(rows[within], columns[across])])
    return both


def _streak(piece: np.ndarray) -> tuple[np.ndarray | None, float]:
    """Return a streak's direction, x and y, and its length in pixels; None if it is not one."""
    weights = np.abs(piece)
    weights = np.where(weights > STRENGTH * weights.max(), weights, 0)
    rows, columns = np.nonzero(weights)
    if len(rows) < 3:
        return None, 0.0
    spread = np.cov(np.stack([columns, rows]), aweights=weights[rows, columns], bias=True)
    values, vectors = np.linalg.eigh(spread + np.eye(2) / 12)  # a pixel has a breadth too
    length = float(np.sqrt(12 * values[1]))
    is_streak = values[1] > LONG**2 * values[0] and length > LENGTH
    return (vectors[:, 1] if is_streak else None), length


def _along_axis(found: Search, axis: np.ndarray, length: float) -> float:
    """Return the greatest correlation of a streak with what lies ahead of it or behind it."""
    down, right = found.rows[:, None], found.columns[None]
    way = np.hypot(down, right)
    beside = np.abs(right * axis[1] - down * axis[0])
    there = (beside < ASTRAY + WANDER * way) & (way > AHEAD * length)
    return float(np.where(there, found.alike, 0).max())

"""Find and bridge persistent vertical lines: scratches along the film, drifting slowly.

A line is narrow, brighter (or darker) than both its sides, nearly straight from top to bottom, and
in the same place, except for a slow drift, in the frames before and after. A line that moves with
the picture is a part of the picture.

    marks = find_marks(luma)                      # of every frame by itself
    lines = find_lines(marks_of_window, moved)    # of one frame, confirmed by others
    mask = draw_mask(lines, height, width)        # bool (H, W)
    filled = bridge(image, mask)                  # interpolated across the lines
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.ranks import median

BANDS = 12
"""The height is divided into so many bands to find lines. This number and those below were chosen
by trial on drawn lines and old films; no figures were kept."""

FAINT = 2.0
"""The least contrast of a line in grey levels (of 255), after smoothing along it."""

ALIKE_SIDES = 8.0
"""The sides of a line may differ by its own contrast and so many grey levels more."""

MARK, LINE, CLEAR = 0.3, 0.5, 0.65
"""The shares of rows in which a line must stand out: in one frame to be a mark; and, over all
frames, to be a scratch: if it clearly moves differently from the picture, and if both are still."""

PLAIN, FADED, FADES = 0.35, 0.1, 2
"""The shares of a band's rows in which a line must stand out to be present, and to be present next
to a band in which it is clear; and how many bands it may continue like that."""

SIDESTEP = 0.06
"""The cost of a step to the side, in shares of a band's rows."""

CROOKED, LEANING = 0.6, 0.04
"""The most pixels by which a line may deviate from a straight one, on average; and the most by
which it may lean, as a share of the height."""

STANDS, WANDERS = 0.5, 0.5
"""In pixels: what moves less is still; and a line whose motion differs from that of the picture by
more, on average over the frames around, is not a part of it."""

DRIFT = 2
"""The most pixels that a line may move from one frame to the next."""

STEADY_DRIFT = 0.7
"""The most pixels per frame that a line may drift over all frames around. Posts that pass behind a
pan in benchmarks/quality/clean_film.py have 1.3 and more, scratches at most 0.4."""

STRAY = 1.0
"""The most pixels by which a line may deviate from a steady drift, on average."""

ENDS, SELDOM = 2, 0.15
"""A line of which so many bands at the top or the bottom are present in a smaller share of the
frames stops there, as a post does; a scratch goes on to the next frame. So do all seven false lines
in the second shot of bikes (clean_film.py), and 3 of 125 scratches."""

PERSISTENT = 0.7
"""The least share of the frames around in which a line must be present."""


@dataclass(frozen=True)
class Mark:
    """A line in one frame.

    Attributes:
        path: its position in each of the bands, in pixels from the left.
        present: whether it stands out in each band.
        left, right: how many pixels it extends to each side of its path.
        sign: 1 if it is brighter than its sides, -1 if it is darker.
        score: the share of the rows in which it stands out.
    """

    path: tuple[int, ...]
    present: tuple[bool, ...]
    left: int
    right: int
    sign: int
    score: float

    @property
    def place(self) -> float:
        """Its mean distance from the left, in pixels."""
        return float(np.mean(self.path))


def choose_reach(width: int) -> int:
    """Return how far to the sides of a line to compare, in pixels: twice the widest line."""
    return max(5, round(width / 90))


def find_marks(luma: np.ndarray, most: int = 12) -> list[Mark]:
    """Find what looks like a vertical line in a single frame.

    Args:
        luma: float32 (H, W) in 0..255.
        most: the most marks to return, the clearest first.
    """
    height, width = luma.shape
    reach = choose_reach(width)
    if height < 4 * BANDS or width < 6 * reach:
        return []
    smooth = cv2.blur(luma, (1, 9))
    wide = cv2.copyMakeBorder(smooth, 0, 0, reach, reach, cv2.BORDER_REPLICATE)
    left, right = wide[:, : -2 * reach], wide[:, 2 * reach :]
    marks = []
    for sign in (1, -1):
        out = sign * smooth - np.maximum(sign * left, sign * right)
        # The bright rim of an edge is not a line: a line has similar values on both sides.
        out = np.where(np.abs(left - right) < ALIKE_SIDES + out, out, 0)
        out[:, :reach] = out[:, width - reach :] = 0
        # Grain makes every column stand out in some rows; a line must do more than that.
        bar = max(FAINT, 0.5 * float(median(np.abs(smooth - (left + right) / 2))))
        # Half of the score is for how far it stands out, so that the middle of a line is best.
        clear = (out / (4 * bar)).clip(0, 0.5)
        share = _average_bands((out > bar) * (0.5 + clear) - (out < -bar) * 0.25)
        marks += _find_paths(share, out, sign, reach)
    marks.sort(key=lambda mark: -mark.score)
    return marks[:most]


def _average_bands(rows: np.ndarray) -> np.ndarray:
    """Average the rows of each band: (BANDS, W)."""
    return np.stack([band.mean(0) for band in np.array_split(rows, BANDS)])


def _find_paths(share: np.ndarray, out: np.ndarray, sign: int, reach: int) -> list[Mark]:
    """Find lines by dynamic programming over the bands, with steps of a pixel to either side."""
    best, came = share[0].copy(), []
    for row in share[1:]:
        around = np.stack([np.roll(best, 1) - SIDESTEP, best, np.roll(best, -1) - SIDESTEP])
        around[0, 0] = around[2, -1] = -np.inf
        came.append(around.argmax(0) - 1)
        best = around.max(0) + row
    marks, free = [], np.ones(len(best), bool)
    for end in np.argsort(-best, kind="stable")[:64]:
        if best[end] / BANDS < MARK:
            break
        if not free[end]:
            continue
        path = [int(end)]
        for step in reversed(came):
            path.append(path[-1] + int(step[path[-1]]))
        path.reverse()
        path = _straighten(path, out.shape[0])
        if path is None:
            continue
        # Several columns end on the same line, which must be found once.
        free[max(end - reach, 0) : end + reach + 1] = False
        if any(abs(mark.place - np.mean(path)) <= reach for mark in marks):
            continue
        present = _find_present(share[range(BANDS), path])
        left, right = _measure_extent(out, path, reach)
        if left + right + 1 <= reach:
            score = float(best[end] / BANDS)
            marks.append(Mark(tuple(path), present, left, right, sign, score))
    return marks


def _find_present(shares: np.ndarray) -> tuple[bool, ...]:
    """Return in which bands a line is: where it is clear, and where it fades next to that."""
    here = shares > PLAIN
    for _ in range(FADES):
        beside = np.convolve(here, (1, 1, 1), "same") > 0
        here = here | (beside & (shares > FADED))
    return tuple(bool(one) for one in here)


def _straighten(path: list[int], height: int) -> list[int] | None:
    """Return the straight line nearest to a path, or None if it is crooked or leans."""
    bands = np.arange(BANDS)
    slope, start = np.polyfit(bands, path, 1)
    line = start + slope * bands
    crooked = np.abs(line - path).mean() > CROOKED
    if crooked or abs(slope) * BANDS > LEANING * height:
        return None
    return [int(x) for x in np.rint(line)]


def _measure_extent(out: np.ndarray, path: Sequence[int], reach: int) -> tuple[int, int]:
    """Measure how far a line extends: to columns that stand out a quarter as much as its peak."""
    profile = np.zeros(2 * reach + 1)
    for band, x in zip(np.array_split(out, BANDS), path, strict=True):
        columns = np.clip(np.arange(x - reach, x + reach + 1), 0, out.shape[1] - 1)
        profile += band[:, columns].mean(0)
    wide = profile > profile.max() / 4
    left = right = reach
    while left > 0 and wide[left - 1]:
        left -= 1
    while right < 2 * reach and wide[right + 1]:
        right += 1
    return reach - left, right - reach


def find_lines(marks: Mapping[int, Sequence[Mark]], moved: Mapping[int, np.ndarray]) -> list[Mark]:
    """Return the marks of a frame that are scratches: they persist, and do not move as the picture.

    Args:
        marks: the marks of the frame (at 0) and of those around it, by how many frames after it
            they are.
        moved: (W,) each, the motion of the picture to the right around each column, in pixels, for
            those of these frames for which it is known.
    """
    if len(marks) < 3:
        return []
    lines = []
    for mark in marks[0]:
        same = {step: find_same_mark(mark, found, abs(step)) for step, found in marks.items()}
        matches = {step: other for step, other in same.items() if other is not None}
        if len(matches) < max(3, PERSISTENT * len(marks)):
            continue
        steps = np.array(list(matches), float)
        places = np.array([other.place for other in matches.values()])
        drift, start = np.polyfit(steps, places, 1)
        stray = np.abs(places - start - drift * steps).mean()
        if stray > STRAY or abs(drift) > STEADY_DRIFT or _ends_in_picture(matches):
            continue
        score = sum(other.score for other in matches.values()) / len(marks)
        lines += [mark] if score > _score_threshold(mark, matches, moved) else []
    return lines


def _ends_in_picture(matches: Mapping[int, Mark]) -> bool:
    """Tell whether a line stops before the top or the bottom of the picture in all frames."""
    present = np.mean([other.present for other in matches.values()], 0)
    return min(present[:ENDS].max(), present[-ENDS:].max()) < SELDOM


def _score_threshold(
    mark: Mark, matches: Mapping[int, Mark], moved: Mapping[int, np.ndarray]
) -> float:
    """Return the score from which a mark is a scratch, by how it and the picture move."""
    known = [step for step in matches if step in moved]
    if not known:
        return CLEAR
    picture = np.array([moved[step][round(mark.place)] for step in known])
    own = np.array([matches[step].place - mark.place for step in known])
    far = np.abs(picture)
    difference = float(np.abs(own - picture).mean() / max(WANDERS, 0.4 * far.mean()))
    if difference < 0.5 and far.max() > STANDS:
        return np.inf  # it moves with the picture, so it is a part of the picture
    return CLEAR + (LINE - CLEAR) * min(max(2 * difference - 1, 0.0), 1.0)


def find_same_mark(mark: Mark, others: Sequence[Mark], steps: int) -> Mark | None:
    """Find a mark among those of another frame; None if it is not there."""
    near = [
        other
        for other in others
        if other.sign == mark.sign and abs(other.place - mark.place) <= 1 + DRIFT * steps
    ]
    return min(near, key=lambda other: abs(other.place - mark.place), default=None)


def draw_mask(lines: Sequence[Mark], height: int, width: int, margin: int = 1) -> np.ndarray:
    """Return a mask of the lines with a margin, bool (H, W)."""
    mask = np.zeros((height, width), bool)
    bands = np.array_split(np.arange(height), BANDS)
    for line in lines:
        left, right = line.left + margin, line.right + margin
        for rows, x, present in zip(bands, line.path, line.present, strict=True):
            if present:
                mask[rows[0] : rows[-1] + 1, max(x - left, 0) : x + right + 1] = True
    return mask


def bridge(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Interpolate an image across a mask, row by row, from the pixels to its left and right.

    Args:
        image: float32 (H, W) or (H, W, C).
        mask: bool (H, W), narrow in every row.
    """
    smooth = cv2.blur(image, (1, 3))
    columns = np.arange(mask.shape[1])
    left = np.maximum.accumulate(np.where(mask, -1, columns), 1)
    right = np.minimum.accumulate(np.where(mask, mask.shape[1], columns)[:, ::-1], 1)[:, ::-1]
    left = np.where(left < 0, right, left)
    right = np.where(right >= mask.shape[1], left, right)
    rows, at = np.nonzero(mask & (left >= 0) & (left < mask.shape[1]))
    one, two = left[rows, at], right[rows, at]
    share = ((at - one) / np.maximum(two - one, 1)).astype(np.float32)
    share = share.reshape(-1, *[1] * (image.ndim - 2))
    filled = image.copy()
    filled[rows, at] = smooth[rows, one] * (1 - share) + smooth[rows, two] * share
    return filled

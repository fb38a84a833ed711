"""Find dust and dirt by comparison: what is in one frame and not in its neighbours.

The neighbours are aligned with the frame (`alignment`). A pixel outside the range of their values,
by much more than they differ from each other, is damage, and so are the pixels connected with it.
These are the rank-ordered differences of Nadenau and Mitra (1996) on a motion-compensated window,
as in the temporal median of film tools, with two safeguards. Things that fly by are in the
neighbours too, shifted in opposite directions, and are kept. And a frame that differs nearly
everywhere is not damaged, but another picture.

    mask = find_dust(here, witnesses, offsets)       # bool (H, W)
    median = median_of(witnesses)                    # the repair
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from helpers.imaging.ranks import median, middle, sort_pictures

SEED, GROW, RIM = 20.0, 8.0, 5.0
"""In grey levels (of 255) beyond the witnesses: a pixel with more than the first is damage; with
more than the second it belongs to connected damage; with more than the third it is its soft rim.
docs/cleaner_training.md has the results of other values."""

SEED_NOISES, GROW_NOISES = 5.0, 2.5
"""The same in standard deviations of the frame's noise; the larger of the two counts. This number
and those below that name no source were chosen by trial; benchmarks/quality/damage.py measures the
effect."""

DOUBT, AROUND = 4.0, 15
"""The thresholds rise by this many times the mean difference between the witnesses, in a square
around the pixel with so many pixels a side."""

LEAST, UNREST = 3.0, 10.0
"""The least difference of damage from the witnesses, in grey levels; and the most that counts as a
difference of the surroundings, so that strong damage does not make itself doubtful."""

CREDIBLE, CREDIBLE_ONE_SIDED = 4.0, 5.0
"""A piece is credible if it differs from the witnesses this many times more than its surroundings:
with witnesses on both sides of the frame, and with all on one side, where they may not show what
has just come into view. docs/cleaner_training.md has the results of other values."""

SURROUNDINGS = 11
"""A piece is dilated by a square of so many pixels a side to find its surroundings."""

KERNEL = np.ones((3, 3), np.uint8)

MOST = 0.3
"""If a larger share of a frame differs, it is another picture and not damage."""

REACH = 28
"""Small things are tracked up to a speed of so many pixels per frame."""

LARGEST_FLYER = 600
"""Larger things, in pixels of area, are tracked by the optical flow."""

ALIKE = 0.8
"""Two specks with a higher correlation are the same thing."""


def median_of(witnesses: Sequence[np.ndarray]) -> np.ndarray:
    """Return the median of aligned pictures, float32; for two pictures, their mean."""
    return middle(sort_pictures(witnesses))


def find_dust(
    here: np.ndarray, witnesses: Sequence[np.ndarray], offsets: Sequence[int]
) -> np.ndarray:
    """Find what is in a frame and not in its neighbours.

    Args:
        here: float32 (H, W) luma in 0..255.
        witnesses: two or more neighbours of it, aligned.
        offsets: how many frames after `here` each is; negative is before.

    Returns:
        bool (H, W).
    """
    mask = find_outliers(here, witnesses)
    if not mask.any():
        return mask
    mask = _remove_flyers(mask, here, witnesses, offsets)
    if mask.mean() > MOST:
        return np.zeros_like(mask)
    base = median_of(witnesses)
    rim = cv2.dilate(mask.astype(np.uint8), KERNEL).astype(bool)
    return mask | (rim & (np.abs(here - base) > max(RIM, _estimate_noise(here, base))))


def find_outliers(here: np.ndarray, witnesses: Sequence[np.ndarray]) -> np.ndarray:
    """Find pixels outside the range of the witnesses' values, bool (H, W)."""
    ordered = sort_pictures(witnesses)
    low, high = _range(ordered)
    noise = _estimate_noise(here, middle(ordered))
    doubt = DOUBT * cv2.blur(high - low, (AROUND, AROUND))
    # A misalignment of a pixel gives differences along edges; damage differs from all around it.
    beyond = np.maximum(here - cv2.dilate(high, KERNEL), cv2.erode(low, KERNEL) - here)
    seeds = beyond > max(SEED, SEED_NOISES * noise) + doubt
    if not seeds.any():
        return seeds
    beyond = np.maximum(here - high, low - here)
    grown = beyond > max(GROW, GROW_NOISES * noise) + doubt / 2
    return _keep_seeded(grown | seeds, seeds)


def find_differences(here: np.ndarray, witnesses: Sequence[np.ndarray]) -> np.ndarray:
    """Find where a frame differs from the median of its witnesses by more than the uncertainty.

    This limits damage that was found by the network: where there is no difference, a repair is not
    needed, and where everything around differs, the neighbours are not aligned correctly.
    """
    ordered = sort_pictures(witnesses)
    low, high = _range(ordered)
    difference = np.abs(here - middle(ordered))
    spread = cv2.blur(high - low, (AROUND, AROUND))
    unrest = cv2.blur(np.minimum(difference, UNREST), (2 * AROUND + 1, 2 * AROUND + 1))
    return difference > LEAST + (spread + unrest) / 2


def keep_credible(
    mask: np.ndarray, here: np.ndarray, witnesses: Sequence[np.ndarray], one_sided: bool
) -> np.ndarray:
    """Keep the pieces of a mask that differ from the witnesses far more than their surroundings.

    Around real damage, frame and witnesses are alike. Where they are not, the witnesses are not
    aligned correctly, or show something that is hidden in the frame.

    Args:
        mask: bool (H, W).
        here: float32 (H, W) luma in 0..255.
        witnesses: two or more neighbours of it, aligned.
        one_sided: whether all of them are before it, or all after it.
    """
    if not mask.any():
        return mask
    ordered = sort_pictures(witnesses)
    # With witnesses on one side only, even the odd one of them may be right.
    low, high = (ordered[0], ordered[-1]) if one_sided else _range(ordered)
    beyond = np.maximum(here - cv2.dilate(high, KERNEL), cv2.erode(low, KERNEL) - here)
    difference = np.abs(here - middle(ordered))
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    most = np.zeros(count)
    np.maximum.at(most, labels[mask], beyond[mask])
    grown = cv2.dilate(labels.astype(np.float32), np.ones((SURROUNDINGS, SURROUNDINGS), np.uint8))
    grown[cv2.dilate(mask.astype(np.uint8), KERNEL) > 0] = 0
    around = grown.astype(int).ravel()
    areas = np.bincount(around, minlength=count)
    unrest = np.bincount(around, difference.ravel(), minlength=count) / np.maximum(areas, 1)
    # A piece without surroundings of its own is between other pieces.
    unrest[areas == 0] = median(difference)
    factor = CREDIBLE_ONE_SIDED if one_sided else CREDIBLE
    # One grey level is added, or any difference would be credible in a still, clean film.
    return mask & (most > factor * (unrest + 1))[labels]


def _estimate_noise(here: np.ndarray, base: np.ndarray) -> float:
    """Estimate the standard deviation of a frame's noise by its median absolute difference."""
    return float(median(np.abs(here - base))) / 0.6745


def _range(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest value of the witnesses. Of four, the one farthest from the
    others is left out, since it may be damaged itself."""
    if len(ordered) < 4:
        return ordered[0], ordered[-1]
    lower = ordered[2] - ordered[0] < ordered[3] - ordered[1]
    return np.where(lower, ordered[0], ordered[1]), np.where(lower, ordered[2], ordered[3])


def _keep_seeded(area: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Keep the connected pieces of `area` that contain a seed."""
    _, labels = cv2.connectedComponents(area.astype(np.uint8), connectivity=8)
    kept = np.unique(labels[seeds])
    return np.isin(labels, kept[kept > 0])


def _remove_flyers(
    mask: np.ndarray,
    here: np.ndarray,
    witnesses: Sequence[np.ndarray],
    offsets: Sequence[int],
) -> np.ndarray:
    """Remove small pieces from a mask that two witnesses also show, along one straight path.

    Dust on the neighbours lies on such a path only by chance.
    """
    first, second = choose_witnesses(offsets)
    base = median_of(witnesses)
    shown = [here - base, witnesses[first] - base, witnesses[second] - base]
    ratio = offsets[second] / offsets[first]
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    kept = mask.copy()
    for label in range(1, count):
        if boxes[label, cv2.CC_STAT_AREA] > LARGEST_FLYER:
            continue
        if _is_flying(shown, boxes[label], ratio, abs(offsets[first])):
            kept[labels == label] = False
    return kept


def choose_witnesses(offsets: Sequence[int]) -> tuple[int, int]:
    """Return the two witnesses to track a thing in: the nearest, on both sides if possible."""
    order = sorted(range(len(offsets)), key=lambda n: abs(offsets[n]))
    first = order[0]
    others = [n for n in order[1:] if offsets[n] != offsets[first]]
    across = [n for n in others if offsets[n] * offsets[first] < 0]
    return first, (across or others or [first])[0]


def _is_flying(shown: list[np.ndarray], box: np.ndarray, ratio: float, steps: int) -> bool:
    """Tell whether the piece in a box is in both witnesses, along one straight path."""
    left, top, width, height = (int(value) for value in box[:4])
    height_all, width_all = shown[0].shape
    above, before = max(top - 1, 0), max(left - 1, 0)
    below, after = min(top + height + 1, height_all), min(left + width + 1, width_all)
    piece = shown[0][above:below, before:after]
    reach = REACH * steps
    rows = slice(max(above - reach, 0), min(below + reach, height_all))
    columns = slice(max(before - reach, 0), min(after + reach, width_all))
    found = cv2.matchTemplate(shown[1][rows, columns], piece, cv2.TM_CCORR_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(found)
    if not ALIKE < best <= 1.01:
        return False
    down, right = rows.start + y - above, columns.start + x - before
    if down == right == 0 or not _is_as_strong(piece, shown[1], above + down, before + right):
        return False
    slack = 3
    row, column = above + round(down * ratio), before + round(right * ratio)
    tall, wide = piece.shape
    window = shown[2][
        max(row - slack, 0) : row + tall + slack, max(column - slack, 0) : column + wide + slack
    ]
    if row + slack < 0 or column + slack < 0 or window.shape[0] < tall or window.shape[1] < wide:
        return False
    again = cv2.matchTemplate(window, piece, cv2.TM_CCORR_NORMED)
    _, best, _, (x, y) = cv2.minMaxLoc(again)
    return ALIKE < best <= 1.01 and _is_as_strong(
        piece, shown[2], max(row - slack, 0) + y, max(column - slack, 0) + x
    )


def _is_as_strong(piece: np.ndarray, other: np.ndarray, row: int, column: int) -> bool:
    """Tell whether `other` has, at a place, about the same contrast as `piece`."""
    tall, wide = piece.shape
    strength = float(np.abs(piece).mean())
    return float(np.abs(other[row : row + tall, column : column + wide]).mean()) > 0.35 * strength

"""Dust and dirt by comparison: what lasts one frame, and its neighbours agree that it is not there.

The neighbours were brought to where the frame's picture is (`alignment`). A pixel outside
the range of what they show, by much more than they differ among themselves, is damage, and so is
what hangs together with it: the rank-ordered differences of Nadenau and Mitra (1996) over a
motion-compensated window, as in the film tools' temporal median, with two safeguards. What flies
by is seen before and after, shifted there and back, and is left alone; and a frame that differs
nearly everywhere is no damaged frame but another picture.

    mask = find_dust(here, witnesses, offsets)       # bool (H, W)
    median = middle(witnesses)                       # what to put there
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SEED, GROW, RIM = 20.0, 8.0, 5.0
"""Grey levels (of 255) beyond the witnesses from which on a pixel is damage, belongs to damage it
touches, and is its soft rim. docs/cleaner_training.md has the results of other values."""

SEED_NOISES, GROW_NOISES = 5.0, 2.5
"""The same in standard deviations of the frame's noise; the larger of the two counts. This number
and those below that name no source were chosen by trial; benchmarks/quality/damage.py measures the
effect."""

DOUBT, AROUND = 4.0, 15
"""How much each grey level by which the witnesses differ around a pixel raises the bar, and the
side of the square that is looked at, in pixels."""

LEAST, UNREST = 3.0, 10.0
"""Grey levels by which damage differs at least from what the witnesses show, and up to which a
difference counts as unrest: strong damage must not make its own surroundings doubtful."""

CREDIBLE, CREDIBLE_ONE_SIDED = 4.0, 5.0
"""How many times more than its surroundings a piece must contradict the witnesses to be believed:
where they stand on both sides of the frame, and where all are on one, which never saw what has just
come into view. docs/cleaner_training.md has the results of other values."""

SURROUNDINGS = 11
"""Side in pixels of the square by which a piece is grown to find its surroundings."""

KERNEL = np.ones((3, 3), np.uint8)

MOST = 0.3
"""Share of a frame above which it is no damage but another picture."""

REACH = 28
"""Pixels a frame that a small thing may fly and still be followed."""

LARGEST_FLYER = 600
"""Pixels of area above which optical flow follows a thing by itself."""

ALIKE = 0.8
"""Correlation from which on two specks are the same thing."""


def middle(witnesses: Sequence[np.ndarray]) -> np.ndarray:
    """Return the median of aligned pictures, float32; of two their mean."""
    return np.median(np.stack(witnesses), 0).astype(np.float32)


def find_dust(
    here: np.ndarray, witnesses: Sequence[np.ndarray], offsets: Sequence[int]
) -> np.ndarray:
    """Find what the neighbours of a frame do not show.

    Args:
        here: float32 (H, W) luma in 0..255.
        witnesses: two or more neighbours of it, aligned.
        offsets: how many frames after `here` each is; negative is before.

    Returns:
        bool (H, W).
    """
    mask = contradicted(here, witnesses)
    if not mask.any():
        return mask
    mask = _without_flyers(mask, here, witnesses, offsets)
    if mask.mean() > MOST:
        return np.zeros_like(mask)
    base = middle(witnesses)
    rim = cv2.dilate(mask.astype(np.uint8), KERNEL).astype(bool)
    return mask | (rim & (np.abs(here - base) > max(RIM, _noise(here, base))))


def contradicted(here: np.ndarray, witnesses: Sequence[np.ndarray]) -> np.ndarray:
    """Find what lies outside the range of what the witnesses of a frame show, bool (H, W)."""
    low, high = _range(np.sort(np.stack(witnesses), 0))
    noise = _noise(here, middle(witnesses))
    doubt = DOUBT * cv2.blur(high - low, (AROUND, AROUND))
    # A picture that is a pixel off differs along its edges; damage differs from all around it.
    beyond = np.maximum(here - cv2.dilate(high, KERNEL), cv2.erode(low, KERNEL) - here)
    seeds = beyond > max(SEED, SEED_NOISES * noise) + doubt
    if not seeds.any():
        return seeds
    beyond = np.maximum(here - high, low - here)
    grown = beyond > max(GROW, GROW_NOISES * noise) + doubt / 2
    return _joined(grown | seeds, seeds)


def differs(here: np.ndarray, witnesses: Sequence[np.ndarray]) -> np.ndarray:
    """Tell where a frame differs from the median of its witnesses by more than there is doubt.

    For damage found otherwise: where it does not, a repair would change nothing that matters, and
    where everything around differs, the neighbours were not brought to the right place.
    """
    low, high = _range(np.sort(np.stack(witnesses), 0))
    apart = np.abs(here - middle(witnesses))
    spread = cv2.blur(high - low, (AROUND, AROUND))
    unrest = cv2.blur(np.minimum(apart, UNREST), (2 * AROUND + 1, 2 * AROUND + 1))
    return apart > LEAST + (spread + unrest) / 2


def credible(
    mask: np.ndarray, here: np.ndarray, witnesses: Sequence[np.ndarray], one_sided: bool
) -> np.ndarray:
    """Keep the pieces of a mask that are contradicted far more than what lies around them.

    Around damage the witnesses show what the frame shows. Where they do not, they were brought to
    the wrong place, or show what was hidden, and prove nothing.

    Args:
        mask: bool (H, W).
        here: float32 (H, W) luma in 0..255.
        witnesses: two or more neighbours of it, aligned.
        one_sided: whether all of them are before it, or all after it.
    """
    if not mask.any():
        return mask
    ordered = np.sort(np.stack(witnesses), 0)
    # From one side alone, even the odd one may be the one that is right.
    low, high = (ordered[0], ordered[-1]) if one_sided else _range(ordered)
    beyond = np.maximum(here - cv2.dilate(high, KERNEL), cv2.erode(low, KERNEL) - here)
    apart = np.abs(here - middle(witnesses))
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    most = np.zeros(count)
    np.maximum.at(most, labels[mask], beyond[mask])
    grown = cv2.dilate(labels.astype(np.float32), np.ones((SURROUNDINGS, SURROUNDINGS), np.uint8))
    grown[cv2.dilate(mask.astype(np.uint8), KERNEL) > 0] = 0
    around = grown.astype(int).ravel()
    areas = np.bincount(around, minlength=count)
    unrest = np.bincount(around, apart.ravel(), minlength=count) / np.maximum(areas, 1)
    # A piece with no surroundings of its own stands among others.
    unrest[areas == 0] = np.median(apart)
    bar = CREDIBLE_ONE_SIDED if one_sided else CREDIBLE
    # A grey level is added, for on a still, clean film all would be told apart.
    return mask & (most > bar * (unrest + 1))[labels]


def _noise(here: np.ndarray, base: np.ndarray) -> float:
    """Return the standard deviation of a frame's noise, as its median difference tells it."""
    return float(np.median(np.abs(here - base))) / 0.6745


def _range(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the most that witnesses show; of four, leaving out the odd one, which
    may be damaged itself."""
    if len(ordered) < 4:
        return ordered[0], ordered[-1]
    lower = ordered[2] - ordered[0] < ordered[3] - ordered[1]
    return np.where(lower, ordered[0], ordered[1]), np.where(lower, ordered[2], ordered[3])


def _joined(area: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Keep the pieces of `area` that hold a seed."""
    _, labels = cv2.connectedComponents(area.astype(np.uint8), connectivity=8)
    kept = np.unique(labels[seeds])
    return np.isin(labels, kept[kept > 0])


def _without_flyers(
    mask: np.ndarray,
    here: np.ndarray,
    witnesses: Sequence[np.ndarray],
    offsets: Sequence[int],
) -> np.ndarray:
    """Take out small pieces that two witnesses show too, each shifted along one straight path.

    Dust on the neighbours lies on such a path by chance only.
    """
    first, second = _pair(offsets)
    base = middle(witnesses)
    shown = [here - base, witnesses[first] - base, witnesses[second] - base]
    ratio = offsets[second] / offsets[first]
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    kept = mask.copy()
    for label in range(1, count):
        if boxes[label, cv2.CC_STAT_AREA] > LARGEST_FLYER:
            continue
        if _flies(shown, boxes[label], ratio, abs(offsets[first])):
            kept[labels == label] = False
    return kept


def _pair(offsets: Sequence[int]) -> tuple[int, int]:
    """Return which two witnesses to follow a thing with: the nearest, on both sides if possible."""
    order = sorted(range(len(offsets)), key=lambda n: abs(offsets[n]))
    first = order[0]
    others = [n for n in order[1:] if offsets[n] != offsets[first]]
    across = [n for n in others if offsets[n] * offsets[first] < 0]
    return first, (across or others or [first])[0]


def _flies(shown: list[np.ndarray], box: np.ndarray, ratio: float, steps: int) -> bool:
    """Tell whether the piece in a box is in both witnesses, on opposite sides or farther on."""
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
    if down == right == 0 or not _as_strong(piece, shown[1], above + down, before + right):
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
    return ALIKE < best <= 1.01 and _as_strong(
        piece, shown[2], max(row - slack, 0) + y, max(column - slack, 0) + x
    )


def _as_strong(piece: np.ndarray, other: np.ndarray, row: int, column: int) -> bool:
    """Tell whether `other` holds, at a place, something about as strong as `piece`."""
    tall, wide = piece.shape
    strength = float(np.abs(piece).mean())
    return float(np.abs(other[row : row + tall, column : column + wide]).mean()) > 0.35 * strength

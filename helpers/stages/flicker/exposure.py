"""Measure and remove flicker, by the brightness of things and not of frames. Arrays only.

    levels = [measure_levels(image) for image in images]    # neighbours, in order
    changes = [compare_light(a, b) for a, b in pairwise(levels)]
    light = steady_light(levels, changes, at=12)            # for the frame in the middle
    better = apply_light(images[12], light)

The mean brightness of a frame is not enough: a dark cart that drives in makes it darker, as it
should. So neighbouring frames are aligned, and only places that show the same thing in both are
compared, level by level. Over the frames around, every grey level has a curve, and the middle of
the curve is the target. Tracking levels: Delon and Desolneux, "Stabilization of Flicker-Like
Effects in Image Sequences through Local Contrast Correction", SIAM J. Imaging Sciences 2010;
fitting to aligned neighbours: van Roosmalen, "Restoration of Archived Film and Video", TU Delft
1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.luma import brightness, relight, small_brightness
from helpers.imaging.optical_flow import FAST, SMALLEST_SIDE, measure_flow, warp
from helpers.imaging.ranks import median

WIDTH = 240
"""Frames are reduced to this width in pixels for the measurement."""

KNOTS = np.linspace(0.0, 255.0, 18).astype(np.float32)
"""The grey levels that are tracked: black, white and every fifteenth between."""

CELLS = (3, 4)
"""Rows and columns of the grid for uneven flicker. This number and those below
were chosen by trial; benchmarks/quality/picture.py measures the effect."""

ENOUGH = 0.004
"""A level that covers a smaller share of the picture than this is mostly fitted by a line."""

ALIKE = 0.8
"""Two places with a higher correlation of their detail show the same thing."""

REACH = 24
"""Frames on either side that determine the target brightness of a frame."""

STEP, STEP_LEAST, STEP_FRAMES = 12.0, 3, 8
"""A sudden change by more grey levels, beyond the variation before and after it, is a lamp that was
switched; and the least and most frames on either side that are compared."""


CALM = 1.0
"""The variation of brightness in films without flicker, in grey levels (standard deviation)."""


@dataclass(frozen=True, eq=False)
class FrameLevels:
    """The grey levels of a frame: its reduced luma (h, w) in 0..255, the mean of it, and the share
    of its pixels at each of KNOTS."""

    luma: np.ndarray
    mean: float
    shares: np.ndarray


@dataclass(frozen=True, eq=False)
class Light:
    """A change of light: grey levels added to each of KNOTS, and beyond that to each of CELLS."""

    levels: np.ndarray
    cells: np.ndarray


def measure_levels(image: np.ndarray) -> FrameLevels:
    """Measure the grey levels of a picture, (H, W, 3) uint8 or uint16."""
    luma = small_brightness(image, WIDTH)
    nearest = np.rint(luma * np.float32((len(KNOTS) - 1) / 255)).astype(np.int64)
    counts = np.bincount(nearest.ravel(), minlength=len(KNOTS)).astype(np.float64)
    return FrameLevels(luma, float(luma.mean(dtype=np.float64)), counts / luma.size)


def compare_light(one: FrameLevels, two: FrameLevels) -> Light:
    """Measure the change of light from a frame to the next."""
    if np.array_equal(one.luma, two.luma):
        return Light(np.zeros(len(KNOTS)), np.zeros(CELLS))
    moved = _align(one.luma, two.luma)
    change, middle = moved - one.luma, (moved + one.luma) / 2
    same = _find_same_things(one.luma, moved)
    levels = _fit_change(middle[same], change[same], one.luma.size)
    rest = change - np.interp(middle, KNOTS, levels)
    return Light(levels, _fit_cells(rest, same))


def _align(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Align the second luma with the first by their motion; (h, w) float32."""
    if min(one.shape) < SMALLEST_SIDE:  # too small for optical flow
        return two
    # Levels are truncated here, not rounded as by `eight_bit`, which would change results.
    here, there = (np.clip(luma, 0, 255).astype(np.uint8) for luma in (one, two))
    return warp(two, measure_flow(here, there, FAST))


def _find_same_things(one: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Tell where two aligned pictures show the same thing: where their detail correlates, whatever
    its contrast, or where neither has any detail."""
    side, noise = (9, 9), np.float32(4.0)
    detail = [picture - cv2.blur(picture, side) for picture in (one, moved)]
    power = [cv2.blur(d * d, side) + noise for d in detail]
    common = cv2.blur(detail[0] * detail[1], side) + noise
    return common >= ALIKE * np.sqrt(power[0] * power[1])


def _fit_change(levels: np.ndarray, change: np.ndarray, pixels: int) -> np.ndarray:
    """Return the change at each knot: the typical change around it, if enough pixels have this
    level, and a straight line through the other knots if not."""
    found, weights = np.zeros(len(KNOTS)), np.zeros(len(KNOTS))
    for at, knot in enumerate(KNOTS):
        near = change[np.abs(levels - knot) <= KNOTS[1]]
        if len(near) >= 8:
            found[at] = _typical(near)
            weights[at] = len(near) / pixels
    line = _fit_line(KNOTS, found, weights)
    own = weights / (weights + ENOUGH)
    return own * found + (1 - own) * line


def _typical(values: np.ndarray) -> float:
    """Return the mean of the values around the median.

    The median alone would be 0 where a codec did not update half of the picture, and the sum over
    time would be too small.
    """
    middle = median(values)
    away = np.abs(values - middle)
    return float(values[away <= 4 + 4 * median(away)].mean(dtype=np.float64))


def _fit_line(levels: np.ndarray, found: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return a weighted straight line at `levels`, constant outside those with a weight."""
    total = weights.sum()
    if not total:
        return np.zeros(len(levels))
    middle, mean = np.dot(weights, levels) / total, np.dot(weights, found) / total
    spread = np.dot(weights, (levels - middle) ** 2) / total
    # With few levels the slope is uncertain, so it is regularised towards 0.
    slope = np.dot(weights, (levels - middle) * (found - mean)) / total / (spread + 100)
    seen = levels[weights > 0]
    return mean + slope * (np.clip(levels, seen[0], seen[-1]) - middle)


def _fit_cells(rest: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Return the typical change in each cell of the grid; 0 where too little is known."""
    found = np.zeros(CELLS)
    for row, (values, known) in enumerate(
        zip(np.array_split(rest, CELLS[0]), np.array_split(same, CELLS[0]), strict=True)
    ):
        for column, (part, sure) in enumerate(
            zip(
                np.array_split(values, CELLS[1], axis=1),
                np.array_split(known, CELLS[1], axis=1),
                strict=True,
            )
        ):
            if sure.sum() > 0.2 * sure.size and sure.size >= 16:
                found[row, column] = _typical(part[sure])
    return found


def steady_light(
    frames: Sequence[FrameLevels],
    changes: Sequence[Light],
    at: int,
    hold: float = 5.0,
    local: bool = False,
) -> Light:
    """Return the change that gives a frame the average light of the frames around it.

    Args:
        frames: a frame and its neighbours of the same shot, n in order.
        changes: from each to the next, n - 1.
        at: the position of the frame among them.
        hold: the mean of the whole frame is also steadied, as far as the things alone do not
            explain it, but by at most this many times the flicker that was found.
        local: also use the cells of the grid.

    Returns:
        The grey levels to add.
    """
    tracked = _track_levels(changes, at)  # (n, knots): each level of this frame in the others
    curve = (tracked - KNOTS) @ frames[at].shares  # the effect of flicker on the mean
    first, last = _find_same_light(curve, at)
    first, last = max(first, at - REACH), min(last, at + REACH + 1)
    ahead = np.arange(first, last) - at
    fit = _line_weights(ahead, reach=max(at - first, last - 1 - at))
    levels = fit @ tracked[first:last] - KNOTS

    means = np.array([one.mean for one in frames[first:last]]) - frames[at].mean
    flicker = _deviation(curve[first:last], ahead)
    limit = hold * max(flicker - CALM, 0.0)
    held = float(np.clip(fit @ means - fit @ curve[first:last], -limit, limit))
    levels = levels + held * _taper(KNOTS) / max(float(_taper(KNOTS) @ frames[at].shares), 0.5)
    cells = np.zeros(CELLS)
    if local:
        cells = np.tensordot(fit, _track_cells(changes, at)[first:last], axes=1)
    # A deviation of less than half a level is an error of measurement, and is not corrected.
    share = flicker**2 / (flicker**2 + (CALM / 2) ** 2)
    return Light(share * _limit_curve(levels), share * cells)


def _track_levels(changes: Sequence[Light], at: int) -> np.ndarray:
    """Return the level of each knot of frame `at` in every frame, (n, knots)."""
    curves = np.empty((len(changes) + 1, len(KNOTS)))
    curves[at] = KNOTS
    for number in range(at, len(changes)):
        here = curves[number]
        curves[number + 1] = here + np.interp(here, KNOTS, changes[number].levels)
    for number in range(at - 1, -1, -1):
        # Backwards, the mapping of levels is inverted, so it must be monotonic.
        became = np.maximum.accumulate(KNOTS + changes[number].levels) + 1e-3 * np.arange(
            len(KNOTS)
        )
        there = curves[number + 1]
        curves[number] = there - np.interp(there, became, changes[number].levels)
    return curves


def _track_cells(changes: Sequence[Light], at: int) -> np.ndarray:
    """Return the difference of the light of each cell from that in frame `at`, (n, *CELLS)."""
    steps = np.array([change.cells for change in changes]).reshape(-1, *CELLS)
    curve = np.concatenate([np.zeros((1, *CELLS)), np.cumsum(steps, axis=0)])
    return curve - curve[at]


def _find_same_light(curve: np.ndarray, at: int) -> tuple[int, int]:
    """Return the stretch around `at`, half-open, in which no lamp was switched."""
    first, last = 0, len(curve)
    noise = float(np.median(np.abs(np.diff(curve)))) if len(curve) > 1 else 0.0
    for number in range(1, len(curve)):
        before = curve[max(number - STEP_FRAMES, 0) : number]
        after = curve[number : number + STEP_FRAMES]
        if min(len(before), len(after)) < STEP_LEAST:
            continue
        jump = abs(np.median(after) - np.median(before))
        within = max(np.ptp(before), np.ptp(after), 4 * noise)
        step = abs(curve[number] - curve[number - 1])
        if jump > STEP + within and step > jump / 2:
            first, last = (number, last) if number <= at else (first, min(number, last))
    return first, last


def _line_weights(ahead: np.ndarray, reach: int) -> np.ndarray:
    """Return the weights of values `ahead` frames away in a straight line through them, at 0.

    Nearer frames have more weight. A fade is a straight line, so it is kept.
    """
    near = _near(ahead, reach)
    total, middle = near.sum(), (near * ahead).sum() / near.sum()
    spread = (near * (ahead - middle) ** 2).sum() + 1e-9
    return near / total - middle * near * (ahead - middle) / spread


def _near(ahead: np.ndarray, reach: int) -> np.ndarray:
    return np.exp(-0.5 * (2 * ahead / max(reach, 1)) ** 2)


def _deviation(curve: np.ndarray, ahead: np.ndarray) -> float:
    """Return the standard deviation of the light from a straight line."""
    if len(curve) < 3:
        return 0.0
    return float(np.std(curve - np.polyval(np.polyfit(ahead, curve, 1), ahead)))


def _taper(levels: np.ndarray) -> np.ndarray:
    """Return 1 in the middle greys, falling to 0 at black and white, which are not changed."""
    return 1 - (2 * levels / 255 - 1) ** 4


def _limit_curve(levels: np.ndarray) -> np.ndarray:
    """Keep a curve rising and between black and white, so that nothing clips or solarises."""
    least = 0.25 * KNOTS  # at least a quarter of the contrast is kept
    wanted = np.clip(KNOTS + levels, least, 255 * 0.75 + least)
    return least + np.maximum.accumulate(wanted - least) - KNOTS


def apply_light(image: np.ndarray, light: Light, strength: float = 1.0) -> np.ndarray:
    """Change the light of a picture, (H, W, 3) uint8 or uint16, keeping the hue of its colours."""
    if not light.levels.any() and not light.cells.any():
        return image
    luma = brightness(image)
    every = np.interp(np.arange(-7, 263), KNOTS, light.levels)
    smooth = np.convolve(every, np.full(15, 1 / 15), mode="valid")  # no kinks between knots
    added = np.interp(luma, np.arange(256), smooth).astype(np.float32)
    if light.cells.any():
        size = luma.shape[::-1]
        cells = cv2.resize(light.cells.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        added += cells * _taper(luma)
    return relight(image, luma, np.clip(luma + np.float32(strength) * added, 0, 255))

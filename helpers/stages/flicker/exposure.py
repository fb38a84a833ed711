"""Flicker, measured on things and not on frames, and taken out. Arrays only.

    seen = [look(image) for image in images]            # neighbours, in order
    changes = [compare_light(a, b) for a, b in pairwise(seen)]
    light = steady_light(seen, changes, at=12)          # for the frame in the middle
    better = apply_light(images[12], light)

What a frame's mean brightness is says little: a dark cart that drives in darkens it, and rightly.
So neighbouring frames are laid over each other along their motion, and only places that show the
same thing in both are compared, level by level. Followed through the frames around, every grey
level has a course; its middle is where the level belongs. Following levels: Delon and Desolneux,
"Stabilization of Flicker-Like Effects in Image Sequences through Local Contrast Correction", SIAM
J. Imaging Sciences 2010; fitting to aligned neighbours: van Roosmalen, "Restoration of Archived
Film and Video", TU Delft 1999.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.luma import brightness, relight, small_brightness
from helpers.imaging.optical_flow import FAST, SMALLEST_SIDE, measure_flow, warp

WIDTH = 240
"""Pixels to which frames are narrowed for the measurement."""

KNOTS = np.linspace(0.0, 255.0, 18).astype(np.float32)
"""The grey levels that are followed: black, white and every fifteenth between."""

CELLS = (3, 4)
"""Rows and columns of the grid on which uneven flicker is followed. This number and those below
were chosen by trial; benchmarks/quality/picture.py measures the effect."""

ENOUGH = 0.004
"""Part of the picture that must show a level before it speaks for itself."""

ALIKE = 0.8
"""Correlation of detail above which two places show the same thing."""

REACH = 24
"""Frames to either side that say where a frame's light belongs."""

STEP, STEP_LEAST, STEP_FRAMES = 12.0, 3, 8
"""Grey levels by which light must change at once, beyond what it strays by before and after, to be
a lamp that was switched; and how many frames on either side are asked, at least and at most."""


CALM = 1.0
"""Grey levels, as a standard deviation, by which light strays in films that do not flicker."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of a frame: its small luma (h, w) in 0..255, the mean of it, and the part of its
    pixels at each of KNOTS."""

    luma: np.ndarray
    mean: float
    shares: np.ndarray


@dataclass(frozen=True, eq=False)
class Light:
    """A change of light: grey levels added to each of KNOTS, and beyond that to each of CELLS."""

    levels: np.ndarray
    cells: np.ndarray


def look(image: np.ndarray) -> Seen:
    """Note of a picture, (H, W, 3) uint8 or uint16, what is compared with its neighbours."""
    luma = small_brightness(image, WIDTH)
    nearest = np.rint(luma * np.float32((len(KNOTS) - 1) / 255)).astype(np.int64)
    counts = np.bincount(nearest.ravel(), minlength=len(KNOTS)).astype(np.float64)
    return Seen(luma, float(luma.mean(dtype=np.float64)), counts / luma.size)


def compare_light(one: Seen, two: Seen) -> Light:
    """Measure what became of the light from a frame to the next."""
    if np.array_equal(one.luma, two.luma):
        return Light(np.zeros(len(KNOTS)), np.zeros(CELLS))
    moved = _aligned(one.luma, two.luma)
    change, middle = moved - one.luma, (moved + one.luma) / 2
    same = _same_things(one.luma, moved)
    levels = _fit(middle[same], change[same], one.luma.size)
    rest = change - np.interp(middle, KNOTS, levels)
    return Light(levels, _by_cell(rest, same))


def _aligned(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the second luma, (h, w) float32, laid over the first along the motion."""
    if min(one.shape) < SMALLEST_SIDE:  # too small to find motion in
        return two
    # Levels are cut off here and not rounded as by `eight_bit`, which would change results.
    here, there = (np.clip(luma, 0, 255).astype(np.uint8) for luma in (one, two))
    return warp(two, measure_flow(here, there, FAST))


def _same_things(one: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Tell where two aligned pictures show the same thing: where their detail is alike, whatever
    its contrast, or where neither has any."""
    side, noise = (9, 9), np.float32(4.0)
    detail = [picture - cv2.blur(picture, side) for picture in (one, moved)]
    power = [cv2.blur(d * d, side) + noise for d in detail]
    common = cv2.blur(detail[0] * detail[1], side) + noise
    return common >= ALIKE * np.sqrt(power[0] * power[1])


def _fit(levels: np.ndarray, change: np.ndarray, pixels: int) -> np.ndarray:
    """Return the change at each knot: what is typical about it, where enough is seen, and a
    straight line through the rest elsewhere."""
    found, weights = np.zeros(len(KNOTS)), np.zeros(len(KNOTS))
    for at, knot in enumerate(KNOTS):
        near = change[np.abs(levels - knot) <= KNOTS[1]]
        if len(near) >= 8:
            found[at] = _typical(near)
            weights[at] = len(near) / pixels
    line = _line(KNOTS, found, weights)
    own = weights / (weights + ENOUGH)
    return own * found + (1 - own) * line


def _typical(values: np.ndarray) -> float:
    """Return the mean of the values about the median. The median alone would say "nothing" where
    half the picture was not refreshed by its codec, and the sum over time would fall short."""
    middle = np.median(values)
    away = np.abs(values - middle)
    return float(values[away <= 4 + 4 * np.median(away)].mean(dtype=np.float64))


def _line(levels: np.ndarray, found: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return a weighted straight line at `levels`, held flat outside those that were seen."""
    total = weights.sum()
    if not total:
        return np.zeros(len(levels))
    middle, mean = np.dot(weights, levels) / total, np.dot(weights, found) / total
    spread = np.dot(weights, (levels - middle) ** 2) / total
    # A picture of few levels says little about slope: there the line leans to level.
    slope = np.dot(weights, (levels - middle) * (found - mean)) / total / (spread + 100)
    seen = levels[weights > 0]
    return mean + slope * (np.clip(levels, seen[0], seen[-1]) - middle)


def _by_cell(rest: np.ndarray, same: np.ndarray) -> np.ndarray:
    """Return what is typical of each cell of the grid; nothing where too little is known."""
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
    seen: Sequence[Seen], changes: Sequence[Light], at: int, hold: float = 5.0, local: bool = False
) -> Light:
    """Return the change that brings a frame to the middle of the light around it.

    Args:
        seen: a frame and its neighbours of the same shot, n in order.
        changes: from each to the next, n - 1.
        at: which of them the frame is.
        hold: the mean of the whole frame is kept to its course too, as far as the things alone do
            not explain it, but never by more than this many times the flicker found here.
        local: follow the cells of the grid as well.

    Returns:
        grey levels to add.
    """
    followed = _follow(changes, at)  # (n, knots): what each level of this frame is in the others
    course = (followed - KNOTS) @ seen[at].shares  # what flicker did to the mean
    first, last = _same_light(course, at)
    first, last = max(first, at - REACH), min(last, at + REACH + 1)
    ahead = np.arange(first, last) - at
    fit = _line_at(ahead, reach=max(at - first, last - 1 - at))
    levels = fit @ followed[first:last] - KNOTS

    means = np.array([one.mean for one in seen[first:last]]) - seen[at].mean
    flicker = _spread(course[first:last], ahead)
    limit = hold * max(flicker - CALM, 0.0)
    held = float(np.clip(fit @ means - fit @ course[first:last], -limit, limit))
    levels = levels + held * _taper(KNOTS) / max(float(_taper(KNOTS) @ seen[at].shares), 0.5)
    cells = np.zeros(CELLS)
    if local:
        cells = np.tensordot(fit, _follow_cells(changes, at)[first:last], axes=1)
    # What strays by less than half a level is the error of measuring, and is left alone.
    share = flicker**2 / (flicker**2 + (CALM / 2) ** 2)
    return Light(share * _tame(levels), share * cells)


def _follow(changes: Sequence[Light], at: int) -> np.ndarray:
    """Return what each knot of frame `at` is in every frame, (n, knots)."""
    courses = np.empty((len(changes) + 1, len(KNOTS)))
    courses[at] = KNOTS
    for number in range(at, len(changes)):
        here = courses[number]
        courses[number + 1] = here + np.interp(here, KNOTS, changes[number].levels)
    for number in range(at - 1, -1, -1):
        # The way back: which level became this one. Levels must not overtake each other.
        became = np.maximum.accumulate(KNOTS + changes[number].levels) + 1e-3 * np.arange(
            len(KNOTS)
        )
        there = courses[number + 1]
        courses[number] = there - np.interp(there, became, changes[number].levels)
    return courses


def _follow_cells(changes: Sequence[Light], at: int) -> np.ndarray:
    """Return how far the light of each cell is from that in frame `at`, (n, *CELLS)."""
    steps = np.array([change.cells for change in changes]).reshape(-1, *CELLS)
    course = np.concatenate([np.zeros((1, *CELLS)), np.cumsum(steps, axis=0)])
    return course - course[at]


def _same_light(course: np.ndarray, at: int) -> tuple[int, int]:
    """Return the stretch about `at`, half-open, in which nobody switched a lamp."""
    first, last = 0, len(course)
    noise = float(np.median(np.abs(np.diff(course)))) if len(course) > 1 else 0.0
    for number in range(1, len(course)):
        before = course[max(number - STEP_FRAMES, 0) : number]
        after = course[number : number + STEP_FRAMES]
        if min(len(before), len(after)) < STEP_LEAST:
            continue
        jump = abs(np.median(after) - np.median(before))
        within = max(np.ptp(before), np.ptp(after), 4 * noise)
        step = abs(course[number] - course[number - 1])
        if jump > STEP + within and step > jump / 2:
            first, last = (number, last) if number <= at else (first, min(number, last))
    return first, last


def _line_at(ahead: np.ndarray, reach: int) -> np.ndarray:
    """Return the weights with which values `ahead` frames away make up the straight line through
    them at 0: nearer frames weigh more, and a fade is a line, so that it stays one."""
    near = _near(ahead, reach)
    total, middle = near.sum(), (near * ahead).sum() / near.sum()
    spread = (near * (ahead - middle) ** 2).sum() + 1e-9
    return near / total - middle * near * (ahead - middle) / spread


def _near(ahead: np.ndarray, reach: int) -> np.ndarray:
    return np.exp(-0.5 * (2 * ahead / max(reach, 1)) ** 2)


def _spread(course: np.ndarray, ahead: np.ndarray) -> float:
    """Return how far the light strays from a straight line, as a standard deviation."""
    if len(course) < 3:
        return 0.0
    return float(np.std(course - np.polyval(np.polyfit(ahead, course, 1), ahead)))


def _taper(levels: np.ndarray) -> np.ndarray:
    """Return 1 in the middle greys, falling to 0 at black and at white, which stay themselves."""
    return 1 - (2 * levels / 255 - 1) ** 4


def _tame(levels: np.ndarray) -> np.ndarray:
    """Keep a curve rising and within black and white, so that nothing clips or solarises."""
    least = 0.25 * KNOTS  # contrast is never cut to less than a quarter
    wanted = np.clip(KNOTS + levels, least, 255 * 0.75 + least)
    return least + np.maximum.accumulate(wanted - least) - KNOTS


def apply_light(image: np.ndarray, light: Light, strength: float = 1.0) -> np.ndarray:
    """Change the light of a picture, (H, W, 3) uint8 or uint16; its colours keep their hue."""
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

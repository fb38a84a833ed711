"""Measure a film and its restoration side by side, where nobody knows the truth.

    found = measure_both(film, restored, run)
    found.courses[0].title, found.courses[0].before, found.courses[0].after
    found.to_json()                              # as it stands in OUT.report.json

Some moments of both are read, so that it takes a minute at the most, however long the film is. Both
are measured at the size of the result, of which at most the middle is looked at.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from helpers.clip import Clip, Frame, MemoryClip
from helpers.imaging.color_matrix import working_size
from helpers.imaging.luma import brightness, mean_slope, to_levels
from helpers.imaging.noise import measure_blockiness, measure_noise
from helpers.imaging.resample import cut_middle, resize
from helpers.run import RunContext
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.diagnosis import read_stretch, smooth_curve
from helpers.stages.stabilize.find import measure_sway

VERSION = 1
"""The version of what `to_json` writes; docs/report.md describes it."""

MOMENTS, LENGTH = 24, 9
"""Moments that are measured at the most, and frames of the film read at each."""

_MIDDLE, _DUSTY = (960, 720), (240, 180)
"""Pixels of the middle of the picture that are measured at the most, and those in which dust is
looked for: more would take seconds for every moment."""

_SAME = 0.1
"""A step of less than this share of the usual one, in grey levels, repeats the frame before."""

_CHANGED = 8.0
"""Grey levels from which on a person sees that a place was changed."""


@dataclass(frozen=True)
class Course:
    """One measure over the time of the film.

    Attributes:
        name: its name in the report.
        title: what a person sees.
        unit: its unit.
        better: "less", "more", or "same" where neither is better by itself.
        before, after: of the film and of the result, at every moment; empty where it was not
            measured.
    """

    name: str
    title: str
    unit: str
    better: str
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True)
class Measures:
    """What was measured.

    Attributes:
        moments: the times of the film, in seconds.
        cuts: the times at which shots begin, in seconds.
        courses: the measures.
        changed: the share of the picture that visibly differs from the film, 0..1, at every moment,
            with the result shrunk to the size of the film.
        invented: the share of the result's frames that no frame of the film is shown at.
        most_changed: the moments to be checked by eye, the most changed first, in seconds.
    """

    moments: tuple[float, ...]
    cuts: tuple[float, ...]
    courses: tuple[Course, ...]
    changed: tuple[float, ...]
    invented: float
    most_changed: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, with their version."""
        return json.loads(json.dumps({"version": VERSION, **asdict(self)}))  # tuples become lists


def measure_both(film: Clip, result: Clip, run: RunContext | None = None) -> Measures:
    """Measure a film and its restoration at the same moments.

    Args:
        film: the film, with its shots marked.
        result: what was made of it, on the film's own timeline.
        run: the run that this belongs to.
    """
    run = run or RunContext()
    begin, end = max(film.times[0], result.times[0]), min(film.end, result.end)
    first, stop = film.number_at(begin), bisect_left(film.times, end)
    room = max(stop - first - LENGTH, 0)
    count = max(min(MOMENTS, (stop - first) // LENGTH), 1)
    places = sorted({first + round(room * (n + 0.5) / count) for n in range(count)})
    rows, moments, changed = [], [], []
    for place in run.bar(places, len(places), "measuring"):
        before = read_stretch(film, place, LENGTH, run).longest
        after = _read_same(result, before, run)
        at = len(before) // 2
        moments.append(float(before[at].time))
        rows.append(_measure_moment(before, after))
        changed.append(_share_changed(before[at], after[at]))
    courses = tuple(_gather(name, rows) for name in _MEASURES)
    times = set(film.times)
    new = sum(time not in times for time in result.times) / len(result)
    order = np.argsort(changed)[::-1][:6]
    cuts = tuple(float(cut) for cut in film.cuts if begin <= cut <= end)
    return Measures(
        tuple(moments), cuts, courses, tuple(changed), new, tuple(moments[n] for n in order)
    )


def _gather(name: str, rows: Sequence[dict[str, tuple[float, float]]]) -> Course:
    """Return a measure over all moments."""
    title, unit, better, _ = _MEASURES[name]
    before, after = (tuple(round(float(row[name][n]), 4) for row in rows) for n in (0, 1))
    return Course(name, title, unit, better, before, after)


def _read_same(result: Clip, before: Sequence[Frame], run: RunContext) -> list[Frame]:
    """Return the frames of the result that are shown when some frames of the film begin."""
    numbers = [result.number_at(frame.time) for frame in before]
    every = range(numbers[0], numbers[-1] + 1)
    with closing(result.frames(every.start, every.stop, run)) as frames:
        # Only these are kept: between two frames of the film there may be many new, large ones.
        seen = {n: frame for n, frame in zip(every, frames, strict=True) if n in numbers}
    return [seen[number] for number in numbers]


def _share_changed(frame: Frame, after: Frame) -> float:
    """Return the share of the film's picture that the result changed visibly."""
    height, width = frame.image.shape[:2]
    made = brightness(resize(after.image, width, height))
    return float(np.mean(np.abs(made - brightness(frame.image)) > _CHANGED))


def _measure_moment(
    before: Sequence[Frame], after: Sequence[Frame]
) -> dict[str, tuple[float, float]]:
    """Return every measure of the film and of the result at one moment."""
    height, width = after[0].image.shape[:2]
    small = before[0].image.shape[:2]
    sides = (
        [cut_middle(resize(one.image, width, height, "bicubic"), _MIDDLE) for one in before],
        [cut_middle(one.image, _MIDDLE) for one in after],
    )
    own = (
        [one.image for one in before],
        [resize(one.image, small[1], small[0]) for one in after],
    )
    found = {}
    for name, (*_, (at_own_size, measure)) in _MEASURES.items():
        one, other = own if at_own_size else sides
        found[name] = (measure(one), measure(other))
    return found


# --- the measures of one moment: of consecutive pictures of a shot, all of one size ---------------

_Pictures = Sequence[np.ndarray]


def _sharpness(images: _Pictures) -> float:
    return mean_slope(brightness(images[len(images) // 2]))


def _noise(images: _Pictures) -> float:
    at = len(images) // 2
    following = images[at + 1] if at + 1 < len(images) else None
    return measure_noise(images[at], following).sigma


def _blocks(images: _Pictures) -> float:
    return measure_blockiness(images[len(images) // 2])


def _flicker(images: _Pictures) -> float:
    light = np.array([float(brightness(image).mean()) for image in images])
    return float(np.std(light - smooth_curve(light[:, None], 3)[:, 0]))


def _shake(images: _Pictures) -> float:
    sway = measure_sway([Frame(image, Fraction(n)) for n, image in enumerate(images)])
    return float(np.sqrt((sway**2).sum(axis=1).mean()))


def _colour_unrest(images: _Pictures) -> float:
    small = [_small_lab(image) for image in images]
    means = np.array([one.mean(axis=(0, 1)) for one in small])
    return float(np.std(means - smooth_curve(means, 3), axis=0).sum())


def _small_lab(image: np.ndarray) -> np.ndarray:
    """Return the a and b of a small copy of a picture, (h, w, 2) float32."""
    size = working_size(image.shape[1], image.shape[0], 160)
    small = cv2.resize(to_levels(image) / 255, size, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 1:]


def _repeats(images: _Pictures) -> float:
    if len(images) < 3:
        return 0.0
    lumas = [brightness(image) for image in images]
    steps = np.array([float(np.abs(b - a).mean()) for a, b in pairwise(lumas)])
    return float(np.mean(steps < _SAME * np.median(steps))) if np.median(steps) > 0.2 else 0.0


def _dust(images: _Pictures) -> float:
    seen = [cut_middle(image, _DUSTY) for image in images[:7]]
    clip = MemoryClip(seen, [Fraction(n) for n in range(len(seen))], Fraction(len(seen)))
    at = len(seen) // 2
    return 100 * float(np.mean(RemoveDamage("median")(clip)[at].image != seen[at]))


_MEASURES: dict[str, tuple[str, str, str, tuple[bool, Callable[[_Pictures], float]]]] = {
    "sharpness": ("how crisp edges are", "grey levels a pixel", "more", (False, _sharpness)),
    "noise": ("grain and noise", "grey levels", "less", (False, _noise)),
    "blocks": ("blocks of compression", "times the rest", "less", (True, _blocks)),
    "flicker": ("flicker of the light", "grey levels", "less", (False, _flicker)),
    "shake": ("shake of the picture", "pixels", "less", (False, _shake)),
    "colour": ("unrest of the colours", "units of Lab", "less", (False, _colour_unrest)),
    "repeats": ("frames that repeat", "share", "less", (False, _repeats)),
    "dust": ("dust and scratches", "% of the picture", "less", (True, _dust)),
}
"""Title, unit, which is better, and whether it is measured at the film's own size."""

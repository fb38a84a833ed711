"""Find when every frame is shown, from the timestamps that a decoder gives."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av.video.stream import VideoStream


def make_timeline(
    found: list[tuple[int | None, int | None]], stream: VideoStream
) -> tuple[list[int], bool, list[str]]:
    """Return rising timestamps, whether they are those of the file, and what was unusual.

    Args:
        found: the presentation and the decoding timestamp of each frame.
    """
    shown, stored = ([pair[which] for pair in found] for which in (0, 1))
    faults = _count_faults(shown)
    if not faults:
        return shown, True, []  # type: ignore[return-value]
    # As in ffmpeg: decoding timestamps are used where those of presentation have more faults.
    stamps = stored if _count_faults(stored) < faults else shown
    known = [stamp for stamp in stamps if stamp is not None]
    step = usual_step(known, stream)
    anchors = _find_anchors(stamps)
    seconds = float(step * stream.time_base)  # type: ignore[operator]
    notes = []
    if None in shown or stamps is stored:
        notes.append(
            f"{faults} of {len(found)} frames have no usable timestamp; they are "
            f"spaced evenly between the others, {seconds:.4f} s apart"
        )
    elif moved := len(known) - len(anchors):
        notes.append(
            f"{moved} of {len(found)} frames have a timestamp that is not later than that of the "
            "frame before; they are spaced evenly between the others"
        )
    return _fill(anchors, len(stamps), step), False, notes


def _count_faults(stamps: list[int | None]) -> int:
    """Count the timestamps that are missing or do not rise."""
    rising = (b is not None and (a is None or a < b) for a, b in pairwise(stamps))
    return len(stamps) - sum(rising) - (stamps[0] is not None)


def usual_step(pts: Sequence[int], stream: VideoStream) -> int:
    """Return the usual time between frames, in the stream's units, at least 1."""
    steps = np.diff(np.sort(np.array(pts, np.int64)))
    steps = steps[steps > 0]
    if len(steps):
        return max(round(float(np.median(steps))), 1)
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return max(round(1 / (rate * stream.time_base)), 1)  # type: ignore[operator]


def _find_anchors(stamps: list[int | None]) -> list[tuple[int, int]]:
    """Return the frames that keep their timestamps, with these.

    They are the most that rise and leave at least one unit for each frame between: the longest such
    subsequence, found by patience sorting. From the end, so that of two equal the first is kept.
    """
    least: list[int] = []  # the least key at which a subsequence of each length ends
    lasts: list[int] = []  # the frame that it ends with
    links: dict[int, int | None] = {}
    for number in reversed(range(len(stamps))):
        stamp = stamps[number]
        if stamp is None:
            continue
        key = number - stamp
        at = bisect_right(least, key)
        links[number] = lasts[at - 1] if at else None
        least[at : at + 1], lasts[at : at + 1] = [key], [number]
    anchors, number = [], lasts[-1] if lasts else None
    while number is not None:
        anchors.append((number, stamps[number]))
        number = links[number]
    return anchors  # type: ignore[return-value]


def _fill(anchors: list[tuple[int, int]], count: int, step: int) -> list[int]:
    """Space frames evenly between those with a timestamp, and by `step` before and after them."""
    first, last = (anchors[0], anchors[-1]) if anchors else ((0, 0), (0, 0))
    pts = [first[1] - (first[0] - number) * step for number in range(first[0] + 1)]
    for (a, start), (b, stop) in pairwise(anchors):
        pts += [start + (stop - start) * (number - a) // (b - a) for number in range(a + 1, b + 1)]
    return pts + [last[1] + number * step for number in range(1, count - last[0])]


FIELD = Fraction(1001, 60_000)
"""Seconds of a field of television with 60 fields a second."""

FILM = Fraction(1001, 24_000)
"""Seconds of a picture of a cinema film on such television: two and a half fields."""

SHORTEST = 12
"""Frames of the shortest stretch that is taken for a film on television."""


def find_pulldown(times: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Return the half-open ranges of frames that are shown for 3 and 2 fields in turn.

    A film of 24 pictures a second is stored for television like that: each second picture says that
    its first field is repeated ("soft telecine"). Its pictures belong `FILM` apart.

    Args:
        times: when each frame is shown, (N,) float in seconds, rising.
    """
    steps = np.diff(times) / float(FIELD)
    uneven = np.abs(np.abs(steps - 2.5) - 0.5) < 0.25
    pairs = uneven[1:] & uneven[:-1] & (np.abs(steps[1:] + steps[:-1] - 5) < 0.25)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], pairs, [False]])))
    ranges = ((int(first), int(last) + 2) for first, last in edges.reshape(-1, 2))
    return tuple((first, last) for first, last in ranges if last - first >= SHORTEST)


def exact_units(times: Sequence[Fraction]) -> tuple[int, list[int]]:
    """Return units a second, and the times since the first as whole numbers of these units."""
    # In whole numbers of one unit, since the difference of two fractions takes six times as long.
    unit = math.lcm(*{time.denominator for time in times})
    marks = [time.numerator * (unit // time.denominator) for time in times]
    spans = [mark - marks[0] for mark in marks]
    common = math.gcd(unit, *spans)
    return unit // common, [span // common for span in spans]

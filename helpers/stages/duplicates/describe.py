"""Describe repeated frames: "12 of 24 frames per second are new: every frame is shown twice"."""

from __future__ import annotations

from fractions import Fraction

from helpers.stages.duplicates.cadence import PERIODS
from helpers.stages.duplicates.step_scores import LONGEST


def find_period(keeps: list[bool], least: float = 0.95) -> int:
    """Return the period of the pattern of dropped frames, in frames; 0 if it has none.

    Args:
        keeps: whether each frame is kept.
        least: the least share of the dropped frames that are followed by one a period later.
    """
    dropped = {number for number, keep in enumerate(keeps) if not keep}
    if len(dropped) < 3:
        return 0
    for period in PERIODS:
        followed = [number for number in dropped if number + period < len(keeps)]
        again = sum(number + period in dropped for number in followed)
        if 2.5 * period <= len(keeps) and again >= least * max(len(followed), 1):
            return period
    return 0


def describe_pattern(keeps: list[bool], period: int) -> str:
    """Describe how often frames are shown within a period."""
    start = len(keeps) // 2 - period // 2
    repeated = sum(not keep for keep in keeps[start : start + period])
    shown: list[int] = []
    for keep in keeps[max(start - LONGEST, 0) :]:
        if keep:
            shown.append(1)
        elif shown:
            shown[-1] += 1
    shown = shown[1 : 1 + max(period - repeated, 1)]
    if len(set(shown)) == 1 and shown[0] > 1:
        return f"every frame is shown {_say_times(shown[0])}"
    if len(shown) > 4 or len(shown) < 2:
        return f"{repeated} in {period} {'is a repeat' if repeated == 1 else 'are repeats'}"
    first = ", ".join(map(_say_times, sorted(shown, reverse=True)[:-1]))
    return f"frames are shown {first} and {_say_times(min(shown))}, alternately"


def _say_times(count: int) -> str:
    """Return "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def name_original(back: int) -> str:
    """Name the original of a repeat by how many frames back it is."""
    return "the previous frame" if back == 1 else f"the frame {back} back"


def format_number(value: Fraction | float) -> str:
    """Return a number with as many decimals as necessary, at most two: 24, 23.98."""
    return f"{float(value):.2f}".rstrip("0").rstrip(".")

"""Which frames repeat, in words: "12 new frames in 24 a second: every frame is shown twice"."""

from __future__ import annotations

from fractions import Fraction

from helpers.stages.duplicates.cadence import PERIODS
from helpers.stages.duplicates.step_scores import LONGEST


def period_of(keeps: list[bool]) -> int:
    """Return after how many frames the pattern of dropped frames begins again; 0 if it does not."""
    dropped = {number for number, keep in enumerate(keeps) if not keep}
    if len(dropped) < 3:
        return 0
    for period in PERIODS:
        followed = [number for number in dropped if number + period < len(keeps)]
        again = sum(number + period in dropped for number in followed)
        if 2.5 * period <= len(keeps) and again >= 0.95 * max(len(followed), 1):
            return period
    return 0


def pattern(keeps: list[bool], period: int) -> str:
    """Say how often frames are shown within a period: "shown 3 and 2 times by turns"."""
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
        return f"every frame is shown {times_over(shown[0])}"
    if len(shown) > 4 or len(shown) < 2:
        return f"{repeated} in {period} {'is a repeat' if repeated == 1 else 'are repeats'}"
    first = ", ".join(map(times_over, sorted(shown, reverse=True)[:-1]))
    return f"frames are shown {first} and {times_over(min(shown))} by turns"


def times_over(count: int) -> str:
    """Return "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def kind(back: int) -> str:
    """Say what a repeat of the frame so far back is."""
    if back == 1:
        return "repeats the frame before"
    return f"repeats through {back - 1} other{'s' if back > 2 else ''}"


def as_number(value: Fraction | float) -> str:
    """Return a number with no more decimals than it needs: 24, 23.98."""
    return f"{float(value):.2f}".rstrip("0").rstrip(".")

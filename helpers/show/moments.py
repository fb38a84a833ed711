"""Choose the moments at which films are compared, and the frames that belong together.

One film may hold only a stretch of the other, have more frames than it, or have its times rounded
by its container. So the moments are those that both have, and of each film the frame is taken that
begins at the moment itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from numbers import Real

from helpers.clip import Clip
from helpers.errors import StageError

Moment = float | Fraction

REACH = 12
"""Of the film with fewer frames, so many before and after a time are tried, half a second or so."""


def nearest_fraction(time: Moment) -> Fraction:
    """Return the fraction that a float stands for: the float 0.3 is slightly less than 3/10."""
    return time if isinstance(time, Fraction) else Fraction(float(time)).limit_denominator(10**6)


def read_times(at: Moment | Sequence[Moment]) -> list[Fraction]:
    """Return one time or several as exact times.

    Raises:
        StageError: the list is empty.
    """
    times = [nearest_fraction(time) for time in ([at] if isinstance(at, Real) else at)]  # type: ignore
    if not times:
        raise StageError("An empty list of times was given. Give at least one, in seconds.")
    return times


def share_time(clips: Sequence[Clip], shifts: Sequence[Fraction] = ()) -> tuple[Fraction, Fraction]:
    """Return from when to when all clips have a picture, on the clock of the first; 0 if none do.

    Args:
        shifts: where the 0 of each clip lies on that clock, in seconds; at 0 if not given.

    Raises:
        StageError: they have no moment in common.
    """
    by = shifts or [Fraction(0)] * len(clips)
    spans = [(c.times[0] + late, c.end + late) for c, late in zip(clips, by, strict=True)]
    begin = max((first for first, _ in spans), default=Fraction(0))
    stop = min((end for _, end in spans), default=begin)
    if spans and begin >= stop:
        each = "; ".join(f"{float(first):.2f} to {float(end):.2f} s" for first, end in spans)
        raise StageError(
            f"The films have no moment in common: they last from {each}. If one holds only a "
            "stretch of the other, give the time at which it begins there as start."
        )
    return begin, stop


def choose_moments(
    clips: Sequence[Clip],
    at: Moment | Sequence[Moment] | None,
    shifts: Sequence[Fraction] = (),
) -> tuple[list[Fraction], str]:
    """Return those of the times asked for that all clips have, and what was left out, in words.

    Args:
        clips: on the clock of the first.
        at: in seconds; if None, or if none is in all clips, the middle of what they share.
        shifts: as in `share_time`.
    """
    begin, stop = share_time(clips, shifts)
    middle = [(begin + stop) / 2]
    if at is None:
        return middle, ""
    asked = read_times(at)
    if not clips:
        return asked, ""
    times = [time for time in asked if begin <= time < stop]
    if len(times) == len(asked):
        return times, ""
    lost = ", ".join(f"{float(time):g}" for time in asked if time not in times)
    every = "both" if len(clips) < 3 else "all"
    return times or middle, (
        f"Only moments from {float(begin):.2f} to {float(stop):.2f} s are in {every}, so these "
        f"were left out: {lost} s."
    )


def match_frames(
    clips: Sequence[Clip], time: Fraction, shifts: Sequence[Fraction] = ()
) -> tuple[int, ...]:
    """Return the numbers of the frames, one of each clip, that begin together and near `time`.

    Where no such frames begin at the same moment, those are taken whose beginnings are closest.

    Args:
        time: in seconds on the clock of the first clip.
        shifts: where the 0 of each clip lies on that clock, in seconds; at 0 if not given.
    """
    shifts = shifts or [Fraction(0)] * len(clips)
    # The clip with the fewest frames decides: the others have one near each of them.
    slowest = min(range(len(clips)), key=lambda n: clips[n].info.fps)
    base, late = clips[slowest], shifts[slowest]
    middle = base.number_at(time - late)
    near = range(max(middle - REACH, 0), min(middle + REACH + 1, len(base)))

    def pick(begins: Fraction) -> list[int]:
        return [_nearest(clip, begins - by) for clip, by in zip(clips, shifts, strict=True)]

    def rank(number: int) -> tuple[int, Fraction]:
        begins = base.times[number] + late
        partners = zip(clips, pick(begins), shifts, strict=True)
        # In milliseconds, since a container may round to them.
        apart = [round(abs(clip.times[n] + by - begins) * 1000) for clip, n, by in partners]
        return max(apart), abs(begins - time)

    best = min(near, key=rank)
    picked = pick(base.times[best] + late)
    picked[slowest] = best
    return tuple(picked)


def _nearest(clip: Clip, time: Fraction) -> int:
    """Return the number of the frame whose beginning is nearest to `time`."""
    number = clip.number_at(time)
    following = min(number + 1, len(clip) - 1)
    return min((number, following), key=lambda n: abs(clip.times[n] - time))

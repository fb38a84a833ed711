"""Which frames of a film repeat an earlier one, found in one pass over it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from helpers.clip import Clip
from helpers.run import RunContext
from helpers.stage import exact, prefetch
from helpers.stages.diagnosis import Look
from helpers.stages.duplicates.csv_table import Decision
from helpers.stages.duplicates.decide import Verdict, decide
from helpers.stages.duplicates.describe import kind
from helpers.stages.duplicates.features import Likeness, Measures
from helpers.stages.duplicates.step_scores import floor


@dataclass(frozen=True)
class Repeats:
    """What `RemoveDuplicates` has to know of a film: when the frames that repeat another start."""

    dropped: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dropped", exact_times(self.dropped))


def exact_times(times: Iterable[Fraction | float | str]) -> tuple[Fraction, ...]:
    """Return times as exact numbers in order, each once; as read back from a project, too."""
    return tuple(sorted({exact(time) for time in times}))


@dataclass(frozen=True)
class RepeatedPart:
    """The part of a film's frames that repeat another, 0 to 1."""

    amount: float


def measure_repeats(seen: Look) -> RepeatedPart:
    """Say how many frames were left out of the clip that was looked at."""
    return RepeatedPart(1 - len(seen.clip) / len(seen.film))


def repeats_sentence(found: RepeatedPart, needed: bool) -> str:
    """Say it in words."""
    return f"{found.amount:.0%} of the frames repeat another."


def find_decisions(
    clip: Clip, run: RunContext | None = None
) -> tuple[tuple[int, ...], tuple[Decision, ...]]:
    """Decide for every frame whether it repeats an earlier one, in one pass over the film.

    Frames are never compared across a cut, so the clip should know its shots, as that of
    `Project.source` does. Memory stays flat but for some 500 bytes a frame: thirty megabytes for a
    film of forty minutes.

    Args:
        run: what it belongs to, with a bar if that says so.

    Returns:
        The number of each shot's first frame, and a decision for every frame.
    """
    run = run or RunContext()
    likeness = Likeness()
    with closing(prefetch(clip.frames(run=run))) as frames:
        for frame in run.bar(frames, len(clip), "find duplicates"):
            likeness.add(frame.image, frame.cut)
    measures, shots = likeness.measures(), first_frames(clip)
    parts = [measures.part(start, stop) for start, stop in pairwise((*shots, len(clip)))]
    verdicts = [decide(part) for part in parts]
    # A film is mostly of one cadence: where it was found, it is believed elsewhere on less.
    expected = tuple({verdict.period for verdict in verdicts if verdict.period})
    if expected:
        pairs = zip(parts, verdicts, strict=True)
        verdicts = [
            verdict if verdict.period else decide(part, expected) for part, verdict in pairs
        ]
    rows = zip(shots, parts, verdicts, strict=True)
    return shots, tuple(row for each in rows for row in explain(*each))


def find_repeats(clip: Clip, run: RunContext | None = None) -> Repeats:
    """Find when the frames that repeat another start: all that `RemoveDuplicates` has to know."""
    _, decisions = find_decisions(clip, run)
    pairs = zip(clip.times, decisions, strict=True)
    return Repeats(tuple(time for time, decision in pairs if not decision.keep))


def first_frames(clip: Clip) -> tuple[int, ...]:
    """Return the number of each shot's first frame."""
    return tuple(bisect_left(clip.times, cut) for cut in clip.cuts)


def explain(first: int, measures: Measures, verdict: Verdict) -> Iterator[Decision]:
    """Give the decisions for a shot that begins with frame `first`."""
    stretch = 255 / float(np.clip(np.median(measures.contrast), 4, 255))
    still = 2 * floor(measures.contrast)
    for place, (repeat, chance, back) in enumerate(
        zip(verdict.repeat, verdict.chance, verdict.back, strict=True)
    ):
        if place == 0:
            yield Decision(True, None, None, 0.0, "begins a shot")
            continue
        far = float(measures.distance[place, max(back, 1) - 1, 0])
        original = first + place - int(back) if back else None
        if repeat:
            reason = f"{kind(int(back))}, frame {original}"
            reason += ", in the cadence" if verdict.period and back == 1 else ""
        elif original is not None:
            reason = f"may repeat frame {original}, but too little tells it from motion"
        elif far < still:
            reason = "nothing moves"
        else:
            reason = "moves"
        yield Decision(not repeat, original, far * stretch, float(chance), reason)

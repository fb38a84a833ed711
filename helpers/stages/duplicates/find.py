"""Find the frames of a film that repeat an earlier one, in one pass over it."""

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
from helpers.stages.diagnosis import FilmSamples
from helpers.stages.duplicates.csv_table import REPEATS, Decision
from helpers.stages.duplicates.decide import Verdict, decide
from helpers.stages.duplicates.describe import find_period, name_original
from helpers.stages.duplicates.features import FeatureCollector, Measures
from helpers.stages.duplicates.step_scores import noise_floor


@dataclass(frozen=True)
class Repeats:
    """The times in a film at which repeated frames begin, for `RemoveDuplicates`."""

    dropped: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dropped", exact_times(self.dropped))


def exact_times(times: Iterable[Fraction | float | str]) -> tuple[Fraction, ...]:
    """Return times as sorted fractions without duplicates, also if they were read from JSON."""
    return tuple(sorted({exact(time) for time in times}))


@dataclass(frozen=True)
class RepeatedPart:
    """The repeated frames of a film.

    Attributes:
        share: the share of the frames that repeat another, 0 to 1.
        regular: whether most of them come in a cadence. Others stand for frames that were lost: if
            they were removed, the time that they take would be lost too.
    """

    share: float
    regular: bool = True

    @property
    def amount(self) -> float:
        """The share that can be removed."""
        return self.share if self.regular else 0.0


def measure_repeats(samples: FilmSamples) -> RepeatedPart:
    """Measure the share of frames that were removed from the film, and whether they are regular."""
    film, kept = samples.film, set(samples.clip.times)
    keeps = [time in kept for time in film.times]
    shots = [keeps[start:stop] for start, stop in pairwise((*first_frames(film), len(film)))]
    regular = sum(shot.count(False) for shot in shots if find_period(shot, _MOSTLY))
    dropped = keeps.count(False)
    return RepeatedPart(dropped / len(film), 2 * regular >= dropped)


_MOSTLY = 0.8
"""The share of a cadence's repeats that must be found: where nothing moves, some are not (by
trial)."""


def repeats_sentence(found: RepeatedPart, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if not found.share:
        return "No frame repeats another."
    if needed:
        return f"About {found.share:.0%} of the frames are repeats."
    why = "" if found.regular else " in no regular order"
    return f"{max(found.share, 0.001):.1%} of the frames are repeats{why}. They are left in."


def find_decisions(
    clip: Clip, run: RunContext | None = None
) -> tuple[tuple[int, ...], tuple[Decision, ...]]:
    """Decide for every frame whether it repeats an earlier one, in one pass over the film.

    Frames are never compared across a cut, so the clip should have its shots marked, as that of
    `Project.source` has. About 500 bytes of memory are used for each frame: thirty megabytes for a
    film of forty minutes.

    Args:
        run: the run that the search belongs to; a new one if not given.

    Returns:
        The number of each shot's first frame, and a decision for every frame.
    """
    run = run or RunContext()
    features = FeatureCollector()
    with closing(prefetch(clip.frames(run=run))) as frames:
        for frame in run.bar(frames, len(clip), "find duplicates"):
            features.add(frame.image, frame.cut)
    measures, shots = features.measures(), first_frames(clip)
    parts = [measures.part(start, stop) for start, stop in pairwise((*shots, len(clip)))]
    verdicts = [decide(part) for part in parts]
    # Most films have one cadence: once it was found, less evidence is needed in other shots.
    expected = tuple({verdict.period for verdict in verdicts if verdict.period})
    if expected:
        pairs = zip(parts, verdicts, strict=True)
        verdicts = [
            verdict if verdict.period else decide(part, expected) for part, verdict in pairs
        ]
    rows = zip(shots, parts, verdicts, strict=True)
    return shots, tuple(row for each in rows for row in _explain(*each))


def find_repeats(clip: Clip, run: RunContext | None = None) -> Repeats:
    """Find the times at which repeated frames begin."""
    _, decisions = find_decisions(clip, run)
    pairs = zip(clip.times, decisions, strict=True)
    return Repeats(tuple(time for time, decision in pairs if not decision.keep))


def first_frames(clip: Clip) -> tuple[int, ...]:
    """Return the number of each shot's first frame."""
    return tuple(bisect_left(clip.times, cut) for cut in clip.cuts)


def _explain(first: int, measures: Measures, verdict: Verdict) -> Iterator[Decision]:
    """Yield the decisions for a shot that begins with frame `first`, with reasons."""
    stretch = 255 / float(np.clip(np.median(measures.contrast), 4, 255))
    still = 2 * noise_floor(measures.contrast)
    for place, (repeat, chance, back) in enumerate(
        zip(verdict.repeat, verdict.chance, verdict.back, strict=True)
    ):
        if place == 0:
            yield Decision(True, None, None, 0.0, "begins a shot")
            continue
        far = float(measures.distance[place, max(back, 1) - 1, 0])
        original = first + place - int(back) if back else None
        if repeat:
            reason = f"{REPEATS} {name_original(int(back))}, frame {original}"
            reason += ", in the cadence" if verdict.period and back == 1 else ""
        elif original is not None:
            reason = f"may repeat frame {original}, but may also be slow motion"
        elif far < still:
            reason = "nothing moves"
        else:
            reason = "moves"
        yield Decision(not repeat, original, far * stretch, float(chance), reason)

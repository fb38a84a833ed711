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
from helpers.stages.duplicates.csv_table import Decision
from helpers.stages.duplicates.decide import Verdict, decide
from helpers.stages.duplicates.describe import name_original
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
    """The share of a film's frames that repeat another, 0 to 1."""

    amount: float


def measure_repeats(samples: FilmSamples) -> RepeatedPart:
    """Measure the share of frames that were removed from the film."""
    return RepeatedPart(1 - len(samples.clip) / len(samples.film))


def repeats_sentence(found: RepeatedPart, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if not found.amount:
        return "No frame repeats another."
    return f"About {max(found.amount, 0.01):.0%} of the frames are repeats."


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
            reason = f"repeats {name_original(int(back))}, frame {original}"
            reason += ", in the cadence" if verdict.period and back == 1 else ""
        elif original is not None:
            reason = f"may repeat frame {original}, but may also be slow motion"
        elif far < still:
            reason = "nothing moves"
        else:
            reason = "moves"
        yield Decision(not repeat, original, far * stretch, float(chance), reason)

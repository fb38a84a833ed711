"""Which frames of a shot repeat an earlier one: decided by the shot's own statistics.

    verdict = decide(measures)      # of one shot
    verdict.chance, verdict.back    # per frame: how sure, and how many frames back its original is

A repeat is no small difference: noise and compression make repeats differ, and slow motion makes
neighbours alike. It is a step that carries no motion between steps that do. Every step gets a score
(`step_scores.py`); what the scores of a shot mean, the shot itself says, and its cadence
(`cadence.py`) or, without one, how plainly its repeats are apart from its motion
(`bimodal.py`); frames that come again after others are looked for among what is left
(`reappearance.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.stages.duplicates.bimodal import apart
from helpers.stages.duplicates.cadence import best_mixture
from helpers.stages.duplicates.features import Measures
from helpers.stages.duplicates.reappearance import further
from helpers.stages.duplicates.step_scores import LONGEST, step_scores

ALONE, SURE, APART, REGULAR, DOUBTFUL = 0.97, 0.8, 0.5, 0.5, 0.2
"""A frame is a repeat from this chance on: by itself; where the shot has shown what its repeats are
like; there, by the shot's own measure; where a cadence has one. From DOUBTFUL on, a person may
look. This number and the next were chosen by trial; benchmarks/quality/duplicates.py measures the
effect."""

FAR, LEADING = 3.0, 0.15
"""A step moves plainly if it is so many times as long as the repeats of the shot are, and covers so
much of the way around it."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What was found in a shot of n frames.

    Attributes:
        repeat: (n,) bool: the frame is a repeat.
        chance: (n,) how surely, 0..1.
        back: (n,) how many frames back its original is, or would be; 0 if there is none.
        period: of the cadence, in frames; 0 if there is none.
    """

    repeat: np.ndarray
    chance: np.ndarray
    back: np.ndarray
    period: int = 0


def decide(measures: Measures, expected: tuple[int, ...] = ()) -> Verdict:
    """Find the repeats in one shot.

    Args:
        measures: of the shot's frames, the first of which was measured as the first of a shot.
        expected: periods of cadences found in other shots of the film.
    """
    count = len(measures.contrast)
    chance, back = np.zeros(count), np.zeros(count, int)
    if count < 3:
        return Verdict(np.zeros(count, bool), chance, back)
    score, share, lowness = step_scores(measures)
    progress = measures.progress[1:].mean(axis=1)
    period, mixture, suspected = best_mixture(score[1:], progress, expected)
    # By a cadence that is only suspected, frames are kept, and shown as doubtful.
    chance[1:] = np.maximum(mixture.chance, 0.5 * suspected)
    own = None if period else apart(score[1:], lowness[1:], progress)
    bar = np.full(count, ALONE if own is None else SURE)
    if period:  # what the cadence does not expect has to prove itself
        bar[1:] = np.where(mixture.prior >= 0.5, REGULAR, ALONE)
    repeat = chance >= bar
    if own is not None:
        own = np.where(share[1:] < LEADING, own, 0)
        chance[1:] = np.maximum(chance[1:], own)
        repeat[1:] |= own >= APART
    back[chance >= DOUBTFUL] = 1
    spare_moving(repeat, chance, measures.distance[:, 0, 0], share)
    spare_stills(repeat, chance)
    further(measures, repeat, chance, back)
    return Verdict(repeat, chance, back, period)


def spare_moving(
    repeat: np.ndarray, chance: np.ndarray, steps: np.ndarray, share: np.ndarray
) -> None:
    """Keep what moves plainly, whatever the cadence says: far more than the shot's repeats do.

    Args:
        repeat, chance: as in `Verdict`; changed in place.
        steps: (n,) distance of each frame from the one before.
        share: (n,) the part of the way around it that each step covers.
    """
    if repeat.any():
        moves = repeat & (steps > FAR * np.median(steps[repeat])) & (share > LEADING)
        repeat[moves] = False
        chance[moves] = np.minimum(chance[moves], 0.5)


def spare_stills(repeat: np.ndarray, chance: np.ndarray) -> None:
    """Keep what seems to repeat for longer than LONGEST: that is a still, and doubtful at most."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], repeat, [False]))))
    for start, stop in edges.reshape(-1, 2):
        if stop - start > LONGEST:
            repeat[start:stop] = False
            chance[start:stop] = np.minimum(chance[start:stop], 0.5)

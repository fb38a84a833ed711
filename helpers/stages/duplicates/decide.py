"""Decide which frames of a shot repeat an earlier one, by the shot's own statistics.

    verdict = decide(measures)      # of one shot
    verdict.chance, verdict.back    # per frame: probability, distance to its original

A small difference does not make a repeat: noise and compression make repeats differ, and slow
motion makes neighbours alike. A repeat is a step without motion between steps with motion. Every
step gets a score (`step_scores.py`). The scores are interpreted by the cadence of the shot
(`cadence.py`) or, without one, by how clearly its steps form two groups (`bimodal.py`). Frames that
reappear after others are searched for among the remaining frames (`reappearance.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from helpers.stages.duplicates.bimodal import find_separate_repeats
from helpers.stages.duplicates.cadence import best_mixture
from helpers.stages.duplicates.features import Measures
from helpers.stages.duplicates.reappearance import find_reappearances
from helpers.stages.duplicates.step_scores import LONGEST, step_scores

_ALONE, _SURE, _APART, _REGULAR, DOUBTFUL = 0.97, 0.8, 0.5, 0.5, 0.2
"""The probabilities from which a frame is a repeat: by its score alone; the same, if the shot's
steps form two groups; by these groups; where the cadence has a repeat. From DOUBTFUL on, a person
should check the frame. This number and the next were chosen by trial;
benchmarks/quality/duplicates.py measures the effect."""

_FAR, _LEADING = 3.0, 0.15
"""A step is clearly motion if it is this many times as long as the repeats of the shot, and covers
a larger share of the way around it than this."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """The decisions for a shot of n frames.

    Attributes:
        repeat: (n,) bool: the frame is a repeat.
        chance: (n,) the probability of that, 0..1.
        back: (n,) how many frames back its original is, or would be; 0 if there is none.
        period: the period of the cadence, in frames; 0 if there is none.
    """

    repeat: np.ndarray
    chance: np.ndarray
    back: np.ndarray
    period: int = 0


def decide(measures: Measures, expected: tuple[int, ...] = ()) -> Verdict:
    """Find the repeats in one shot.

    Args:
        measures: those of the shot's frames.
        expected: periods of cadences that were found in other shots of the film.
    """
    count = len(measures.contrast)
    chance, back = np.zeros(count), np.zeros(count, int)
    if count < 3:
        return Verdict(np.zeros(count, bool), chance, back)
    score, share, lowness = step_scores(measures)
    progress = measures.progress[1:].mean(axis=1)
    period, mixture, suspected = best_mixture(score[1:], progress, expected)
    # If a cadence is only likely, its frames are kept and marked as doubtful.
    chance[1:] = np.maximum(mixture.chance, 0.5 * suspected)
    own = None if period else find_separate_repeats(score[1:], lowness[1:], progress)
    least = np.full(count, _ALONE if own is None else _SURE)
    if period:  # a repeat outside the cadence needs more evidence
        least[1:] = np.where(mixture.prior >= 0.5, _REGULAR, _ALONE)
    repeat = chance >= least
    if own is not None:
        own = np.where(share[1:] < _LEADING, own, 0)
        chance[1:] = np.maximum(chance[1:], own)
        repeat[1:] |= own >= _APART
    back[chance >= DOUBTFUL] = 1
    _keep_moving(repeat, chance, measures.distance[:, 0, 0], share)
    _keep_stills(repeat, chance)
    find_reappearances(measures, repeat, chance, back)
    return Verdict(repeat, chance, back, period)


def _keep_moving(
    repeat: np.ndarray, chance: np.ndarray, steps: np.ndarray, share: np.ndarray
) -> None:
    """Keep frames that clearly move, far more than the shot's repeats, even against the cadence.

    Args:
        repeat, chance: as in `Verdict`; changed in place.
        steps: (n,) the distance of each frame from the previous one.
        share: (n,) the share of the way around it that each step covers.
    """
    if repeat.any():
        moves = repeat & (steps > _FAR * np.median(steps[repeat])) & (share > _LEADING)
        repeat[moves] = False
        chance[moves] = np.minimum(chance[moves], 0.5)


def _keep_stills(repeat: np.ndarray, chance: np.ndarray) -> None:
    """Keep runs of more than LONGEST repeats: they are stills, and doubtful at most."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], repeat, [False]))))
    for start, stop in edges.reshape(-1, 2):
        if stop - start > LONGEST:
            repeat[start:stop] = False
            chance[start:stop] = np.minimum(chance[start:stop], 0.5)

"""Find the repeats of a shot without a cadence, if its steps form two separate groups.

How small the steps to repeats are, compared with motion, depends on the film and its codec, so a
threshold for all shots finds few repeats. In one shot, steps may fall into two groups by their
size. If the steps of the low group, taken together, make no progress along the motion around them,
they are repeats. In a film that only pauses, the low group makes slow progress. Noise that hides
the progress of one step is averaged out over the group.
"""

from __future__ import annotations

import numpy as np

from helpers.stages.duplicates.cadence import fit, split_in_two

_GAP = 1.2
"""The least distance of the two groups, in standard deviations. This number and those below were
chosen by trial; benchmarks/quality/duplicates.py measures the effect."""

_MOST = 0.45
"""The largest share of steps in the low group, since most steps of a shot are motion."""

_STILL, _TURNED, _MOVING = 0.1, 0.002, 0.2
"""Shares of the way around a step: the most that the low group may cover, the most that its steps
may turn back (as those of a shaking camera do), and the least that the other steps must cover."""

_CAP = 3.0
"""Ways longer than this many times the median are shortened to it, so that no leap dominates."""

_FEWEST = 12
"""The least frames of a shot for this analysis."""


def find_separate_repeats(
    score: np.ndarray, lowness: np.ndarray, progress: np.ndarray
) -> np.ndarray | None:
    """Return the probability of every step to be a repeat, by the shot's own two groups.

    Args:
        score, lowness: (n,) of the steps, as returned by `step_scores`.
        progress: (n, 3), as in `Measures`, mean of the scales.

    Returns:
        (n,), or None if the steps do not form two groups of which one is repeats.
    """
    if len(score) < _FEWEST:
        return None
    groups = fit(lowness, split_in_two(lowness), own=True)
    chance = groups.chance
    if groups.gap < _GAP or chance.mean() > _MOST:
        return None
    along, way = np.nan_to_num(progress[:, 0]), np.nan_to_num(progress[:, 1]) + 1e-6
    capped = np.minimum(1, _CAP * np.median(way) / way)
    along, way = along * capped, way * capped
    covered = float((chance * along).sum() / (chance * way).sum())
    back = float((chance * np.maximum(-along, 0)).sum() / (chance * way).sum())
    others = float(((1 - chance) * along).sum() / ((1 - chance) * way).sum())
    if abs(covered) > _STILL or back > _TURNED or others < _MOVING:
        return None
    return fit(score + lowness, chance, own=True).chance

"""The repeats of a shot that has no cadence, where they are plainly apart from its motion.

How far a repeat lies below motion depends on the film and on what a codec did to it, so a threshold
that is right for all shots finds few. In one shot, steps may fall into two groups by how low they
are, without a look at where they go. If the low group, taken together, goes nowhere along the way
around it, it is of repeats, and the shot has shown what they look like; a film that only pauses
goes on slowly, and the group does. Noise that hides the share of one step is averaged out over the
group.
"""

from __future__ import annotations

import numpy as np

from helpers.stages.duplicates.cadence import fit, halves

GAP = 1.2
"""Spreads that the two groups have to lie apart. This number and those below were chosen by trial;
benchmarks/quality/duplicates.py measures the effect."""

MOST = 0.45
"""Part of the steps that may be low: what is most of a shot is its motion."""

STILL, TURNED, MOVING = 0.1, 0.002, 0.2
"""Share of the way that the low group may cover at most; by which its steps may turn back, as those
of a shaking camera do; and which the others have to cover at least."""

CAP = 3.0
"""Times the median of the ways, beyond which a way counts no more: one leap is not all."""

FEWEST = 12
"""Frames of a shot from which on it can show anything."""


def apart(score: np.ndarray, lowness: np.ndarray, progress: np.ndarray) -> np.ndarray | None:
    """Return every step's chance to be a repeat, by the shot's own motion and repeats.

    Args:
        score, lowness: (n,) of the steps, as `step_scores` gives them.
        progress: (n, 3), as in `Measures`, mean of the scales.

    Returns:
        (n,), or None where repeats are not apart from motion.
    """
    if len(score) < FEWEST:
        return None
    groups = fit(lowness, halves(lowness), own=True)
    chance = groups.chance
    if groups.gap < GAP or chance.mean() > MOST:
        return None
    along, way = np.nan_to_num(progress[:, 0]), np.nan_to_num(progress[:, 1]) + 1e-6
    capped = np.minimum(1, CAP * np.median(way) / way)
    along, way = along * capped, way * capped
    covered = float((chance * along).sum() / (chance * way).sum())
    back = float((chance * np.maximum(-along, 0)).sum() / (chance * way).sum())
    others = float(((1 - chance) * along).sum() / ((1 - chance) * way).sum())
    if abs(covered) > STILL or back > TURNED or others < MOVING:
        return None
    return fit(score + lowness, chance, own=True).chance

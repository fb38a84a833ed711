"""Find frames that reappear after others: A B A, A B C A.

Such a frame is closer to its original than to all frames between and around them. And the step to
it turns back: it is opposite to the way from the frame before the step to the one after it, while
motion goes along this way. The second sign helps where compression or darkness weaken the first.
"""

from __future__ import annotations

import numpy as np

from helpers.stages.duplicates.features import REACH, Measures
from helpers.stages.duplicates.step_scores import noise_floor

_NEARER, _SLACK = (0.0, 0.5, 0.3, 0.7, 0.8, 0.8), 0.3
"""Logarithms of ratios. A reappearing frame must be closer to its original than to all frames
between by this much, by how far back it is. The frames around them may be closer by the _SLACK,
since motion is never even. This number and those below were chosen by trial;
benchmarks/quality/duplicates.py measures the effect."""

_CLEAR = 4
"""The frames between must differ from a reappearing frame by this many times the noise floor:
codecs that treat every second frame differently make stills alternate slightly."""

_STEADY = 1 / 3
"""Steady motion covers this share of the way from the frame before a step to the one after it."""

_UNSTEADY = 0.3
"""In a shot that turns back all the time, this is subtracted from the turn of every step."""

_TURN = 1.5
"""The weight of a step that turns back, compared with the logarithm of the ratio of distances."""

_SURE = 0.9
"""The probability of a repeat with just enough evidence."""

_NEARLY = 0.8
"""With this share of the evidence that is needed, a frame is doubtful."""


def find_reappearances(
    measures: Measures, repeat: np.ndarray, chance: np.ndarray, back: np.ndarray
) -> None:
    """Find frames that reappear after one or more others, the most certain first.

    Each is removed before the next is searched for, because without it, other frames have other
    neighbours.

    Args:
        measures: those of the shot's n frames.
        repeat, chance, back: as in `Verdict`; changed in place.
    """
    least = _CLEAR * noise_floor(measures.contrast)
    distance = measures.distance
    logs = np.log(np.where(np.isnan(distance), np.inf, distance) + least)
    turns = _TURN * _measure_turns(measures.progress, least)
    kept = ~repeat
    depths = _reappearance_depths(logs, kept) + turns[:, None]
    needed = np.array([_needed_depth(*row) for row in zip(depths.T, _NEARER, strict=True)])
    while (excess := depths / needed).max() > _NEARLY:
        number, lag = map(int, np.unravel_index(np.argmax(excess), excess.shape))
        sure = excess[number, lag] >= 1
        probability = min(excess[number, lag] * _SURE, 0.99)
        if sure or probability > chance[number]:
            chance[number], back[number] = probability, lag + 1
        depths[number] = -np.inf
        if sure:
            repeat[number], kept[number] = True, False
            # Only frames near the removed one can change.
            low = max(number - 3 * REACH, 0)
            near = slice(low, number + 3 * REACH)
            first, stop = max(number - 1, 0), number + 2 * REACH
            again = _reappearance_depths(logs[near], kept[near])[first - low : stop - low]
            again = again + turns[first:stop, None]
            known = np.isfinite(depths[first:stop])
            depths[first:stop] = np.where(known, again, -np.inf)


def _measure_turns(progress: np.ndarray, least: float) -> np.ndarray:
    """Return how far each step turns back against the way around it; negative for steady motion.

    Args:
        progress: (n, 2, 3), as in `Measures`.
        least: the level below which differences are noise.

    Returns:
        (n,): a half for A B A, one for A B C A; less, down to -UNSTEADY, in a shot that often turns
        back because of a shaking camera or noise.
    """
    along, way = progress[..., 0].mean(axis=1), progress[..., 1].mean(axis=1)
    share = along / (way + least * least)
    turn = -np.clip(np.where(np.isfinite(share), share, _STEADY), -1, 1)
    often = float(np.percentile(turn, 80))
    steady = np.clip(-often / _STEADY, 0, 1)
    return turn * steady - _UNSTEADY * (1 - steady)


def _needed_depth(depths: np.ndarray, least: float) -> float:
    """Return the depth that a repeat needs, which the shot's own motion does not reach.

    Args:
        depths: (n,) at one distance back; minus infinity where there is none.
        least: the minimum.
    """
    plain = depths[np.isfinite(depths) & (depths < least)]
    if len(plain) < 6:
        return least + 0.4
    middle, high = np.percentile(plain, (50, 84))
    return max(least, float(middle + 3.5 * (high - middle)))


def _reappearance_depths(logs: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return how much closer each frame is to an earlier one than to all between and around them.

    Args:
        logs: (n, REACH, 2).
        kept: (n,) bool: frames that are not kept are skipped.

    Returns:
        (n, REACH): logarithm of a ratio, at [i, j] for frames i and i - 1 - j, the better of both
        scales; minus infinity where there is nothing kept between them.
    """
    count = len(kept)
    far = np.where(kept[:, None, None], logs, np.inf)
    for back in range(REACH):  # distances to frames that are not kept do not count
        far[back + 1 :, back][~kept[: -back - 1]] = np.inf
        far[: back + 1, back] = np.inf
    step = np.minimum(far[:, 0], np.where(np.isfinite(far[:, 0]), np.inf, far[:, 1]))
    following = np.full((count, 2), np.inf)
    following[:-1] = far[1:, 0]
    skips = ~np.isfinite(following[:-2, 0])
    following[:-2][skips] = far[2:, 1][skips]
    depths = np.full((count, REACH), -np.inf)
    for lag in range(2, min(REACH, count - 1) + 1):
        numbers = np.arange(lag, count)
        least = np.full((len(numbers), 2), np.inf)
        for away in range(1, lag):
            least = np.minimum(least, far[numbers, away - 1])
            least = np.minimum(least, far[numbers - away, lag - away - 1])
        around = np.minimum(step[numbers - lag], following[numbers])
        known = np.isfinite(least) & np.isfinite(far[numbers, lag - 1])
        here = np.where(known, far[numbers, lag - 1], np.inf)
        gain = np.where(known, np.minimum(least, around + _SLACK), 0) - here
        depths[numbers, lag - 1] = gain.max(axis=1)
    return depths

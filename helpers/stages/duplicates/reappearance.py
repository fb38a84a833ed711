"""Frames that come again after others: A B A, A B C A.

Such a frame is nearer to its original than to all between and around them; and the step to it turns
back: against the way from the frame before the step to the one after it, where motion goes along.
The second sign holds where compression or darkness leaves little of the first.
"""

from __future__ import annotations

import numpy as np

from helpers.stages.duplicates.features import REACH, Measures
from helpers.stages.duplicates.step_scores import floor

NEARER, SLACK = (0.0, 0.5, 0.3, 0.7, 0.8, 0.8), 0.3
"""Logarithms of ratios: how much nearer than all frames between, at least, is a repeat through
others, by how far back it is; and how much nearer than that the frames around may be, since motion
is never even. This number and those below were chosen by trial; benchmarks/quality/duplicates.py
measures the effect."""

CLEAR = 4
"""How many times as much as `floor` has to lie between a frame and its repeat through others:
codecs that treat every second frame in another way make stills swing to and fro a little."""

STEADY = 1 / 3
"""Share of the way from the frame before a step to the one after it that steady motion covers."""

UNSTEADY = 0.3
"""By how much less any step of a shot turns that turns back all the time."""

TURN = 1.5
"""What a step that turns back counts, beside the logarithm of how much nearer a frame is."""

SURE = 0.9
"""The chance of a repeat that just reaches what is needed."""

NEARLY = 0.8
"""Part of what a repeat through others needs, from which on it is doubtful."""


def further(measures: Measures, repeat: np.ndarray, chance: np.ndarray, back: np.ndarray) -> None:
    """Find, among the frames still kept, repeats through one or more others; surest first.

    A found one is left out before the next is looked for: without it, frames that seemed near to
    each other across it are plain neighbours.

    Args:
        measures: of the shot's n frames.
        repeat, chance, back: as in `Verdict`; changed in place.
    """
    least = CLEAR * floor(measures.contrast)
    distance = measures.distance
    logs = np.log(np.where(np.isnan(distance), np.inf, distance) + least)
    back_turn = TURN * turns(measures.progress, least)
    kept = ~repeat
    depths = further_depths(logs, kept) + back_turn[:, None]
    needed = np.array([needed_depth(*row) for row in zip(depths.T, NEARER, strict=True)])
    while (excess := depths / needed).max() > NEARLY:
        number, lag = map(int, np.unravel_index(np.argmax(excess), excess.shape))
        sure = excess[number, lag] >= 1
        surely = min(excess[number, lag] * SURE, 0.99)
        if sure or surely > chance[number]:
            chance[number], back[number] = surely, lag + 1
        depths[number] = -np.inf
        if sure:
            repeat[number], kept[number] = True, False
            # Only frames near it can be told otherwise now; those further on are not looked at.
            low = max(number - 3 * REACH, 0)
            near = slice(low, number + 3 * REACH)
            first, stop = max(number - 1, 0), number + 2 * REACH
            again = further_depths(logs[near], kept[near])[first - low : stop - low]
            again = again + back_turn[first:stop, None]
            known = np.isfinite(depths[first:stop])
            depths[first:stop] = np.where(known, again, -np.inf)


def turns(progress: np.ndarray, least: float) -> np.ndarray:
    """Return how far each step goes against the way around it: below 0 for motion that goes on.

    Args:
        progress: (n, 2, 3), as in `Measures`.
        least: levels below which differences say nothing.

    Returns:
        (n,): a half for A B A, one for A B C A; less, down to -UNSTEADY, where the shot often turns
        back by itself, as a shaking camera makes it, or noise.
    """
    along, way = progress[..., 0].mean(axis=1), progress[..., 1].mean(axis=1)
    share = along / (way + least * least)
    turn = -np.clip(np.where(np.isfinite(share), share, STEADY), -1, 1)
    often = float(np.percentile(turn, 80))
    steady = np.clip(-often / STEADY, 0, 1)
    return turn * steady - UNSTEADY * (1 - steady)


def needed_depth(depths: np.ndarray, least: float) -> float:
    """Return the depth that a repeat needs: out of reach of the shot's own motion.

    Args:
        depths: (n,) at one distance back; minus infinity where there is none.
        least: what it needs at least.
    """
    plain = depths[np.isfinite(depths) & (depths < least)]
    if len(plain) < 6:
        return least + 0.4
    middle, high = np.percentile(plain, (50, 84))
    return max(least, float(middle + 3.5 * (high - middle)))


def further_depths(logs: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return how much nearer each kept frame is to one further back than to all between and around.

    Args:
        logs: (n, REACH, 2).
        kept: (n,) bool: the others are passed over.

    Returns:
        (n, REACH): logarithm of a ratio, at [i, j] for frames i and i - 1 - j, the better of both
        scales; minus infinity where there is nothing kept between them.
    """
    count = len(kept)
    far = np.where(kept[:, None, None], logs, np.inf)
    for back in range(REACH):  # distances to frames that are passed over do not count
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
        gain = np.where(known, np.minimum(least, around + SLACK), 0) - here
        depths[numbers, lag - 1] = gain.max(axis=1)
    return depths

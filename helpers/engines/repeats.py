"""Which frames of a shot repeat an earlier one: decided by the shot's own statistics.

    verdict = decide(measures)      # of one shot
    verdict.chance, verdict.back    # per frame: how sure, and how many frames back its original is

A repeat is no small difference: noise and compression make repeats differ, and slow motion makes
neighbours alike. It is a step that carries no motion between steps that do. So every step gets a
score from two signs, each a ratio that neither contrast nor exposure changes:

- its depth: how far its difference lies below those of the steps on both sides of it;
- its progress: which part of the way from the frame before it to the frame after it it covers,
  measured so that noise drops out (`likeness.progress`).

The scores of a shot are then a mixture of two bells, motion and repeats, fitted by expectation
maximisation from where they usually lie to where they lie in this shot. A cadence (12 in 24, 3:2)
makes a frame's prior chance that of the frames a whole number of periods away, which decides even
where hardly anything moves; it is believed only if it explains much of what there is to explain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from helpers.engines.likeness import REACH, Measures

LONGEST = 4
"""Repeats in a row, at most. What stays the same for longer is a still, and stays."""

PERIODS = (*range(2, 11), 12, 15, 24, 25, 30)
"""Frames after which a cadence begins again: 2:2 is 2, 3:2 is 5, 18 in 25 is 25."""

DEPTH, PROGRESS, BIAS = 2.8, 10.0, -1.4
"""Weights of the score. Like every number here that is not geometry, found by logistic regression
over many films, noises and compressions (benchmarks/duplicates.py); a shot then finds its own."""

LEADING = 0.2
"""Share of the way around it that a step covers if it is surely motion."""

USUAL = ((-4.7, 1.5), (3.0, 2.0))
"""Mean and spread of the scores of motion and of repeats, before a shot is known."""

CERTAIN = 2.5
"""A score that motion by itself has nowhere reached."""

SURE, REGULAR, DOUBTFUL = 0.9, 0.5, 0.2
"""A frame is a repeat from this chance on: by itself; within a cadence. From DOUBTFUL on, a person
may look."""

NEARER, SLACK = (0.0, 0.65, 0.65, 0.9, 0.9, 0.9), 0.3
"""Logarithms of ratios: how much nearer than all frames between, at least, is a repeat through
others, by how far back it is; and how much nearer than that the frames around may be, since motion
is never even."""

FAINT = 0.25
"""Levels (of 255, after the stretch) below which differences say nothing."""

SUSPICIOUS = 12
"""Gain in likelihood, a logarithm, from which on a cadence that is not believed is mentioned."""

NEARLY = 0.8
"""Part of what a repeat through others needs, from which on it is doubtful."""

CLEAR = 4
"""How many times as much has to lie between a frame and its repeat through others: codecs that
treat every second frame in another way make stills swing to and fro a little."""

QUANTUM = 0.12
"""Levels before the stretch below which they say nothing either: eight bits end somewhere."""


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


@dataclass
class Mixture:
    """Motion and repeats in a shot, as two bells of scores.

    Attributes:
        chance: (n,) of every step to be a repeat.
        means, spreads: of motion, of repeats.
        likelihood: logarithm; of the scores, each step's prior chance known from the others.
    """

    chance: np.ndarray
    means: list[float] = field(default_factory=lambda: [mean for mean, _ in USUAL])
    spreads: list[float] = field(default_factory=lambda: [spread for _, spread in USUAL])
    likelihood: float = -np.inf

    @property
    def gap(self) -> float:
        """How many spreads the two lie apart."""
        return (self.means[1] - self.means[0]) / sum(self.spreads)


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
    faint = floor(measures.contrast)
    steps = np.log(measures.distance[:, 0] + faint)
    depth = np.max([run_depth(steps[:, scale]) for scale in (0, 1)], axis=0)
    share = np.mean([shares(measures.progress[:, scale]) for scale in (0, 1)], axis=0)
    # Small steps among larger ones are no repeats where they lead on.
    depth = np.where(share > LEADING, np.minimum(depth, 0.5), depth)
    score = DEPTH * np.clip(depth, -1, 2.5) - PROGRESS * np.clip(share, 0, 0.7) + BIAS
    period, mixture, suspected = best_mixture(score[1:], share[1:], expected)
    chance[1:] = np.maximum(
        mixture.chance, 0.5 * suspected
    )  # those are kept, and shown as doubtful
    back[chance >= DOUBTFUL] = 1
    repeat = chance >= (REGULAR if period else SURE)
    spare_stills(repeat, chance)
    further(np.log(measures.distance + CLEAR * faint), repeat, chance, back)
    return Verdict(repeat, chance, back, period)


def floor(contrast: np.ndarray) -> float:
    """Return the levels below which differences in a shot say nothing, by its contrast.

    Stretching the shot to full contrast and then asking for FAINT levels is the same as asking for
    so much less where it is dark, down to what eight bits can show.
    """
    return max(FAINT * min(float(np.median(contrast)) / 255, 1.0), QUANTUM)


def run_depth(logs: np.ndarray) -> np.ndarray:
    """Return how far below the steps around it every step lies, alone or with a few neighbours.

    Args:
        logs: (n,) logarithm of each frame's difference from the one before; the first is unused.

    Returns:
        (n,) logarithm of a ratio, the best over all runs of up to LONGEST steps; at least -1.
    """
    count = len(logs)
    depth = np.full(count, -1.0)
    steps = np.concatenate(([np.inf], logs[1:], [np.inf]))
    for length in range(1, min(LONGEST, count - 1) + 1):
        windows = np.lib.stride_tricks.sliding_window_view(steps[1:-1], length)
        left, right = steps[: len(windows)], steps[length + 1 : length + 1 + len(windows)]
        side = np.minimum(left, right)
        below = np.where(np.isfinite(side), side - windows.max(axis=1), -1.0)
        for offset in range(length):
            part = depth[1 + offset : 1 + offset + len(windows)]
            np.maximum(part, below, out=part)
    return depth


def shares(progress: np.ndarray) -> np.ndarray:
    """Return which part of the way around it each step covers: about a third, or nothing.

    Args:
        progress: (n, 3), as in `Measures`.

    Returns:
        (n,) from 0; where nothing moves but noise it comes near to a third, so that noise by
        itself is never taken for a repeat.
    """
    known = np.isfinite(progress[:, 2])
    steps = np.where(known, progress[:, 2], np.inf)
    around = np.pad(steps, 6, constant_values=np.inf)
    noise = np.lib.stride_tricks.sliding_window_view(around, 13).min(axis=1)
    noise = np.where(np.isfinite(noise), noise, 0) + FAINT * FAINT
    part = np.abs(progress[:, 0] + noise / 3) / (progress[:, 1] + noise)
    return np.where(known, part, 0.2)


def best_mixture(
    score: np.ndarray, share: np.ndarray, expected: tuple[int, ...] = ()
) -> tuple[int, Mixture, np.ndarray]:
    """Return the cadence that explains the scores best and what follows from it; 0 if none does.

    Also the chances by a cadence that is likely, but not enough to believe it; else zeros.
    """
    usual, split = logistic(score), halves(score)
    found: list[tuple[float, int, Mixture]] = []
    suspected, clue = np.zeros(len(score)), SUSPICIOUS
    for own, start in ((False, usual), (True, split)):
        for period in (period for period in PERIODS if 2.5 * period <= len(score)):
            mixture = fit(score, start, own, same_phase, period)
            gain = mixture.likelihood - fit(score, start, own, nearby, period).likelihood
            if believable(mixture, share, gain, period, period in expected):
                found.append((gain, period, mixture))
            elif gain > clue and mixture.gap > 1:
                suspected, clue = mixture.chance, gain
    if not found:
        return 0, fit(score, usual, own=False), suspected
    # A multiple of the true period explains as much: the shortest of the good ones is meant.
    most = max(gain for gain, _, _ in found)
    good = [row for row in found if row[0] > most - 4]
    _, period, mixture = min(good, key=lambda row: (row[1], -row[2].likelihood))
    return period, mixture, np.zeros(len(score))


def believable(
    mixture: Mixture, share: np.ndarray, gain: float, period: int, expected: bool
) -> bool:
    """Tell whether a cadence is more than chance: what it explains, and that repeats are still.

    Codecs themselves treat every second or fourth frame in another way, so there more is asked;
    less of a cadence that other shots of the film have.
    """
    chance, count = mixture.chance, len(share)
    repeats = float(chance.sum())
    if min(repeats, count - repeats) < 3 or mixture.gap < 1:
        return False
    rate = repeats / count
    explained = gain / (-count * (rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))
    still = float((chance * share).sum() / repeats)
    moving = float(((1 - chance) * share).sum() / (count - repeats))
    needed = 0.3 if expected else 0.55 if period in (2, 4, 8) else 0.45
    clear = explained > needed or (explained > 0.35 and still < 0.05)
    return clear and gain > 6 and still < min(0.12, 0.4 * moving)


def fit(
    score: np.ndarray,
    start: np.ndarray,
    own: bool,
    priors: Callable[[np.ndarray, int], np.ndarray] | None = None,
    period: int = 0,
    rounds: int = 25,
) -> Mixture:
    """Fit two bells to scores by expectation maximisation.

    Args:
        score: (n,).
        start: (n,) the chances to begin with.
        own: whether the bells go where the scores are; else they stay near where they usually lie,
            which is right where repeats are few.
        priors: makes each step's prior chance from the chances; one for all if not given.
        period: for `priors`.
        rounds: how often to do it.
    """
    mixture = Mixture(start)
    for turn in range(rounds):
        chance = mixture.chance
        if turn or own:
            move_bells(mixture, score, own, first=turn == 0)
        prior = priors(chance, period) if priors else (chance.sum() + 0.5) / (len(chance) + 10)
        prior = np.clip(prior, 0.005, 0.99)
        logs = [
            -0.5 * ((score - mean) / spread) ** 2 - np.log(spread)
            for mean, spread in zip(mixture.means, mixture.spreads, strict=True)
        ]
        # Beyond the two means, nothing may speak for the bell on the other side.
        for bell, beyond in enumerate((score < mixture.means[0], score > mixture.means[1])):
            logs[bell] = np.where(beyond, -np.log(mixture.spreads[bell]), logs[bell])
        ratio = logs[1] - logs[0]
        if priors:  # one odd score does not break a cadence, unless it leaves no question
            ratio = np.where(score > CERTAIN, ratio, np.clip(ratio, -4, 4))
        mixture.chance = logistic(ratio + np.log(prior / (1 - prior)))
        both = np.logaddexp(logs[0] + np.log(1 - prior), logs[1] + np.log(prior))
        mixture.likelihood = float(both.sum())
    return mixture


def move_bells(mixture: Mixture, score: np.ndarray, own: bool, first: bool) -> None:
    """Put both bells where the scores are that belong to them, held back by what is usual."""
    weight = 2.0 if own else 10.0
    for bell, chance in enumerate((1 - mixture.chance, mixture.chance)):
        total = chance.sum() + weight
        mean, spread = USUAL[bell]
        if own:
            here = float((chance * score).sum() / max(chance.sum(), 1e-9))
            mean, spread = (here if first else mixture.means[bell]), 1.5
        mean = float(((chance * score).sum() + weight * mean) / total)
        mean = mean if own or bell == 0 else max(mean, 1.5)
        square = float((chance * (score - mean) ** 2).sum() + weight * spread**2) / total
        narrowest = 0.3 if own or bell else USUAL[0][1] ** 2
        mixture.means[bell], mixture.spreads[bell] = mean, max(square, narrowest) ** 0.5


def same_phase(chance: np.ndarray, period: int) -> np.ndarray:
    """Return the mean chance of the steps up to four periods away, each step itself left out."""
    count, rate = len(chance), float(np.clip(chance.mean(), 0.02, 0.9))
    total, seen = np.zeros(count), np.zeros(count)
    for away in (n * period for n in range(1, 5) if n * period < count):
        total[away:] += chance[:-away]
        total[:-away] += chance[away:]
        seen[away:] += 1
        seen[:-away] += 1
    return (total + 0.3 * rate) / (seen + 0.3)


def nearby(chance: np.ndarray, period: int) -> np.ndarray:
    """Return the mean chance of all steps up to four periods away, each step itself left out.

    A cadence has to explain more than this does: repeats, or stillness, here and not there.
    """
    window = np.ones(8 * period + 1)
    window[4 * period] = 0
    reach = slice(4 * period, 4 * period + len(chance))
    total = np.convolve(chance, window)[reach]
    seen = np.convolve(np.ones(len(chance)), window)[reach]
    return (total + 0.3 * chance.mean()) / (seen + 0.3)


def spare_stills(repeat: np.ndarray, chance: np.ndarray) -> None:
    """Keep what seems to repeat for longer than LONGEST: that is a still, and doubtful at most."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], repeat, [False]))))
    for start, stop in edges.reshape(-1, 2):
        if stop - start > LONGEST:
            repeat[start:stop] = False
            chance[start:stop] = np.minimum(chance[start:stop], 0.5)


def further(logs: np.ndarray, repeat: np.ndarray, chance: np.ndarray, back: np.ndarray) -> None:
    """Find, among the frames still kept, repeats through one or more others; surest first.

    A found one is left out before the next is looked for: without it, frames that seemed near to
    each other across it are plain neighbours.

    Args:
        logs: (n, REACH, 2) logarithm of distances.
        repeat, chance, back: as in `Verdict`; changed in place.
    """
    kept = ~repeat
    depths = further_depths(logs, kept)
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
            known = np.isfinite(depths[first:stop])
            depths[first:stop] = np.where(known, again, -np.inf)


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
    return max(least, float(middle + 4.5 * (high - middle)))


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


def logistic(value: np.ndarray) -> np.ndarray:
    """Return chances, 0..1, of log odds."""
    return 1 / (1 + np.exp(-np.clip(value, -40, 40)))


def halves(score: np.ndarray) -> np.ndarray:
    """Return the chances to belong to the upper of two groups of scores, found by two means."""
    low, high = np.percentile(score, (20, 95))
    for _ in range(20):
        upper = score > (low + high) / 2
        low = score[~upper].mean() if not upper.all() else low
        high = score[upper].mean() if upper.any() else high
    return logistic((score - (low + high) / 2) * 4 / max(high - low, 0.5))

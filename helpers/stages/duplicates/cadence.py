"""The cadence of a shot: motion and repeats as two bells of scores, and what comes again.

The scores of a shot's steps are a mixture of two bells, motion and repeats, fitted by expectation
maximisation from where they usually lie to where they lie in this shot. A cadence (12 in 24, 3:2)
makes a frame's prior chance that of the frames a whole number of periods away, which decides even
where hardly anything moves; it is believed only if it explains much of what there is to explain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

PERIODS = (*range(2, 11), 12, 15, 24, 25, 30)
"""Frames after which a cadence begins again: 2:2 is 2, 3:2 is 5, 18 in 25 is 25."""

USUAL = ((-4.7, 1.5), (3.0, 2.0))
"""Mean and spread of the scores of motion and of repeats, before a shot is known. This number and
those below were chosen by trial; benchmarks/quality/duplicates.py measures the effect."""

CERTAIN = 2.5
"""A score that motion by itself has nowhere reached."""

STILL = 0.05
"""Share of the way below which all repeats together are so plainly still that less is asked."""

TURNED = 0.1
"""Share of the way back, of all repeats together, beyond which they repeat no neighbours."""

SUSPICIOUS = 12
"""Gain in likelihood, a logarithm, from which on a cadence that is not believed is mentioned."""


@dataclass
class Mixture:
    """Motion and repeats in a shot, as two bells of scores.

    Attributes:
        chance: (n,) of every step to be a repeat.
        means, spreads: of motion, of repeats.
        likelihood: logarithm; of the scores, each step's prior chance known from the others.
        prior: those prior chances: what the cadence says, where there is one.
    """

    chance: np.ndarray
    means: list[float] = field(default_factory=lambda: [mean for mean, _ in USUAL])
    spreads: list[float] = field(default_factory=lambda: [spread for _, spread in USUAL])
    likelihood: float = -np.inf
    prior: np.ndarray | float = 0.0

    @property
    def gap(self) -> float:
        """How many spreads the two lie apart."""
        return (self.means[1] - self.means[0]) / sum(self.spreads)


def best_mixture(
    score: np.ndarray, progress: np.ndarray, expected: tuple[int, ...] = ()
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
            if believable(mixture, progress, gain, period, period in expected):
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
    mixture: Mixture, progress: np.ndarray, gain: float, period: int, expected: bool
) -> bool:
    """Tell whether a cadence is more than chance: what it explains, and that repeats are still.

    Codecs themselves treat every second or fourth frame in another way, so there more is asked;
    less of a cadence that other shots of the film have.

    Args:
        mixture: what follows from the cadence.
        progress: (n, 3), as in `Measures`, mean of the scales.
        gain: by which it explains the scores better than repeats that come as they like.
        period: of the cadence.
        expected: whether other shots have it.
    """
    chance, count = mixture.chance, len(progress)
    repeats = float(chance.sum())
    if min(repeats, count - repeats) < 3 or mixture.gap < 1:
        return False
    rate = repeats / count
    explained = gain / (-count * (rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))
    # Shares of all ways together: where much moves, it is plain whether repeats are still.
    along, way = np.nan_to_num(progress[:, 0]), np.nan_to_num(progress[:, 1]) + 1e-6
    still = abs(float((chance * along).sum() / (chance * way).sum()))
    turned = float((chance * np.maximum(-along, 0)).sum() / (chance * way).sum())
    moving = float(((1 - chance) * along).sum() / ((1 - chance) * way).sum())
    needed = 0.3 if expected else 0.55 if period in (2, 4, 8) else 0.45
    clear = explained > needed or (explained > 0.2 and still < STILL)
    return clear and gain > 6 and still < min(0.12, 0.4 * moving) and turned < TURNED


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
        prior = np.clip(prior, 0.005, 0.96)  # a step that plainly moves is none in any cadence
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
        mixture.prior = prior
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

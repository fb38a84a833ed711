"""Find the cadence of a shot with a mixture of two Gaussians: motion and repeats.

The scores of a shot's steps are a mixture of two Gaussians, motion and repeats, which are fitted by
expectation maximisation, beginning with their usual means. With a cadence (12 in 24, 3:2), the
prior probability of a step is the mean of the steps a whole number of periods away, which decides
even where hardly anything moves. A cadence is accepted only if it explains the scores much better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

PERIODS = (*range(2, 11), 12, 15, 24, 25, 30)
"""The periods of cadences, in frames: 2:2 has 2, 3:2 has 5, 18 in 25 has 25."""

_USUAL = ((-4.7, 1.5), (3.0, 2.0))
"""The usual mean and standard deviation of the scores of motion and of repeats. This number and
those below were chosen by trial; benchmarks/quality/duplicates.py measures the effect."""

_CERTAIN = 2.5
"""A score that motion alone never reached."""

_STILL = 0.05
"""If all repeats together cover a smaller share of the way, less evidence is needed."""

_TURNED = 0.1
"""If all repeats together turn back by a larger share of the way, they are not repeats."""

_SUSPICIOUS = 12
"""The gain in log-likelihood from which a cadence that is not accepted makes frames doubtful."""


@dataclass
class Mixture:
    """Two Gaussians of scores: motion and repeats of a shot.

    Attributes:
        chance: (n,) the probability of every step to be a repeat.
        means, spreads: mean and standard deviation, of motion and of repeats.
        likelihood: the log-likelihood of the scores.
        prior: the prior probability of every step; that of the cadence, if there is one.
    """

    chance: np.ndarray
    means: list[float] = field(default_factory=lambda: [mean for mean, _ in _USUAL])
    spreads: list[float] = field(default_factory=lambda: [spread for _, spread in _USUAL])
    likelihood: float = -np.inf
    prior: np.ndarray | float = 0.0

    @property
    def gap(self) -> float:
        """The distance of the two means, in standard deviations."""
        return (self.means[1] - self.means[0]) / sum(self.spreads)


def best_mixture(
    score: np.ndarray, progress: np.ndarray, expected: tuple[int, ...] = ()
) -> tuple[int, Mixture, np.ndarray]:
    """Find the cadence that explains the scores best.

    Returns:
        Its period (0 if there is none), the mixture, and probabilities by a cadence that is likely
        but not accepted (zeros if there is none).
    """
    usual, split = _logistic(score), split_in_two(score)
    found: list[tuple[float, int, Mixture]] = []
    suspected, clue = np.zeros(len(score)), _SUSPICIOUS
    for own, start in ((False, usual), (True, split)):
        for period in (period for period in PERIODS if 2.5 * period <= len(score)):
            mixture = fit(score, start, own, _mean_in_phase, period)
            gain = mixture.likelihood - fit(score, start, own, _mean_nearby, period).likelihood
            if _is_credible(mixture, progress, gain, period, period in expected):
                found.append((gain, period, mixture))
            elif gain > clue and mixture.gap > 1:
                suspected, clue = mixture.chance, gain
    if not found:
        return 0, fit(score, usual, own=False), suspected
    # A multiple of the true period explains as much, so the shortest good period is chosen.
    most = max(gain for gain, _, _ in found)
    good = [row for row in found if row[0] > most - 4]
    _, period, mixture = min(good, key=lambda row: (row[1], -row[2].likelihood))
    return period, mixture, np.zeros(len(score))


def _is_credible(
    mixture: Mixture, progress: np.ndarray, gain: float, period: int, expected: bool
) -> bool:
    """Tell whether a cadence is not due to chance: it explains enough, and its repeats are still.

    Codecs treat every second or fourth frame differently, so these periods need more evidence. A
    cadence that other shots of the film have needs less.

    Args:
        mixture: the mixture that was fitted with the cadence.
        progress: (n, 3), as in `Measures`, mean of the scales.
        gain: the gain in log-likelihood over repeats at irregular times.
        period: the period of the cadence.
        expected: whether other shots have it.
    """
    chance, count = mixture.chance, len(progress)
    repeats = float(chance.sum())
    if min(repeats, count - repeats) < 3 or mixture.gap < 1:
        return False
    rate = repeats / count
    explained = gain / (-count * (rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))
    # Shares of all ways together, so that steps with much motion count most.
    along, way = np.nan_to_num(progress[:, 0]), np.nan_to_num(progress[:, 1]) + 1e-6
    still = abs(float((chance * along).sum() / (chance * way).sum()))
    turned = float((chance * np.maximum(-along, 0)).sum() / (chance * way).sum())
    moving = float(((1 - chance) * along).sum() / ((1 - chance) * way).sum())
    needed = 0.3 if expected else 0.55 if period in (2, 4, 8) else 0.45
    clear = explained > needed or (explained > 0.2 and still < _STILL)
    return clear and gain > 6 and still < min(0.12, 0.4 * moving) and turned < _TURNED


def fit(
    score: np.ndarray,
    start: np.ndarray,
    own: bool,
    priors: Callable[[np.ndarray, int], np.ndarray] | None = None,
    period: int = 0,
    rounds: int = 25,
) -> Mixture:
    """Fit two Gaussians to scores by expectation maximisation.

    Args:
        score: (n,).
        start: (n,) the initial probabilities.
        own: whether the Gaussians are fitted freely; if not, they stay close to the usual ones,
            which is better where repeats are few.
        priors: computes each step's prior probability from the probabilities; if not given, all
            steps have the same.
        period: an argument for `priors`.
        rounds: number of iterations.
    """
    mixture = Mixture(start)
    for turn in range(rounds):
        chance = mixture.chance
        if turn or own:
            _update_gaussians(mixture, score, own, first=turn == 0)
        prior = priors(chance, period) if priors else (chance.sum() + 0.5) / (len(chance) + 10)
        prior = np.clip(prior, 0.005, 0.96)  # no cadence makes clear motion a repeat
        logs = [
            -0.5 * ((score - mean) / spread) ** 2 - np.log(spread)
            for mean, spread in zip(mixture.means, mixture.spreads, strict=True)
        ]
        # A score beyond one mean must not be evidence for the Gaussian on the other side.
        for at, beyond in enumerate((score < mixture.means[0], score > mixture.means[1])):
            logs[at] = np.where(beyond, -np.log(mixture.spreads[at]), logs[at])
        ratio = logs[1] - logs[0]
        if priors:  # one odd score does not break a cadence, unless it is certain
            ratio = np.where(score > _CERTAIN, ratio, np.clip(ratio, -4, 4))
        mixture.chance = _logistic(ratio + np.log(prior / (1 - prior)))
        mixture.prior = prior
        both = np.logaddexp(logs[0] + np.log(1 - prior), logs[1] + np.log(prior))
        mixture.likelihood = float(both.sum())
    return mixture


def _update_gaussians(mixture: Mixture, score: np.ndarray, own: bool, first: bool) -> None:
    """Fit both Gaussians to the scores that belong to them, regularised by the usual ones."""
    weight = 2.0 if own else 10.0
    for at, chance in enumerate((1 - mixture.chance, mixture.chance)):
        total = chance.sum() + weight
        mean, spread = _USUAL[at]
        if own:
            here = float((chance * score).sum() / max(chance.sum(), 1e-9))
            mean, spread = (here if first else mixture.means[at]), 1.5
        mean = float(((chance * score).sum() + weight * mean) / total)
        mean = mean if own or at == 0 else max(mean, 1.5)
        square = float((chance * (score - mean) ** 2).sum() + weight * spread**2) / total
        narrowest = 0.3 if own or at else _USUAL[0][1] ** 2
        mixture.means[at], mixture.spreads[at] = mean, max(square, narrowest) ** 0.5


def _mean_in_phase(chance: np.ndarray, period: int) -> np.ndarray:
    """Return the mean probability of the steps one to four periods away from each step."""
    count, rate = len(chance), float(np.clip(chance.mean(), 0.02, 0.9))
    total, seen = np.zeros(count), np.zeros(count)
    for away in (n * period for n in range(1, 5) if n * period < count):
        total[away:] += chance[:-away]
        total[:-away] += chance[away:]
        seen[away:] += 1
        seen[:-away] += 1
    return (total + 0.3 * rate) / (seen + 0.3)


def _mean_nearby(chance: np.ndarray, period: int) -> np.ndarray:
    """Return the mean probability of all steps up to four periods away from each step.

    A cadence must explain more than this, which explains repeats that are more frequent in a part
    of the shot.
    """
    window = np.ones(8 * period + 1)
    window[4 * period] = 0
    reach = slice(4 * period, 4 * period + len(chance))
    total = np.convolve(chance, window)[reach]
    seen = np.convolve(np.ones(len(chance)), window)[reach]
    return (total + 0.3 * chance.mean()) / (seen + 0.3)


def _logistic(value: np.ndarray) -> np.ndarray:
    """Return the probabilities, 0..1, of log odds."""
    return 1 / (1 + np.exp(-np.clip(value, -40, 40)))


def split_in_two(score: np.ndarray) -> np.ndarray:
    """Return the probabilities to belong to the upper of two groups of scores (by 2-means)."""
    low, high = np.percentile(score, (20, 95))
    for _ in range(20):
        upper = score > (low + high) / 2
        low = score[~upper].mean() if not upper.all() else low
        high = score[upper].mean() if upper.any() else high
    return _logistic((score - (low + high) / 2) * 4 / max(high - low, 0.5))

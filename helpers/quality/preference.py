"""Rank choices by which of two a person prefers, with how sure that is.

ranking = rank_preferences(["a", "b", "c"], [("a", "b", 1.0), ("b", "c", 0.5)])
ranking.rows[0].label, ranking.rows[0].share, ranking.rows[0].low, ranking.rows[0].high
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_PRIOR = 1.5
"""The standard deviation, in logits, of how good a choice is before anybody answered. With it, a
choice that won its only pair is preferred in 7 of 10 cases, and not in all."""


@dataclass(frozen=True)
class Preferred:
    """How much one choice is preferred.

    Attributes:
        label: its name.
        share: how often it is expected to be preferred to another of the choices, 0..1.
        low, high: the 95 % interval of that.
        wins, shown: how often it was preferred, and how often it was shown; a tie is half a win.
    """

    label: str
    share: float
    low: float
    high: float
    wins: float
    shown: int


@dataclass(frozen=True)
class Preferences:
    """The choices, the most preferred first."""

    rows: tuple[Preferred, ...]

    @property
    def sentence(self) -> str:
        """The result in a sentence."""
        best, answers = self.rows[0], sum(row.shown for row in self.rows) // 2
        if not answers:
            return "Nothing was answered yet."
        equal = [row.label for row in self.rows[1:] if row.high > best.low]
        also = f", but {', '.join(equal)} cannot be told from it yet" if equal else ""
        return f"You prefer {best.label}{also} ({answers} answers)."

    def __repr__(self) -> str:
        lines = [
            f"{row.label:<32} preferred in {row.share:.0%} ({row.low:.0%} to {row.high:.0%})"
            for row in self.rows
        ]
        return "\n".join([self.sentence, *lines])


def rank_preferences(
    labels: Sequence[str], answers: Sequence[tuple[str, str, float]]
) -> Preferences:
    """Rank choices by the model of Bradley and Terry (1952).

    Args:
        labels: the choices.
        answers: for each pair that was shown, both labels, and 1 if the first was preferred, 0 if
            the second was, 0.5 if neither.
    """
    place = {label: number for number, label in enumerate(labels)}
    pairs = [(place[a], place[b], won) for a, b, won in answers]
    worth, spread = _fit(len(labels), pairs)
    rows = []
    for label, n in place.items():
        edges = [worth[n] + k * spread[n] for k in (-1.96, 0.0, 1.96)]
        low, share, high = (_chance(edge, np.delete(worth, n)) for edge in edges)
        shown = [won if a == n else 1 - won for a, b, won in pairs if n in (a, b)]
        rows.append(Preferred(label, share, low, high, sum(shown), len(shown)))
    return Preferences(tuple(sorted(rows, key=lambda row: -row.share)))


def _chance(worth: float, others: np.ndarray) -> float:
    """Return how often a choice is preferred to the others, on average."""
    return float(np.mean(1 / (1 + np.exp(others - worth)))) if len(others) else 1.0


def _fit(count: int, pairs: Sequence[tuple[int, int, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Return how good each choice is, in logits, and the standard deviation of that.

    Newton's method on the logarithm of the posterior; its curvature gives the deviations (Laplace).
    """
    worth = np.zeros(count)
    curvature = np.eye(count) / _PRIOR**2
    for _ in range(30):
        slope, curvature = -worth / _PRIOR**2, np.eye(count) / _PRIOR**2
        for a, b, won in pairs:
            chance = 1 / (1 + np.exp(worth[b] - worth[a]))
            slope[a] += won - chance
            slope[b] -= won - chance
            weight = chance * (1 - chance)
            curvature[[a, b], [a, b]] += weight
            curvature[[a, b], [b, a]] -= weight
        step = np.linalg.solve(curvature, slope)
        worth = worth + step
        if np.abs(step).max() < 1e-9:
            break
    return worth, np.sqrt(np.diag(np.linalg.inv(curvature)))

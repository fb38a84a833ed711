"""Ranking by which of two a person prefers."""

import numpy as np
import pytest

from helpers.quality.preference import rank_preferences


def test_who_wins_more_is_preferred_more():
    answers = [("a", "b", 1.0), ("b", "c", 1.0), ("a", "c", 1.0)] * 4
    found = rank_preferences(["c", "b", "a"], answers)
    assert [row.label for row in found.rows] == ["a", "b", "c"]
    assert found.rows[0].share > 0.8 and found.rows[0].wins == 8 and found.rows[0].shown == 8
    assert "You prefer a" in found.sentence and "12 answers" in found.sentence


def test_more_answers_are_surer():
    few = rank_preferences(["a", "b"], [("a", "b", 1.0)] * 2).rows[0]
    many = rank_preferences(["a", "b"], [("a", "b", 1.0)] * 20).rows[0]
    assert many.high - many.low < few.high - few.low
    assert few.low < 0.5 < few.share < many.share < 1


def test_ties_and_no_answers_leave_it_open():
    for answers in ([], [("a", "b", 0.5)] * 6):
        rows = rank_preferences(["a", "b"], answers).rows
        assert rows[0].share == rows[1].share == pytest.approx(0.5)
    assert "Nothing was answered" in rank_preferences(["a", "b"], []).sentence
    tied = rank_preferences(["a", "b"], [("a", "b", 0.5)] * 6)
    assert "cannot be told" in tied.sentence


def test_a_known_worth_is_found_again():
    dice, worth = np.random.default_rng(0), {"a": 1.0, "b": 0.0, "c": -1.0}
    answers = []
    for _ in range(400):
        one, two = dice.choice(list(worth), 2, replace=False)
        chance = 1 / (1 + np.exp(worth[two] - worth[one]))
        answers.append((str(one), str(two), float(dice.random() < chance)))
    found = {row.label: row for row in rank_preferences(list(worth), answers).rows}
    for label, true in worth.items():
        others = [value for name, value in worth.items() if name != label]
        share = np.mean([1 / (1 + np.exp(other - true)) for other in others])
        assert found[label].low - 0.03 < share < found[label].high + 0.03

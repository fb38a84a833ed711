"""The benchmark of judging."""

from benchmarks.quality.judge import kendall


def test_the_order_of_pairs_is_compared():
    right = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert kendall(right, right, 0) == 1
    assert kendall(right, {"a": 1, "b": 2, "c": 3}, 0) == -1
    assert kendall(right, {"a": 3, "b": 1, "c": 2}, 0) == 1 / 3
    assert kendall({"a": 3, "b": 2.95, "c": 1}, {"a": 2, "b": 3, "c": 1}, 0.1) == 1

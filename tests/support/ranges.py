"""Ranges of a film that was read."""

from __future__ import annotations

from tests.support.law import same

RANGES = [(0, 1), (17, 25), (20, 21), (33, 34), (40, 44), (58, 60), (30, 30)]


def assert_ranges_equal_the_whole(clip, ranges):
    whole = list(clip)
    for start, stop in ranges:
        assert same(clip.frames(start, stop), whole[start:stop]), (start, stop)


def shares(clip):
    """Give some ranges of a clip of any length."""
    n = len(clip)
    starts = {0, n // 4, n // 3, n // 2, n * 3 // 4, n - 1}
    return [(start, min(start + 3, n)) for start in starts]

"""Trimming, and a constant rate."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.retime import ConstantRate, Trim
from helpers.stages.interpolate.stage import Interpolate
from tests.support.law import varying_clip


def steady(count, fps, begin=Fraction(0), size=16):
    """A film at a constant rate of which no frame is like another."""
    clip = varying_clip(count, size, size, cuts=(), still=True)
    times = [begin + number / Fraction(fps) for number in range(count + 1)]
    return MemoryClip(clip.images, times[:-1], times[-1])


@pytest.mark.parametrize("kind", [Interpolate, ConstantRate])
def test_a_plain_number_is_as_exact_as_a_fraction(kind):
    assert kind(fps=24) == kind(fps=Fraction(24)) == kind(fps="24")
    assert all(isinstance(time, Fraction) for time in kind(fps=24)(steady(3, 5)).times)
    assert kind(fps=24).recipe() == kind(fps=Fraction(24)).recipe()


def test_trimming_to_plain_seconds_is_exact():
    assert Trim(0.1, 2) == Trim(Fraction(1, 10), Fraction(2))  # type: ignore[arg-type]
    assert Trim(2, 0) == Trim(2)  # type: ignore[arg-type]
    assert Trim(0.1, 2).recipe() == Trim(Fraction(1, 10), Fraction(2)).recipe()  # type: ignore[arg-type]


def test_trimming_to_nothing_says_where_the_film_is():
    with pytest.raises(StageError, match=r"No frame .* from 0.00 s to 2.00 s"):
        len(Trim(Fraction(5))(steady(10, 5)))


def test_a_constant_rate_shows_what_a_player_would():
    source = varying_clip()
    for frame in ConstantRate(Fraction(7))(source):
        assert np.array_equal(frame.image, source.at(frame.time).image)

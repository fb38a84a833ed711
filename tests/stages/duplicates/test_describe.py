"""A cadence is said in words."""

import numpy as np
import pytest

from helpers.stages.duplicates.decisions import find_duplicates
from helpers.stages.duplicates.describe import find_period
from tests.support.cadences import ORDERS, film

SAID = {
    "none": "no repeats",
    "simple": "21.6 of 24 frames per second are new: 1 in 10 is a repeat",
    "12 in 24": "12 of 24 frames per second are new: every frame is shown twice",
    "8 in 24": "8 of 24 frames per second are new: every frame is shown 3 times",
    "16 in 24": "16 of 24 frames per second are new: frames are shown twice and once, alternately",
    "18 in 24": "18 of 24 frames per second are new: frames are shown twice, once and once",
    "18 in 25": "17.28 of 24 frames per second are new: 7 in 25 are repeats",
    "24 in 30": "19.2 of 24 frames per second are new: frames are shown twice, once, once and",
    "3:2": "9.6 of 24 frames per second are new: frames are shown 3 times and twice, alternately",
    "through one": "21.6 of 24 frames per second are new: 1 in 10 is a repeat",
    "through two": "21.6 of 24 frames per second are new: 1 in 10 is a repeat",
    "reversed": "8 of 56 frames are repeats, in no regular order",
}


@pytest.mark.parametrize("name", ORDERS)
def test_the_cadence_is_said_in_words(name):
    found = find_duplicates(film(ORDERS[name]))
    assert found.cadences()[0].startswith(SAID[name])
    if name.startswith("through"):
        assert f"of the frame {2 if name == 'through one' else 3} back" in found.summary()


def test_a_period_is_one_only_if_it_goes_on():
    assert find_period([True, False] * 20) == 2
    assert find_period([True] * 40) == 0
    dice = np.random.default_rng(3)
    assert find_period(list(dice.random(80) > 0.2)) == 0

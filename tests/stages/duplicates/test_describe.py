"""A cadence is said in words."""

import numpy as np

from helpers.stages.duplicates.decisions import find_duplicates
from helpers.stages.duplicates.describe import find_period
from tests.support.cadences import ORDERS, film


def test_the_cadence_is_said_in_words():
    said = {name: find_duplicates(film(order)).cadences()[0] for name, order in ORDERS.items()}
    assert said["none"] == "no repeats"
    assert said["12 in 24"] == "12 of 24 frames per second are new: every frame is shown twice"
    assert said["16 in 24"].startswith(
        "16 of 24 frames per second are new: frames are shown twice and"
    )
    assert "shown 3 times and twice, alternately" in said["3:2"]
    assert said["18 in 25"].startswith("17.28 of 24 frames per second are new")
    assert "of the frame 2 back" in find_duplicates(film(ORDERS["through one"])).summary()


def test_a_period_is_one_only_if_it_goes_on():
    assert find_period([True, False] * 20) == 2
    assert find_period([True] * 40) == 0
    dice = np.random.default_rng(3)
    assert find_period(list(dice.random(80) > 0.2)) == 0

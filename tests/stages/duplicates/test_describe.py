"""A cadence is said in words."""

import numpy as np

from helpers.stages.duplicates.decisions import find_duplicates
from helpers.stages.duplicates.describe import period_of
from tests.support.cadences import ORDERS, film


def test_the_cadence_is_said_in_words():
    said = {name: find_duplicates(film(order)).cadences()[0] for name, order in ORDERS.items()}
    assert said["none"] == "no repeats"
    assert said["12 in 24"] == "12 new frames in 24 a second: every frame is shown twice"
    assert said["16 in 24"].startswith("16 new frames in 24 a second: frames are shown twice and")
    assert "shown 3 times and twice by turns" in said["3:2"]
    assert said["18 in 25"].startswith("17.28 new frames in 24 a second")
    assert "through 1 other" in find_duplicates(film(ORDERS["through one"])).summary()


def test_a_period_is_one_only_if_it_goes_on():
    assert period_of([True, False] * 20) == 2
    assert period_of([True] * 40) == 0
    dice = np.random.default_rng(3)
    assert period_of(list(dice.random(80) > 0.2)) == 0

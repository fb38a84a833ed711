"""A shot shows what its own repeats are like."""

import numpy as np
import pytest

from helpers.stages.duplicates.bimodal import find_separate_repeats


def groups(low_share: float, wobble: float = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, lowness and progress of 80 steps, every eighth of which is low and covers so much."""
    dice = np.random.default_rng(5)
    low = np.arange(80) % 8 == 7
    lowness = np.where(low, 4.0, 0.0) + 0.6 * dice.standard_normal(80)
    share = np.where(low, low_share + wobble * (-1) ** (np.arange(80) // 8), 1 / 3)
    way = 20 + 5 * dice.random(80)
    return 2 * lowness - 6, lowness, np.stack([share * way, way, way / 4], axis=1)


def test_a_shot_shows_what_its_repeats_are_like():
    chance = find_separate_repeats(*groups(0.01))
    assert chance is not None
    assert (np.flatnonzero(chance > 0.8) == np.arange(7, 80, 8)).all()


@pytest.mark.parametrize(
    "steps",
    [
        groups(0.2),  # low, and they go on: the film pauses
        groups(0.0, wobble=0.15),  # to and fro: the camera shakes
        tuple(part[:10] for part in groups(0.01)),  # too short to show anything
    ],
    ids=["pause", "shake", "short"],
)
def test_low_steps_that_go_somewhere_are_no_repeats(steps):
    assert find_separate_repeats(*steps) is None

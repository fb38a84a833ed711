"""Deciding what repeats from what was measured."""

import numpy as np

from helpers.stages.duplicates.decide import decide
from helpers.stages.duplicates.features import FeatureCollector
from tests.support.cadences import cadence, film


def test_what_cannot_be_compared_does_not_spoil_the_rest():
    likeness = FeatureCollector()
    for number, frame in enumerate(film(cadence(2)).frames()):
        likeness.add(frame.image, new_shot=number in (0, 41))
    with np.errstate(invalid="raise", divide="raise"):
        verdict = decide(likeness.measures())
    assert np.isfinite(verdict.chance).all()
    assert not verdict.repeat[41]
    assert verdict.repeat[1:40:2].all()

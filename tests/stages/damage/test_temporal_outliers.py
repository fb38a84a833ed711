"""What is taken for damage: only what its neighbours in time contradict."""

from __future__ import annotations

import cv2
import numpy as np

from helpers.stages.damage import alignment
from helpers.stages.damage.temporal_outliers import find_dust, keep_credible
from tests.support.worn_films import panning

# --- the parts ----------------------------------------------------------------------------------


def test_flicker_between_frames_is_matched_not_repaired():
    here = panning(1)[0].astype(np.float32)[..., 0]
    assert np.allclose(here, here - 9 + alignment.brightness_offset(here, here - 9), atol=0.01)
    seen = [one + alignment.brightness_offset(here, one) for one in (here - 9, here + 7)]
    assert not find_dust(here, seen, (-1, 1)).any()


def test_damage_is_believed_only_where_the_witnesses_show_its_surroundings():
    noise = np.random.default_rng(1).normal(size=(64, 64)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    seen = 100 + 40 * smooth / smooth.std()
    mask = np.zeros((64, 64), bool)
    mask[30:34, 30:34] = True
    here = np.where(mask, seen + 20, seen)
    assert np.array_equal(keep_credible(mask, here, [seen, seen], one_sided=False), mask)
    assert np.array_equal(keep_credible(mask, here, [seen, seen], one_sided=True), mask)
    for shift in (9, -9):  # brought to the wrong place
        elsewhere = [np.roll(seen, shift, 1)] * 2
        assert not keep_credible(mask, here, elsewhere, one_sided=False).any()
    weak = np.where(mask, seen + 8, seen)  # one side never saw what has just come into view
    assert keep_credible(mask, weak, [seen, seen], one_sided=False).any()
    assert not keep_credible(mask, weak, [seen, seen], one_sided=True).any()


def test_nothing_is_damaged_where_nothing_is_found():
    here, mask = np.full((5, 5), 9, np.float32), np.zeros((5, 5), bool)
    assert not keep_credible(mask, here, [here, here], one_sided=False).any()

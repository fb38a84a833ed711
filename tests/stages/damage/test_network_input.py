"""What the network is shown of a frame and its neighbours."""

from __future__ import annotations

import numpy as np

from helpers.imaging.luma import opencv_luma
from helpers.stages.damage.network_input import (
    AGAIN,
    ASTRAY,
    DUST,
    EVIDENCE,
    HERE,
    SIDES,
    UNMOVED,
    WITNESSES,
)
from tests.support.cleaner_samples import shown
from tests.support.worn_films import dusty, panning


def test_the_network_is_shown_what_is_known():
    clean = panning()
    worn, mask = dusty(clean)
    planes = shown(worn)
    assert planes.shape == (EVIDENCE, 64, 96) and planes.dtype == np.float32
    luma = opencv_luma(worn[4]) / 255
    assert np.array_equal(planes[HERE], luma)
    middle = (slice(8, -8), slice(12, -12))
    truth = opencv_luma(clean[4])[middle] / 255
    for aligned in (*planes[WITNESSES], *shown(clean)[AGAIN]):
        assert np.abs(aligned[middle] - truth).mean() < 0.01
    before = opencv_luma(worn[3]) / 255
    assert np.abs(planes[UNMOVED][0] - before).mean() < 0.01
    assert planes[DUST][mask].mean() > 0.9 and planes[DUST][~mask].mean() < 0.01
    assert shown(clean)[ASTRAY][:, 8:-8, 12:-12].max() < 0.1 and planes[ASTRAY].max() <= 1
    assert planes[SIDES].all() and not shown(worn, 0)[SIDES].any()

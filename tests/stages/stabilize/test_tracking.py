"""Following the picture from frame to frame."""

import numpy as np

from helpers.stages.stabilize.tracking import Motion, Tracker


def test_a_tracker_says_when_it_does_not_know():
    tracker = Tracker()
    for _ in range(2):
        assert tracker.track(np.full((100, 100, 3), 50, np.uint8)) == Motion()
        assert not tracker.sure

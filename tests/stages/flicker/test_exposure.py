"""Light that is put on a picture keeps its highlights and hues."""

import numpy as np

from helpers.stages.flicker.exposure import KNOTS, Light, apply_light


def test_highlights_are_not_clipped_and_hues_do_not_turn():
    image = np.array([[[250, 120, 40], [255, 255, 255], [0, 0, 0], [60, 200, 90]]], np.uint8)
    made = apply_light(image, Light(np.full(18, 30.0) * (1 - KNOTS / 255), np.zeros((3, 4))))
    assert (made.reshape(-1, 3).argsort() == image.reshape(-1, 3).argsort()).all()
    assert made[0, 0, 0] < 255 or made[0, 0, 1] > 120
    assert (made[0, 1] == 255).all()

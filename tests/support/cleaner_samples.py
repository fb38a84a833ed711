"""Samples for training the cleaner, and what it is shown of pictures."""

from __future__ import annotations

import cv2
import numpy as np

from helpers.stages.damage.frame_repair import ShotFrame
from helpers.stages.damage.pipeline import FilmCleaning
from helpers.training.cleaner.samples import Maker


def shown(images, number=4):
    """Return what the network is shown of one of some pictures."""
    window = [ShotFrame(image) for image in images]
    work = FilmCleaning(None, 2, lines=False).prepare(window, number)
    assert work is not None
    return work.evidence()


# --- training -----------------------------------------------------------------------------------


def small_maker(size=48):
    noise = np.random.default_rng(1).normal(size=(200, 200)).astype(np.float32)
    picture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    overlay = cv2.circle(np.zeros((60, 60), np.uint8), (30, 30), 12, 255, -1)
    return Maker([picture.astype(np.uint8)], [overlay], size)

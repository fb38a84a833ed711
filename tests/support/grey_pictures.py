"""Grey pictures to put through networks that colour."""

import cv2
import numpy as np
import torch


def noise():
    """A grey picture, (1, 1, 64, 64) in [0, 1]."""
    return torch.from_numpy(np.random.default_rng(5).random((1, 1, 64, 64), np.float32))


def grey_frames(count, height=40, width=60):
    """Grey pictures with something in them, float32 in [0, 1]."""
    dice = np.random.default_rng(3)
    coarse = dice.random((count, 5, 7), np.float32)
    return [cv2.resize(plane, (width, height)) for plane in coarse]

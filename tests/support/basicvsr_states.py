"""Generated weights for RealBasicVSR, and films to put through it."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from helpers.nn.state_dict import expected_shapes
from helpers.stages.upscale.basicvsr_network import RealBasicVsr, Size

SMALL = Size(channels=8, cleaning=2, propagation=2)
"""A network of the same kind that is quick."""


def generated_basicvsr(size=SMALL, seed=0, pixels=1.0, cleaning=0.02):
    """Make weights that NumPy's generator draws alike on every machine.

    `pixels` is about how far every level of SPyNet changes the motion, in pixels of its own;
    `cleaning` about how much of full white the cleaning changes.
    """
    dice = np.random.default_rng(seed)
    state = {}
    for name, shape in expected_shapes(lambda: RealBasicVsr(size)).items():
        drawn = dice.standard_normal(shape).astype(np.float32)
        if name.endswith("mean"):
            drawn = np.float32([0.485, 0.456, 0.406]).reshape(shape)
        elif name.endswith("std"):
            drawn = np.float32([0.229, 0.224, 0.225]).reshape(shape)
        elif name.endswith("bias"):
            drawn *= 0.02
        else:
            # As the authors begin: what residual blocks add is small.
            gain = 0.2 if ".conv2." in name else 1.0 if ".main.0." in name else 1.4
            drawn *= gain / np.sqrt(np.prod(shape[1:]))
        if "spynet" in name and shape[0] == 2:
            drawn *= pixels
        if name.startswith("image_cleaning.1."):
            drawn *= cleaning
        if "conv_last" in name:
            drawn *= 0.1
        state[name] = torch.from_numpy(np.ascontiguousarray(drawn))
    return state


def sequence(count, height, width, dtype=np.uint8, seed=0):
    """Make a textured film that moves by 2 pixels across and 1 down a frame, with some noise."""
    dice = np.random.default_rng(seed)
    noise = dice.normal(size=(height + count, width + 2 * count, 3))
    ground = cv2.GaussianBlur(noise, (0, 0), 2).reshape(noise.shape)
    ground = 128 + 50 * ground / max(ground.std(), 1e-6)
    top = np.iinfo(dtype).max
    film = []
    for number in range(count):
        picture = ground[number : number + height, 2 * number : 2 * number + width]
        picture = picture + dice.normal(scale=4, size=picture.shape)
        film.append(np.rint(np.clip(picture, 0, 255) * (top / 255)).astype(dtype))
    return film

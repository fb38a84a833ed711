"""Generated weights for RIFE: as large as it takes for motion of several pixels and a real mask."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from helpers.stages.interpolate.rife_network import VERSIONS
from helpers.stages.interpolate.rife_weights import version_shapes


def generated_state(version, seed=0, pixels=4.0):
    """Make weights that NumPy's generator draws alike on every machine.

    `pixels` is about how far the blocks together make the picture move.
    """
    dice = np.random.default_rng(seed)
    steps = VERSIONS[version].steps
    state = {}
    for name, shape in version_shapes(version).items():
        drawn = dice.standard_normal(shape).astype(np.float32)
        if name.endswith("beta"):
            drawn = 1 + 0.2 * drawn
        elif name.endswith("bias"):
            drawn *= 0.1
        elif "lastconv" in name:
            step = steps[int(name[5])]
            drawn /= np.sqrt(4 * shape[0])
            drawn[:, :16] *= pixels / step / 2
        elif "cnn3" in name:
            drawn /= np.sqrt(4 * shape[0])
        else:
            gain = 0.3 if "convblock" in name else 1.4
            drawn *= gain / np.sqrt(np.prod(shape[1:]))
        state[name] = torch.from_numpy(np.ascontiguousarray(drawn))
    return state


def pictures(height, width, dtype=np.uint8, seed=0):
    """Make a textured pair in which the whole moves and a square moves otherwise."""
    noise = np.random.default_rng(seed).normal(size=(height + 32, width + 32, 3))
    noise = cv2.GaussianBlur(noise, (0, 0), 2).reshape(height + 32, width + 32, 3)
    ground = 128 + 60 * noise / max(noise.std(), 1e-6)
    pair = []
    for shift in (0, 6):
        picture = ground[shift : shift + height, 2 * shift : 2 * shift + width].copy()
        picture[height // 3 : height // 2, width // 4 + shift : width // 2 + shift] = (220, 40, 90)
        pair.append(picture)
    top = np.iinfo(dtype).max
    return [np.rint(np.clip(picture, 0, 255) * (top / 255)).astype(dtype) for picture in pair]

"""Generated weights for FILM: as large as it takes for motion of several pixels."""

from __future__ import annotations

import numpy as np
import torch

from helpers.nn.state_dict import expected_shapes
from helpers.stages.interpolate.film_network import FilmNet


def generated_film(seed=0, pixels=0.3):
    """Make weights that NumPy's generator draws alike on every machine.

    `pixels` is about how far every level changes the motion, in pixels of its own.
    """
    dice = np.random.default_rng(seed)
    state = {}
    for name, shape in expected_shapes(FilmNet).items():
        drawn = dice.standard_normal(shape).astype(np.float32)
        if name.endswith("bias"):
            drawn *= 0.1 if "output_conv" not in name else 0
        else:
            drawn *= 1.4 / np.sqrt(np.prod(shape[1:]))
        if "predict_flow" in name and shape[0] == 2:
            drawn *= pixels
        if name == "fuse.output_conv.weight":
            drawn *= 0.1
        if name == "fuse.output_conv.bias":
            drawn += 0.5
        state[name] = torch.from_numpy(drawn)
    return state

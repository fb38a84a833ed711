"""Generated weights for ECCV16 and SIGGRAPH17."""

import numpy as np
import torch

from helpers.nn.state_dict import expected_shapes
from helpers.stages.colorize.zhang_network import Eccv16Net, Siggraph17Net

NETWORKS = {"eccv16": Eccv16Net, "siggraph17": Siggraph17Net}

# How much larger than others some weights are, for colours as strong as a picture's.
LOUDNESS = {"model8.6.weight": 2, "model_out.weight": 10, "model_out.0.weight": 0.07}

SIDE_EXIT = {"model_class.0.weight": (529, 256, 1, 1), "model_class.0.bias": (529,)}


def official_shapes(name):
    """The names and shapes in the authors' files, those that are not used too."""
    return expected_shapes(NETWORKS[name]) | (SIDE_EXIT if name == "siggraph17" else {})


def generated_zhang(name, seed=0):
    """Weights under the official names that NumPy's generator draws alike on every machine."""
    dice = np.random.default_rng(seed)
    state = {}
    for key, shape in official_shapes(name).items():
        drawn = dice.standard_normal(shape, np.float32)
        if len(shape) == 4:  # of a transposed convolution a quarter meets at every pixel
            fan = shape[0] * 4 if "up." in key or key == "model8.0.weight" else np.prod(shape[1:])
            drawn *= np.float32(1.4 / np.sqrt(fan)) * LOUDNESS.get(key, 1)
        elif key.endswith("running_var"):
            drawn = 0.5 + 0.2 * np.abs(drawn)
        elif key.endswith("num_batches_tracked"):
            drawn = np.array(1)
        else:
            norm = key.removesuffix("weight") + "running_var" in official_shapes(name)
            drawn = 0.1 * drawn + (1 if norm and key.endswith("weight") else 0)
        state[key] = torch.from_numpy(np.asarray(drawn))
    return state

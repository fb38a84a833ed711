"""Generated weights for DDColor."""

import numpy as np
import torch

from helpers.nn.state_dict import expected_shapes
from helpers.stages.colorize.ddcolor_network import DDColorNet

TINY = ((96, 192, 384, 768), (3, 3, 9, 3))
LARGE = ((192, 384, 768, 1536), (3, 3, 27, 3))


def official_shapes(widths, depths):
    """The names and shapes in the authors' files, those that are not used too."""
    shapes = expected_shapes(lambda: DDColorNet(widths, depths))
    norm = {f"encoder.arch.norm.{part}": (widths[-1],) for part in ("weight", "bias")}
    return shapes | norm | {"mean": (1, 3, 1, 1), "std": (1, 3, 1, 1)}


def generated_ddcolor(widths=TINY[0], depths=TINY[1], seed=0):
    """Weights under the official names that NumPy's generator draws alike on every machine."""
    dice = np.random.default_rng(seed)
    state = {}
    for name, shape in official_shapes(widths, depths).items():
        drawn = dice.standard_normal(shape, np.float32)
        if name.endswith("running_var"):
            drawn = 0.6 + 0.2 * np.abs(drawn)
        elif name.endswith("num_batches_tracked"):
            drawn = np.array(1)
        elif name.endswith(("gamma", "weight")) and len(shape) == 1:
            drawn = (0.3 if "gamma" in name else 1) + 0.1 * drawn
        elif name.endswith(("weight", "weight_orig", "in_proj_weight")) and len(shape) > 1:
            if "_embed.weight" not in name and "query_feat" not in name:
                drawn *= 1.4 / np.sqrt(np.prod(shape[1:]))
            if "color_embed.layers.2" in name:
                drawn *= 12  # for colours as strong as a picture's
        elif not name.endswith(("weight_u", "weight_v")):
            drawn *= 0.1
        state[name] = drawn
    for name in [name for name in state if name.endswith("weight_orig")]:
        singular(state, name.removesuffix("_orig"))
    state |= {"mean": np.array([0.485, 0.456, 0.406], np.float32).reshape(1, 3, 1, 1)}
    state |= {"std": np.array([0.229, 0.224, 0.225], np.float32).reshape(1, 3, 1, 1)}
    return {name: torch.from_numpy(np.asarray(value)) for name, value in state.items()}


def singular(state, name):
    """Bring the two vectors of a spectral norm near what training would have left."""
    weight = state[f"{name}_orig"].reshape(len(state[f"{name}_orig"]), -1)
    u = state[f"{name}_u"]
    for _ in range(3):
        v = u @ weight
        v /= np.linalg.norm(v)
        u = weight @ v
        u /= np.linalg.norm(u)
    state[f"{name}_u"], state[f"{name}_v"] = u, v

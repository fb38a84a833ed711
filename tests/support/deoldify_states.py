"""Generated weights for DeOldify in the form of its files, and grey pictures to put through it."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from helpers.nn.state_dict import expected_shapes
from helpers.stages.colorize.deoldify_network import DeoldifyNet


def official_shapes(wide):
    """Return the name and shape of every tensor in an official file, in no order.

    Convolutions after the ResNet are kept in parts: by spectral norm, but one by weight norm.
    """
    shapes = {}
    for name, shape in expected_shapes(lambda: DeoldifyNet(wide)).items():
        if name.startswith("layers.0.") or len(shape) < 3:
            shapes[name] = shape
        elif name.startswith("layers.8."):
            shapes |= {f"{name}_g": (shape[0], 1, 1, 1), f"{name}_v": shape}
        else:
            inputs = int(np.prod(shape[1:]))
            shapes |= {f"{name}_orig": shape, f"{name}_u": shape[:1], f"{name}_v": (inputs,)}
    return shapes


def generated_deoldify(wide, seed=0):
    """Make an official file's weights that NumPy's generator draws alike on every machine.

    What runs through the network keeps about one size, and no result is at a limit.
    """
    dice = np.random.default_rng(seed)

    def drawn(shape):
        return torch.from_numpy(dice.standard_normal(shape, np.float32))

    state = {}
    for name, shape in official_shapes(wide).items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1000)
        elif name.endswith(("weight_u", "weight_v")) and len(shape) == 1:
            continue  # these follow from the weight
        elif name.endswith("running_mean"):
            state[name] = usual(name)[0] + 0.1 * drawn(shape)
        elif name.endswith("running_var"):
            state[name] = usual(name)[1] * (0.1 * drawn(shape)).exp()
        elif name.endswith("gamma"):
            state[name] = torch.full(shape, 0.5)
        elif name.endswith(("bias", "weight_g")) or len(shape) < 3:
            middle = 1.0 if "weight" in name else 0.0
            middle = (
                (0.1 if wide else 0.3) if ends_a_block(name, wide) and "weight" in name else middle
            )
            state[name] = middle + 0.1 * drawn(shape)
        else:
            gain = 1.4 if name.startswith("layers.0.") else 3.0
            state[name] = drawn(shape) * (gain / np.sqrt(np.prod(shape[1:])))
    for name in [name for name in state if name.endswith("_orig")]:
        stem, weight = name.removesuffix("_orig"), state[name].flatten(1)
        u = torch.nn.functional.normalize(drawn((len(weight),)), dim=0)
        state[f"{stem}_u"] = u
        state[f"{stem}_v"] = torch.nn.functional.normalize(weight.T @ u, dim=0)
    return state


def usual(name):
    """Return the mean and the variance of what a norm is given: of ReLUs, or even around 0."""
    after_relu = name.startswith(("layers.3.", "layers.4.", "layers.5.", "layers.6.", "layers.7."))
    return (0.4, 0.34) if after_relu and "shuf" not in name else (0.0, 1.0)


def ends_a_block(name, wide):
    """Tell whether a norm is the last before a ResNet's block is added to what went around it."""
    return name.startswith("layers.0.") and f".bn{3 if wide else 2}." in name


def grey(height, width, seed=0):
    """Make a grey picture, float32 in [0, 1], with large forms and small ones."""
    dice = np.random.default_rng(seed)
    noise = (
        cv2.GaussianBlur(dice.normal(size=(height, width)), (0, 0), sigma).reshape(height, width)
        for sigma in (1, 4, 16)
    )
    sum_of_all = sum(layer / max(layer.std(), 1e-6) for layer in noise)
    return np.clip(0.5 + 0.15 * sum_of_all, 0, 1).astype(np.float32)

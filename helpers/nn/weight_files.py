"""Read files of weights, without executing anything that they contain.

state = read_state([Path("RealESRGAN_x4plus.pth")])
state = read_state([Path("realesrgan-x4plus.bin"), Path("realesrgan-x4plus.param")])
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from helpers.errors import ModelError

_WRAPPERS = ("params_ema", "params", "state_dict", "model", "model_state_dict", "generator")
"""The keys under which training programs save the weights, the best first."""


def read_state(paths: list[Path]) -> dict[str, Any]:
    """Read weights into a state dict, without executing anything in the file.

    Args:
        paths: one .pth, .pt, .pkl, .ckpt, .bin or .safetensors file; or an ncnn .bin and its
            .param.

    Raises:
        ModelError: the file is damaged, or contains more than weights.
    """
    path = paths[0]
    try:
        if len(paths) == 2:
            from helpers.nn.ncnn_weights import ncnn_state

            return ncnn_state(paths[1], path)
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise errors of many kinds
        said = " ".join(str(error).split())[:160]
        raise ModelError(
            f"{path} cannot be read as weights ({said}). It must be a .safetensors file, or a .pth "
            "file that contains only tensors. Download it again, or ask its author for such a file."
        ) from error
    return _unwrap(found, path)


def _unwrap(found: Any, path: Path) -> dict[str, Any]:
    """Return the weights in what a training program saved."""
    while isinstance(found, dict):
        if found and all(isinstance(value, torch.Tensor) for value in found.values()):
            return found
        inner = next((found[key] for key in _WRAPPERS if isinstance(found.get(key), dict)), None)
        if inner is None:
            break
        found = inner
    raise ModelError(
        f"{path} does not contain weights, but an object of the type {type(found).__name__}"
        + (f" with {', '.join(map(str, list(found)[:5]))}" if isinstance(found, dict) else "")
        + ". It must contain a state dict: tensors by name."
    )

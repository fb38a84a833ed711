"""Reading RIFE's weights from every file they come in, and telling the versions apart.

state = read_rife(Path("flownet_v4.25.pkl"))
rife_version(state)                             # "4.25"
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from helpers.engines.ncnn_weights import rife_state
from helpers.engines.rife_network import VERSIONS, IFNet
from helpers.errors import ModelError

PREFIXES = ("module.", "flownet.")
"""What training wrappers put in front of every name."""

TRAINING = ("teacher.", "caltime.", "block_tea.", "contextnet.", "unet.")
"""Parts that were used in training only, or by no version here, and are left out by name."""


def read_rife(path: Path) -> dict[str, Any]:
    """Read the weights of RIFE under their official names.

    Args:
        path: a .pkl, .pth or .pt of PyTorch, a .safetensors, or ncnn's flownet.bin with its
            .param beside it.

    Raises:
        ModelError: the file is of another kind or damaged.
    """
    readers = {".bin": _read_ncnn, ".param": _read_ncnn, ".safetensors": _read_safetensors}
    try:
        return official_names(readers.get(path.suffix, _read_pickle)(path))
    except ModelError:
        raise
    except Exception as error:  # every reader has its own errors for damaged files
        # PyTorch's own message advises to load the pickle unsafely: nobody should see that.
        reason = f" ({error})" if isinstance(error, (ValueError, OSError)) else ""
        raise ModelError(
            f"{path.name} could not be read as weights{reason}; allowed are .pkl, .pth, "
            ".safetensors and ncnn's .bin with its .param. Download it again."
        ) from error


def _read_pickle(path: Path) -> dict[str, Any]:
    return torch.load(path, map_location="cpu", weights_only=True)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(path)


def _read_ncnn(path: Path) -> dict[str, Any]:
    return rife_state(path.with_suffix(".param"), path.with_suffix(".bin"))


def official_names(state: dict[str, Any]) -> dict[str, Any]:
    """Bring the names of other files to the official ones, and leave training's parts out.

    Known are the wrappers' prefixes `module.` and `flownet.`, and the `blocks.0.` that stands for
    `block0.` in files for ComfyUI.
    """
    named = {}
    for key, tensor in state.items():
        for prefix in PREFIXES:
            key = key.removeprefix(prefix)
        if key.startswith("blocks."):
            key = "block" + key.removeprefix("blocks.")
        if not key.startswith(TRAINING):
            named[key] = tensor
    return named


def expected_shapes(version: str) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight of a version."""
    with torch.device("meta"):
        network = IFNet(VERSIONS[version])
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def prepared(state: dict[str, Any], version: str) -> dict[str, torch.Tensor]:
    """Return the weights of a version in float32 under their official names.

    Raises:
        ModelError: the version is unknown; or a weight is missing, misshaped or unknown.
    """
    if version not in VERSIONS:
        raise ModelError(f"RIFE {version} is not known; allowed are {', '.join(VERSIONS)}.")
    named, shapes = official_names(state), expected_shapes(version)
    faults = [f"{name} is missing" for name in shapes if name not in named]
    faults += [
        f"{name} is {tuple(named[name].shape)} instead of {shape}"
        for name, shape in shapes.items()
        if name in named and tuple(named[name].shape) != shape
    ]
    faults += [f"{name} is not known" for name in named if name not in shapes]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ModelError(
            f"These {len(state)} weights are not those of RIFE {version}: "
            f"{', '.join(faults[:3])}{more}. Choose the file that belongs to this version."
        )
    return {name: named[name].to(torch.float32) for name in shapes}


def rife_version(state: dict[str, Any]) -> str:
    """Tell the version that weights belong to.

    4.26 has the same shapes as 4.25 and computes the same; "4.25" is the answer for both.

    Raises:
        ModelError: they are of no version here.
    """
    named = official_names(state)
    found = {name: tuple(getattr(tensor, "shape", ())) for name, tensor in named.items()}
    for version in VERSIONS:
        if expected_shapes(version) == found:
            return version
    blocks = sorted({name.split(".")[0] for name in found})
    raise ModelError(
        f"These {len(found)} weights ({', '.join(blocks[:8]) or 'none'}) are of no version of RIFE "
        f"that is known; allowed are {', '.join(VERSIONS)}."
    )

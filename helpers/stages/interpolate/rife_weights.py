"""RIFE's weights under their official names, whatever file they came in, and of which version.

state = prepared(read, "4.25")
rife_version(state)                             # "4.25"
"""

from __future__ import annotations

from typing import Any

import torch

from helpers.errors import ModelError
from helpers.nn.state_dict import Shapes, check_state, expected_shapes
from helpers.stages.interpolate.rife_network import VERSIONS, IFNet

_PREFIXES = ("module.", "flownet.")
"""What training wrappers put in front of every name."""

_TRAINING = ("teacher.", "caltime.", "block_tea.", "contextnet.", "unet.")
"""Parts that were used in training only, or by no version here, and are left out by name."""


def _rename_weights(state: dict[str, Any]) -> dict[str, Any]:
    """Bring the names of other files to the official ones, and leave training's parts out.

    Known are the wrappers' prefixes `module.` and `flownet.`, and the `blocks.0.` that stands for
    `block0.` in files for ComfyUI.
    """
    named = {}
    for key, tensor in state.items():
        for prefix in _PREFIXES:
            key = key.removeprefix(prefix)
        if key.startswith("blocks."):
            key = "block" + key.removeprefix("blocks.")
        if not key.startswith(_TRAINING):
            named[key] = tensor
    return named


def version_shapes(version: str) -> Shapes:
    """Return the shape of every weight of a version."""
    return expected_shapes(lambda: IFNet(VERSIONS[version]))


def prepare_state(state: dict[str, Any], version: str) -> dict[str, torch.Tensor]:
    """Return the weights of a version in float32 under their official names.

    Raises:
        ModelError: the version is unknown; or a weight is missing, misshaped or unknown.
    """
    if version not in VERSIONS:
        raise ModelError(f"RIFE {version} is not known; allowed are {', '.join(VERSIONS)}.")
    return check_state(_rename_weights(state), version_shapes(version), f"RIFE {version}")


def find_version(state: dict[str, Any]) -> str:
    """Tell the version that weights belong to.

    4.26 has the same shapes as 4.25 and computes the same; "4.25" is the answer for both.

    Raises:
        ModelError: they are of no version here.
    """
    named = _rename_weights(state)
    found = {name: tuple(getattr(tensor, "shape", ())) for name, tensor in named.items()}
    for version in VERSIONS:
        if version_shapes(version) == found:
            return version
    blocks = sorted({name.split(".")[0] for name in found})
    raise ModelError(
        f"These {len(found)} weights ({', '.join(blocks[:8]) or 'none'}) are of no version of RIFE "
        f"that is known; allowed are {', '.join(VERSIONS)}."
    )

"""Give RIFE's weights their official names, and find their version.

state = prepare_state(read, "4.25")
find_version(state)                             # "4.25"
"""

from __future__ import annotations

from typing import Any

import torch

from helpers.errors import ModelError
from helpers.nn.state_dict import Shapes, check_state, expected_shapes
from helpers.stages.interpolate.rife_network import VERSIONS, IFNet

_PREFIXES = ("module.", "flownet.")
"""Prefixes that training wrappers add to every name."""

_TRAINING = ("teacher.", "caltime.", "block_tea.", "contextnet.", "unet.")
"""Prefixes of weights that only training or other versions use; they are ignored."""


def _rename_weights(state: dict[str, Any]) -> dict[str, Any]:
    """Convert names to the official ones, and drop weights that only training uses.

    The prefixes `module.` and `flownet.` of wrappers are removed, and `blocks.0.`, the name in
    files for ComfyUI, becomes `block0.`.
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
    """Return the weights of a version in float32, by their official names.

    Raises:
        ModelError: the version is unknown; or a weight is missing or unknown, or has another shape.
    """
    if version not in VERSIONS:
        raise ModelError(
            f"RIFE {version} is not supported. The supported versions are {', '.join(VERSIONS)}."
        )
    return check_state(_rename_weights(state), version_shapes(version), f"RIFE {version}")


def find_version(state: dict[str, Any]) -> str:
    """Find the version of weights by their names and shapes.

    Those of 4.25 and 4.26 are the same, and so is the network; the result for both is "4.25".

    Raises:
        ModelError: they are not those of a supported version.
    """
    named = _rename_weights(state)
    found = {name: tuple(getattr(tensor, "shape", ())) for name, tensor in named.items()}
    for version in VERSIONS:
        if version_shapes(version) == found:
            return version
    blocks = sorted({name.split(".")[0] for name in found})
    raise ModelError(
        f"These {len(found)} weights ({', '.join(blocks[:8]) or 'none'}) are not those of a "
        f"supported version of RIFE. The supported versions are {', '.join(VERSIONS)}."
    )

"""Check that weights fit a network, by the name and shape of every tensor.

state = check_state(read, expected_shapes(FilmNet), "FILM")
network = build_network(lambda: RealBasicVsr(size), read, "RealBasicVSR")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

from helpers.errors import ModelError

Shapes = dict[str, tuple[int, ...]]
Network = TypeVar("Network", bound=nn.Module)


def expected_shapes(build: Callable[[], nn.Module]) -> Shapes:
    """Return the shape of every weight of a network, without allocating it."""
    return _shapes_of(_build_empty(build))


def _build_empty(build: Callable[[], Network]) -> Network:
    """Make a network on the meta device: its weights have shapes, but no memory and no values."""
    with torch.device("meta"):
        return build()


def _shapes_of(network: nn.Module) -> Shapes:
    """Return the shape of every weight, by name."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def build_network(build: Callable[[], Network], state: dict[str, Any], title: str) -> Network:
    """Build a network with given weights, in float32.

    The weights are assigned, not copied, since some networks take gigabytes.

    Args:
        build: makes the network.
        state, title: see `check_state`.

    Raises:
        ModelError: see `check_state`.
    """
    network = _build_empty(build)
    network.load_state_dict(check_state(state, _shapes_of(network), title), assign=True)
    return network


def check_state(state: dict[str, Any], shapes: Shapes, network: str) -> dict[str, torch.Tensor]:
    """Check weights against a network, and return them in float32.

    Args:
        state: tensors by name.
        shapes: the result of `expected_shapes`.
        network: the name of the network, for messages.

    Raises:
        ModelError: a weight is missing or unknown, or has another shape.
    """
    faults = [f"{name} is missing" for name in shapes if name not in state]
    faults += [
        f"{name} has the shape {tuple(state[name].shape)} instead of {shape}"
        for name, shape in shapes.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    faults += [f"{name} is unknown" for name in state if name not in shapes]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ModelError(
            f"These {len(state)} weights are not those of {network}: {', '.join(faults[:3])}{more}"
            ". Download the file again, or choose the model that it belongs to."
        )
    return {name: state[name].to(torch.float32) for name in shapes}

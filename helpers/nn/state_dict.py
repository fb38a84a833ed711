"""Whether a file's weights are those of a network: every name and shape, said where they are not.

state = fitted(read, expected_shapes(FilmNet), "FILM")
network = filled(lambda: RealBasicVsr(size), read, "RealBasicVSR")
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
    """Return the shape of every weight of a network, without making the network."""
    return _shapes_of(_build_empty(build))


def _build_empty(build: Callable[[], Network]) -> Network:
    """Make a network whose weights have shapes only: no memory is taken, no numbers are drawn."""
    with torch.device("meta"):
        return build()


def _shapes_of(network: nn.Module) -> Shapes:
    """Return the shape of every weight by its name."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def build_network(build: Callable[[], Network], state: dict[str, Any], title: str) -> Network:
    """Return a network that holds these very weights, in float32: some are gigabytes, and none is
    there twice.

    Args:
        build: makes the network.
        state, title: see `fitted`.

    Raises:
        ModelError: see `fitted`.
    """
    network = _build_empty(build)
    network.load_state_dict(check_state(state, _shapes_of(network), title), assign=True)
    return network


def check_state(state: dict[str, Any], shapes: Shapes, network: str) -> dict[str, torch.Tensor]:
    """Return weights in float32.

    Args:
        state: tensors by name.
        shapes: what `expected_shapes` gave.
        network: what to call it in messages.

    Raises:
        ModelError: a weight is missing, misshaped or unknown.
    """
    faults = [f"{name} is missing" for name in shapes if name not in state]
    faults += [
        f"{name} is {tuple(state[name].shape)} instead of {shape}"
        for name, shape in shapes.items()
        if name in state and tuple(state[name].shape) != shape
    ]
    faults += [f"{name} is not known" for name in state if name not in shapes]
    if faults:
        more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ModelError(
            f"These {len(state)} weights are not those of {network}: {', '.join(faults[:3])}{more}"
            ". Fetch the file again, or choose the model that it belongs to."
        )
    return {name: state[name].to(torch.float32) for name in shapes}

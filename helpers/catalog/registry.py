"""The registry of engines. Each registers itself in its own file, below its class:

    @engine("interpolate")
    def load(request: Request, version: str) -> RifeInterpolator:
        return RifeInterpolator(request.state(), version, request.device, request.precision)

A row of the catalogue names that file, "stages.interpolate.rife". It is imported when one of its
models is first used, so that nothing is imported for models that are not used.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from helpers.errors import ModelError

if TYPE_CHECKING:
    import numpy as np

    from helpers.nn.backends import Way
    from helpers.runtime.machine import Runtime

Load = TypeVar("Load", bound=Callable[..., Any])

ROLES = {
    "clean": "removes dust, dirt and scratches",
    "upscale": "enlarges the picture",
    "denoise": "removes noise, blocks and grain",
    "interpolate": "adds frames between frames",
    "colorize": "colours a black-and-white film",
    "sound": "cleans speech",
}
"""The roles of models, and what models of each role do."""

PRECISIONS = ("fp16", "bf16", "fp32")
"""The precisions that a network may support."""


@dataclass(frozen=True)
class Request:
    """The files that an engine is loaded from, and the machine that it will run on.

    Attributes:
        name: the name of the model, for messages.
        scale: the scale of the model; 0 if its row has none.
        paths: its files, in the order of the row; empty for a method that needs none.
        versions: size and modification time of each file, so that a changed file is loaded again.
        device: "cuda", "mps" or "cpu".
        precision: one of those that the engine supports.
        machine: the machine that it will run on.
        backend: how its network is run; see `nn.backends`.
    """

    name: str
    scale: int
    paths: tuple[Path, ...]
    versions: tuple[tuple[int, int], ...]
    device: str
    precision: str
    machine: Runtime = field(compare=False)
    backend: str = "eager"

    @property
    def way(self) -> Way:
        """How its network is run."""
        from helpers.nn.backends import Way

        return Way(self.name, self.backend, self.machine.cache / "compiled")

    @property
    def memory(self) -> Callable[[], int]:
        """A function that returns how many bytes may be used now."""
        return self.machine.free_memory

    def state(self) -> dict[str, Any]:
        """Read the files as one state dict: tensors by name.

        Raises:
            ModelError: a file is damaged, or holds more than weights.
        """
        from helpers.nn.weight_files import read_state

        return read_state(list(self.paths))


@dataclass(frozen=True)
class Probe:
    """How the cost of an engine is measured on one picture of a film.

    Attributes:
        prepare: takes the engine and the picture, (H, W, 3) RGB, and returns the work to be timed.
        whole: true if the time does not depend on the size of the picture. Otherwise only a small
            part of the picture is used, and the time is extrapolated to the whole.
        share: the part of the measured time that one frame takes.
    """

    prepare: Callable[[Any, np.ndarray], Callable[[], object]]
    whole: bool = False
    share: float = 1.0


@dataclass(frozen=True)
class Engine:
    """A kind of network, or of method without weights.

    Attributes:
        place: the file that registered it, as a module of this package.
        load: makes the engine from a `Request`. Its other parameters are the `settings` of a
            model's row and the options of a stage.
        roles: the roles that its models may have; keys of ROLES.
        precisions: the precisions that it supports; it gets fp32 instead of any other. Empty for an
            engine without a PyTorch network, for which the device is not looked up.
        recurrent: it processes many frames together, and each result depends on all of them.
        depth: bits per channel of the pictures that it makes, 8 or 16.
        probe: how its cost is measured; if None, as for its role.
    """

    place: str
    load: Callable[..., Any]
    roles: tuple[str, ...]
    precisions: tuple[str, ...] = PRECISIONS
    recurrent: bool = False
    depth: int = 16
    probe: Probe | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters of `load` after the request."""
        return tuple(inspect.signature(self.load).parameters)[1:]


_engines: dict[str, Engine] = {}


def engine(
    *roles: str,
    precisions: tuple[str, ...] = PRECISIONS,
    recurrent: bool = False,
    depth: int = 16,
    probe: Probe | None = None,
) -> Callable[[Load], Load]:
    """Register a function that loads the engine of its file, as a decorator; see `Engine`.

    Raises:
        ValueError: the file has registered an engine already, no role is given, or a role or a
            precision is unknown.
    """
    if not roles:
        raise ValueError(f"An engine needs at least one role. Choose from {', '.join(ROLES)}.")
    choices = (("role", roles, tuple(ROLES)), ("precision", precisions, PRECISIONS))
    for what, words, known in choices:
        if unknown := [word for word in words if word not in known]:
            raise ValueError(f"There is no {what} {unknown[0]!r}. Choose from {', '.join(known)}.")

    def register(load: Load) -> Load:
        place = load.__module__.removeprefix("helpers.")
        here = _engines.get(place)
        if here and here.load.__qualname__ != load.__qualname__:  # else the file is read again
            raise ValueError(
                f"{place} registers a second engine, but a file may register only one. Move it to "
                "a file of its own."
            )
        _engines[place] = Engine(place, load, roles, precisions, recurrent, depth, probe)
        return load

    return register


def find(place: str) -> Engine | None:
    """Return the engine that a file of the package registers; None for a file without one.

    Raises:
        ModelError: there is no such file.
    """
    if place not in _engines:
        name = f"helpers.{place}"
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            if not error.name or not f"{name}.".startswith(f"{error.name}."):
                raise  # the file exists, but a package that it imports does not
            raise ModelError(
                f"There is no engine {place!r}: {error.name} is not a module. The row of a model "
                "must name the file of its engine, like 'stages.interpolate.rife'."
            ) from error
    return _engines.get(place)


def get(place: str) -> Engine:
    """Return the engine that a file of the package registers; see `find`.

    Raises:
        ModelError: there is no such file, or it registers none.
    """
    if found := find(place):
        return found
    raise ModelError(
        f"{place} registers no engine: its methods can only be used by name in their own stage. "
        "Use the stage, or load another model."
    )

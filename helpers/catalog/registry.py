"""Which engines there are. Each registers itself in its own file, below its class:

    @engine("interpolate")
    def load(request: Request, version: str) -> RifeInterpolator:
        return RifeInterpolator(request.state(), version, request.device, request.precision)

A row of the catalogue names that file, "stages.interpolate.rife". It is imported when one of its
models is first asked for, so nothing heavy is imported for models that nobody uses.
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

    from helpers.runtime.machine import Runtime

Load = TypeVar("Load", bound=Callable[..., Any])

ROLES = {
    "clean": "takes off dust, dirt and scratches",
    "upscale": "makes the picture larger",
    "denoise": "takes off noise, blocks, grain",
    "interpolate": "makes frames between frames",
    "colorize": "gives a grey film colours",
    "sound": "cleans speech",
}
"""What models are for."""

PRECISIONS = ("fp16", "bf16", "fp32")
"""The numbers that a network may count in."""


@dataclass(frozen=True)
class Request:
    """What an engine is to be loaded from, and where it is to run.

    Attributes:
        name: the model's, for messages.
        scale: the model's; 0 if its row has none.
        paths: its files, in the order of the row; empty for a method that needs none.
        versions: size and time of change of each file, so that a changed file is loaded anew.
        device: "cuda", "mps" or "cpu".
        precision: one of those that the engine can count in.
        machine: what it is to run on.
    """

    name: str
    scale: int
    paths: tuple[Path, ...]
    versions: tuple[tuple[int, int], ...]
    device: str
    precision: str
    machine: Runtime = field(compare=False)

    @property
    def memory(self) -> Callable[[], int]:
        """Gives, when it is called, the bytes that may be used at once."""
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
        whole: the work takes as long whatever the size of the picture, and is given all of it;
            otherwise it is given a small part, and the whole is worked out from that.
        share: how much of the time that was measured one frame costs.
    """

    prepare: Callable[[Any, np.ndarray], Callable[[], object]]
    whole: bool = False
    share: float = 1.0


@dataclass(frozen=True)
class Engine:
    """A kind of network, or of method without weights.

    Attributes:
        place: the file that registered it, as a module of this package.
        load: makes the engine from a `Request`. Its further parameters are what the row of a model
            says in `settings`, and what a stage may choose.
        roles: what its models may be for; keys of ROLES.
        precisions: the numbers it can count in; it gets fp32 instead of any other. Empty for an
            engine that runs no network in PyTorch: the device is then not asked for.
        recurrent: it looks at many frames at once, and each result depends on all of them.
        depth: bits of the pictures that it draws, 8 or 16.
        probe: how its cost is measured, where that is not as for others of its role.
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
        """What `load` takes besides the request."""
        return tuple(inspect.signature(self.load).parameters)[1:]


_engines: dict[str, Engine] = {}


def engine(
    *roles: str,
    precisions: tuple[str, ...] = PRECISIONS,
    recurrent: bool = False,
    depth: int = 16,
    probe: Probe | None = None,
) -> Callable[[Load], Load]:
    """Register the function below as what loads the engine of its file; see `Engine`.

    Raises:
        ValueError: the file has registered an engine already; no role is given, or an unknown one,
            or an unknown precision.
    """
    if not roles:
        raise ValueError(f"An engine was given no role; allowed are {', '.join(ROLES)}.")
    for words, known in ((roles, tuple(ROLES)), (precisions, PRECISIONS)):
        if strange := [word for word in words if word not in known]:
            raise ValueError(f"There is no {strange[0]!r}; allowed are {', '.join(known)}.")

    def register(load: Load) -> Load:
        place = load.__module__.removeprefix("helpers.")
        here = _engines.get(place)
        if here and here.load.__qualname__ != load.__qualname__:  # else the file is read again
            raise ValueError(
                f"{place} registers a second engine; allowed is one in a file. Move it to a file "
                "of its own."
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
                raise  # the file is there, and lacks a package
            raise ModelError(
                f"There is no engine {place!r}: {error.name} is no module. The row of a model "
                "names the file of its engine, like 'stages.interpolate.rife'."
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
        f"{place} registers no engine: its methods are run by their own stage, which takes them by "
        "name. Load another model, or use the stage."
    )

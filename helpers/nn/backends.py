"""Ways to run a network: as PyTorch does, or faster on inputs that all have one shape.

    runner = Runner(network, Way("animevideov3", "winograd"), ("winograd", "compiled"))
    made = runner(batch)                 # like network(batch)

    eager      PyTorch, as the network is written
    winograd   the same, but its 3x3 convolutions need a quarter of the multiplications (`winograd`)
    compiled   torch.compile: activations are computed with the convolutions before them
    openvino   OpenVINO, which does that too, and needs no compiler

All but the first need something that a machine may lack, and which of them is the fastest depends
on the machine. So a project tries them on the pictures at hand (`backend_choice`), notes what it
took, and uses it until the film is finished. The results differ by less than a grey level.
"""

from __future__ import annotations

import copy
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from helpers.errors import ModelError
from helpers.nn import winograd
from helpers.nn.observed import tell_observers
from helpers.nn.tiling import is_out_of_memory

log = logging.getLogger("helpers")

EAGER = "eager"

BACKENDS = {
    "winograd": "3x3 convolutions with a quarter of the multiplications",
    "compiled": "torch.compile",
    "openvino": "OpenVINO",
}
"""The backends beside eager, and what they are."""

_MOST_SHAPES = 64
"""How many shapes torch.compile may be asked for. Tiles of one film have one shape, or two after
memory ran out; but in one process many films may be looked at."""


@dataclass(frozen=True)
class Way:
    """How a network is run.

    Attributes:
        model: the name of its model in the catalogue.
        backend: "eager" or one of BACKENDS.
        folder: where compiled networks are kept; for this process only if None.
    """

    model: str = ""
    backend: str = EAGER
    folder: Path | None = field(default=None, compare=False)


USUAL = Way()
"""As PyTorch does."""

Call = Callable[..., Any]
"""Runs a network: takes it and the inputs, and returns a tensor or several."""


def call_network(network: Any, *inputs: Any) -> Any:
    """Run a network in one step."""
    return network(*inputs)


def call_method(network: Any, name: str, *inputs: Any) -> Any:
    """Run one of the steps of a network: the method of this name."""
    return getattr(network, name)(*inputs)


class Runner:
    """A network together with the way in which it is run.

    Where that way does not work here, a warning is logged, and the network is run as usual.

    Args:
        network: the network, on its device, in evaluation mode. It is not changed.
        way: how it is run.
        able: the backends that pay for networks of its kind; it is run as usual if the way is not
            among them.
        call: runs the network: `call_method` if it has several steps. Only "winograd" is able to
            do that.

    Attributes:
        backend: the backend in use.
    """

    def __init__(
        self,
        network: nn.Module,
        way: Way = USUAL,
        able: tuple[str, ...] = tuple(BACKENDS),
        call: Call = call_network,
    ) -> None:
        self.network, self.model, self.able, self.call = network, way.model, able, call
        self._folder = way.folder
        self.backend = way.backend if way.backend in able else EAGER
        self._ready: Callable[..., Any] | None = None

    def __call__(self, *inputs: Any) -> Any:
        """Run the network, and return what `call` returns."""
        tell_observers(self, inputs)
        if self.backend == EAGER:
            return self.call(self.network, *inputs)
        try:
            self._ready = self._ready or self.prepare(self.backend)
            return self._ready(*inputs)
        except (torch.cuda.OutOfMemoryError, MemoryError):
            raise
        except Exception as error:  # compilers raise errors of many types
            if is_out_of_memory(error):
                raise
            log.warning(
                "%s cannot be run as %s (%s); it is run as usual.",
                *(self.model or "A network", self.backend, _first_line(error)),
            )
            self.backend, self._ready = EAGER, None
        return self.call(self.network, *inputs)

    def prepare(self, backend: str) -> Callable[..., Any]:
        """Return a function that runs the network with a backend; the network is not changed.

        Raises:
            ModelError: something is missing here that the backend needs.
            Exception: whatever a compiler raises.
        """
        if backend == EAGER:
            return partial(self.call, self.network)
        if obstacle := self.find_obstacle(backend):
            raise ModelError(obstacle)
        if backend == "winograd":
            library = winograd.build(self.folder)
            return partial(self.call, winograd.install(copy.deepcopy(self.network), library))
        if backend == "compiled":
            return _compile(self.network, self.device, self.folder)
        from helpers.nn.openvino_network import OpenVinoNetwork

        return OpenVinoNetwork(self.network, self.folder)

    def find_obstacle(self, backend: str) -> str | None:
        """Return in a sentence why the network cannot be run with a backend; None if it can."""
        if backend not in self.able:
            return f"{backend} is not made for this kind of network."
        if backend == "winograd" and self.dtype != torch.float32:
            return "winograd is for fp32."
        return find_obstacle(backend, self.device)

    @property
    def folder(self) -> Path:
        """Where compiled networks are kept."""
        return self._folder or Path(_own_folder().name)

    @property
    def device(self) -> str:
        """The kind of device that the network is on: "cuda", "mps" or "cpu"."""
        return next(self.network.parameters()).device.type

    @property
    def dtype(self) -> torch.dtype:
        """The type of the network's first weights."""
        return next(self.network.parameters()).dtype


@cache
def _own_folder() -> TemporaryDirectory[str]:
    """Return a folder of this process, which is deleted at its end."""
    return TemporaryDirectory(prefix="silk-purse-", ignore_cleanup_errors=True)


def find_obstacle(backend: str, device: str) -> str | None:
    """Return why a backend does not work on a device here, in a sentence; None if it should."""
    if backend != "compiled" and device != "cpu":
        return f"{backend} is for CPUs, and networks run on {device}."
    if backend == "winograd":
        found = winograd.find_compiler()
        return None if found else "There is no C compiler. Install gcc."
    if backend == "openvino":
        found = find_spec("openvino")
        return None if found else "OpenVINO is not installed: pip install 'silk-purse[openvino]'."
    if device == "mps":
        return "torch.compile is not used on a Mac's GPU."
    if device == "cuda":
        return None if find_spec("triton") else "Triton is not installed."
    names = (os.environ.get("CXX"), "g++", "clang++")
    if any(name and shutil.which(name) for name in names):
        return None
    return "There is no C++ compiler. Install g++, or name one in the variable CXX."


def _compile(
    network: nn.Module, device: str, folder: Path
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that runs a network, and compiles it for every shape of the input."""
    import torch._dynamo
    import torch._inductor.config

    limit = torch._dynamo.config.recompile_limit
    torch._dynamo.config.recompile_limit = max(limit, _MOST_SHAPES)
    # Without a full graph, what cannot be compiled would be run as usual without a word.
    compiled = torch.compile(network, dynamic=False, fullgraph=True)
    shapes = set()

    def run(batch: torch.Tensor) -> torch.Tensor:
        if batch.shape in shapes:
            return compiled(batch)
        # Only with frozen weights are activations computed together with convolutions on a CPU.
        freezing = torch._inductor.config.patch(freezing=device == "cpu")
        with _keep_compiled_in(folder / "inductor"), freezing:
            made = compiled(batch)
        shapes.add(batch.shape)
        return made

    return run


@contextmanager
def _keep_compiled_in(folder: Path) -> Iterator[None]:
    """Let torch.compile keep its files in a folder, unless the user has named another."""
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    name = "TORCHINDUCTOR_CACHE_DIR"
    before = os.environ.get(name)
    # PyTorch sets the variable itself if nobody did.
    if before not in (None, default_cache_dir()):
        yield
        return
    os.environ[name] = str(folder)
    try:
        yield
    finally:  # another film may have another folder
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]

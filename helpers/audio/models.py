"""The networks that clean speech: their weights, and whether they can run here.

RNNoise runs in ffmpeg, DeepFilterNet on onnxruntime. Their rows are in the catalogue.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from helpers.catalog import table as catalog
from helpers.errors import ModelError


def fetch(name: str) -> Path:
    """Return the file of a model's weights; download it if it is not here.

    Raises:
        ModelError: the file cannot be downloaded, or is damaged.
    """
    try:
        return catalog.get_files(catalog.get(name, "sound"))[0]
    except ModelError as error:
        raise ModelError(f"{error} Or use the method spectral, which needs no weights.") from error


def find_obstacle(name: str) -> str | None:
    """Say why a model cannot run now, without downloading anything; None if it can."""
    if not catalog.get(name, "sound").present:
        return "its weights are not on this machine"
    if name == "deepfilter" and find_spec("onnxruntime") is None:
        return "onnxruntime is not installed"
    return None

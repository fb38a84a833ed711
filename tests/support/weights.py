"""Weights of our own making in the place of those that the catalogue names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.catalog import table
from helpers.catalog.fetch import File
from helpers.runtime.machine import file_sha256
from tests.support.machine import use


def put(
    patch: pytest.MonkeyPatch,
    folder: Path,
    name: str,
    *states: dict[str, Any],
    ending: str = ".pth",
) -> None:
    """Let a model of the catalogue have these weights, and let nothing else have been fetched.

    Args:
        folder: where they are written.
        states: what its files hold, one for each.
        ending: of its files; ".safetensors" hold tensors alone.
    """
    import torch
    from safetensors.torch import save_file

    write = save_file if ending == ".safetensors" else torch.save
    files = []
    for number, state in enumerate(states):
        path = folder / f"{name}-{number}{ending}"
        write(state, path)
        files.append(File(path.name, ("https://example.org",), sha256=file_sha256(path)))
    forms = (tuple(files),)
    rows = [replace(row, forms=forms) if row.name == name else row for row in table.MODELS]
    patch.setattr(table, "MODELS", tuple(rows))
    use(cache=folder, scratch=folder)

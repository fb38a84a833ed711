"""Where things are: the repository, its samples, and what tests read that is not in it."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
TALK = REPO / "sample_clips" / "talk_160x120_8fps.mp4"
FILM = REPO / "sample_clips" / "film_24fps.mp4"

DATA = Path(os.environ.get("SILK_PURSE_DATA") or REPO.parent / "shared" / "data")
"""Films and pictures that others made: the folders `clips` and `triplets`."""

WEIGHTS = Path(os.environ.get("SILK_PURSE_WEIGHTS") or REPO.parent / "shared" / "weights")
"""Weights that no package brings: the folders `dnn_superres`, `rife-v4.6` and `rnnoise`."""

allowed = False
"""Whether the running test is marked `data`; only such a test may read these."""


def data_path(name: str) -> Path:
    """The path of a film or folder, such as "clips/flower.mp4"; skips the test where it is not."""
    return _present(DATA, name, "SILK_PURSE_DATA")


def weights_path(name: str) -> Path:
    """The path of a file of weights, such as "rnnoise/sh.rnnn"; skips the test where it is not."""
    return _present(WEIGHTS, name, "SILK_PURSE_WEIGHTS")


def _present(folder: Path, name: str, variable: str) -> Path:
    assert allowed, f"a test that reads {name} is marked `data`"
    if not (folder / name).exists():
        pytest.skip(f"{name} is not in {folder}; {variable} names the folder it is looked for in")
    return folder / name

"""Where things are."""

import os
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
TALK = REPO / "sample_clips" / "talk_160x120_8fps.mp4"
FILM = REPO / "sample_clips" / "film_24fps.mp4"
FOOTAGE = Path(os.environ.get("SILK_PURSE_FOOTAGE", REPO.parent / "shared" / "data" / "clips"))


def footage(name: str) -> Path:
    """The path of real footage that is not part of the repository; skips where it is absent."""
    path = FOOTAGE / name
    if not path.exists():
        pytest.skip(f"{name} is not here; SILK_PURSE_FOOTAGE names the folder it is in")
    return path

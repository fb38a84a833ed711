"""The small files in which a training notes how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from helpers.errors import ModelError
from helpers.runtime.schema import decode_json

T = TypeVar("T")


def read_note(path: Path, kind: type[T]) -> T:
    """Read a JSON file of a training.

    Raises:
        ModelError: it is missing, or does not hold what it should.
    """
    try:
        return decode_json(path.read_bytes(), kind)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path} is damaged ({error}). Delete the folder {path.parent}, and train again."
        ) from error

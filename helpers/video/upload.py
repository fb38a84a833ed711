"""Take a film from the browser: once, however often it is uploaded.

upload_film()                     # Colab's dialog
save_upload("film.mp4", data)     # what another front end has sent

A film that is there already is found by its content. So "film (1).mp4", as browsers and Colab name
the second upload of "film.mp4", is neither kept twice nor restored twice.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.errors import VideoOpenError
from helpers.runtime.machine import file_sha256, upload
from helpers.runtime.names import NAME_MAX, cut_name, free_name
from helpers.video.open import open_container

log = logging.getLogger("helpers")


def upload_film() -> Path:
    """Ask for a film in Colab's dialog, and return it as a file in the working folder.

    Raises:
        VideoOpenError: this is not Colab, nothing was chosen, or it is no film.
    """
    with _empty_folder() as folder:
        first, *others = upload(folder)
        if others:
            log.warning("Several files were chosen; %s is used.", first.name)
        return _keep(first)


def save_upload(name: str, content: bytes | memoryview, size: int) -> Path:
    """Write what a browser has sent into the working folder, and return it as a film.

    Args:
        name: the name of the file on the person's computer.
        content: the bytes that arrived.
        size: how many bytes the file has, as the browser says.

    Raises:
        VideoOpenError: it did not arrive whole, or it is no film.
    """
    arrived = memoryview(content).nbytes
    if arrived != size:
        raise VideoOpenError(
            f"Only {arrived} of the {size} bytes of {name} arrived: it is too large for this "
            "button. Copy the film into the notebook's folder, or onto your Drive, and give its "
            "path instead."
        )
    own = Path(name.replace("\\", "/").replace("\0", "")).name.lstrip(".") or "film"
    with _empty_folder() as folder:
        suffix = Path(own).suffix[: NAME_MAX // 2]
        path = folder / (cut_name(Path(own).stem, suffix) + suffix)
        path.write_bytes(content)
        return _keep(path)


@contextmanager
def _empty_folder() -> Iterator[Path]:
    """Give a folder for an upload, on the same disk as the place where it is kept."""
    with tempfile.TemporaryDirectory(prefix=".upload-", dir=Path.cwd()) as folder:
        yield Path(folder)


def _keep(path: Path) -> Path:
    """Move a film into the working folder, unless it is there already; return where it is.

    Raises:
        VideoOpenError: it is no film.
    """
    open_container(path).close()
    size = path.stat().st_size
    for other in sorted(Path.cwd().iterdir()):
        alike = other.suffix == path.suffix and other.is_file() and other.stat().st_size == size
        if alike and file_sha256(other) == file_sha256(path):
            return other
    kept = free_name(Path.cwd() / path.name)
    os.replace(path, kept)
    return kept

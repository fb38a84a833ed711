"""Uploading and downloading through the browser."""

import os
import shutil
from pathlib import Path

from google.colab._log import note
from google.colab.errors import MessageError


def upload(target_dir=""):
    """Save the chosen files in the current folder; return their contents by their names."""
    note("files.upload")
    chosen = os.environ.get("COLAB_UPLOAD", "")
    if chosen == "blocked":
        raise MessageError(
            "TypeError: Cannot read properties of undefined (reading '_uploadFiles')"
        )
    return {_save(Path(name), Path(target_dir)): Path(name).read_bytes() for name in _split(chosen)}


def download(filename):
    """Send a file to the browser, which saves it."""
    note(f"files.download {filename}")
    if not Path(filename).exists():
        raise FileNotFoundError(f"Cannot find file: {filename}")
    if folder := os.environ.get("COLAB_DOWNLOADS"):
        shutil.copy(filename, folder)


def _split(names):
    return [name for name in names.split(os.pathsep) if name]


def _save(source, folder):
    """Copy a file under a name that is free, as Colab does: talk.mp4, talk (1).mp4, ..."""
    target, number = folder / source.name, 0
    while target.exists():
        number += 1
        target = folder / f"{source.stem} ({number}){source.suffix}"
    shutil.copy(source, target)
    return str(target)

"""Find a film: by a path, a link, an upload, or the sample that every notebook begins with.

find_film("")                                   # the film that was used last, or the sample
find_film("/content/drive/MyDrive/talk.mp4")    # a file
find_film("https://example.org/film.mp4")       # downloaded once, and kept
find_film("upload")                             # a file dialog, on Colab
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from helpers.errors import VideoOpenError
from helpers.runtime.machine import runtime
from helpers.runtime.names import expand
from helpers.video.download import ENDINGS, download
from helpers.video.recent import recent_films
from helpers.video.upload import upload_film

SAMPLES = tuple(folder / "sample_clips" for folder in Path(__file__).resolve().parents[1:3])
"""Where the sample clips are: inside the installed package, or beside it in the repository."""

SEARCH_TIME = 2.0
"""Seconds that the search of a Drive may take: a large one would take minutes."""


def sample(name: str = "talk") -> Path:
    """Return the path of a sample clip by the first word of its name: "talk" or "film".

    Raises:
        VideoOpenError: there is none of that name; with the names that there are.
    """
    clips = [path for folder in SAMPLES for path in sorted(folder.glob("*.mp4"))]
    for path in clips:
        if path.name.startswith(name):
            return path
    names = ", ".join(path.name.split("_")[0] for path in clips) or "none at all"
    raise VideoOpenError(
        f"There is no sample clip {name!r}; there are {names}. Name one of them, or give the path "
        "of a film of your own."
    )


def find_film(where: str = "", sample_name: str = "talk") -> Path:
    """Return a film as a file on this machine.

    Args:
        where: a path, which may begin at the top of the mounted Drive; a http(s) link to a film or
            to a file that is shared on Google Drive; "upload" for a file dialog on Colab; "sample";
            or "" for the film that was used last, and the sample if there is none.
        sample_name: which sample; see `sample`.

    Raises:
        VideoOpenError: there is no such file, or it cannot be downloaded or uploaded.
    """
    where = _unquote(where.strip())
    if not where:
        return next(iter(recent_films()), None) or sample(sample_name)
    if where == "sample":
        return sample(sample_name)
    if where == "upload":
        return upload_film()
    if re.match(r"https?://", where, re.IGNORECASE):
        return download(where, runtime().scratch)
    return _find_file(where)


def _unquote(where: str) -> str:
    """Return a path without the quotation marks that Windows and shells put around it."""
    quoted = len(where) > 1 and where[0] == where[-1] and where[0] in "\"'"
    return where[1:-1] if quoted else where


def _find_file(where: str) -> Path:
    """Return a file by its path here or on the user's Drive; raise VideoOpenError if none is."""
    drive = runtime().drive
    for path in (expand(where), *([drive / where] if drive else [])):
        if os.path.exists(path):  # false for a name that no file can have
            return path
    hint = "" if drive else " For a file on Google Drive, tick MOUNT_DRIVE in the first cell."
    raise VideoOpenError(
        f"There is no file {where}. Give a path or a link (https://...), or leave it empty to "
        f"use the sample.{hint}"
    )


def films_on_drive(most: int = 100) -> list[Path]:
    """Return films on the user's Drive, the newest first; none if it is not mounted.

    Folders at the top are searched before those inside them, for `SEARCH_TIME` at most. The folder
    of this package is left out: the films in it are pieces of work in progress.
    """
    drive = runtime().drive
    if drive is None:
        return []
    found = sorted(_walk(drive, skip={drive / "silk-purse"}), reverse=True)
    return [Path(path) for _, path in found[:most]]


def _walk(top: Path, skip: set[Path]) -> Iterator[tuple[float, str]]:
    """Yield when each film below a folder was changed, in seconds, and its path."""
    ahead, stop = [str(top)], time.monotonic() + SEARCH_TIME
    for folder in ahead:  # which grows meanwhile
        if time.monotonic() > stop:
            return
        try:
            entries = list(os.scandir(folder))
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False) and Path(entry.path) not in skip:
                    ahead.append(entry.path)
                elif os.path.splitext(entry.name)[1].lower() in ENDINGS and entry.is_file():
                    yield entry.stat().st_mtime, entry.path
        except OSError:  # a folder that may not be read, or that the drive does not give
            continue

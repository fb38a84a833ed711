"""Find the films of a batch, and name their results.

find_films("tapes")            # all videos in a folder and in its subfolders
find_films("tapes.txt")        # a path a line
name_result(film, taken, "mp4")
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path

from helpers.errors import VideoOpenError
from helpers.runtime.names import cut_name, expand
from helpers.video.download import ENDINGS

ROOM = 30
"""Bytes that are left for the endings of what belongs to a result, like its report."""


def find_films(where: str | Path, without: Path) -> list[Path]:
    """Return the films of a folder, sorted, or those that a file lists, in its order.

    Args:
        where: a folder, whose subfolders are searched too, or a text or CSV file with a path in
            each line, which begins at the folder of that file.
        without: a folder that is left out: the results, which may lie inside.

    Raises:
        VideoOpenError: there is no such folder or file, or it is no list.
    """
    where = expand(where)
    if where.is_dir():
        return sorted(_search(where.absolute(), without.resolve()))
    listed = [where.absolute().parent / expand(line) for line in _read_list(where)]
    return list(dict.fromkeys(Path(os.path.normpath(film)) for film in listed))


def _search(folder: Path, without: Path) -> Iterator[Path]:
    """Yield the films below a folder. Links to folders are not followed: they may lead back."""
    for place, inner, names in os.walk(folder):
        inner[:] = [
            name
            for name in inner
            if not name.startswith(".") and (Path(place) / name).resolve() != without
        ]
        for name in names:
            path = Path(place) / name
            if path.suffix.lower() in ENDINGS and not name.startswith(".") and path.is_file():
                yield path


def _read_list(path: Path) -> list[str]:
    """Return the lines of a text file, or the first column of a CSV file, without empty ones."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise VideoOpenError(
            f"{path} cannot be read ({error.strerror}). Give a folder with films, or a text file "
            "with the path of a film in each line."
        ) from error
    if "\0" in text:
        raise VideoOpenError(
            f"{path} is neither a folder nor a list of films. Give a folder with films, or a text "
            "file with the path of a film in each line. One film is restored by `restore`."
        )
    lines = text.split("\n")
    if path.suffix.lower() == ".csv":
        rows = csv.reader(text.splitlines(keepends=True))
        lines = [row[0] for row in rows if row]
        lines = lines[1:] if lines and lines[0].lower() in ("film", "file", "path") else lines
    return [line.strip() for line in lines if line.strip()]


def name_result(film: Path, taken: Iterable[str], ending: str) -> str:
    """Return the name of a film's result: its own, with its folder's if another has that.

    Args:
        taken: names that other results have. Those that differ in capitals only are the same to
            some file systems.
        ending: the ending of the result, without its dot.
    """
    lowered = {name.lower() for name in taken}
    stem = film.stem.replace("\\", "_")  # which separates folders on Windows
    longer = f"{film.parent.name} - {stem}"
    numbered = ((longer, f" ({number})") for number in count(2))
    for begin, number in chain(((stem, ""), (longer, "")), numbered):
        rest = f"{number}.{ending}"
        name = (cut_name(begin, rest + " " * ROOM) or "film") + rest
        if name.lower() not in lowered:
            return name
    raise AssertionError("unreachable")

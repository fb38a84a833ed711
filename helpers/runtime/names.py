"""Names of files: for what is not complete yet, beside a film, or not taken yet.

    part_name(Path("film.mp4"))                   # .film.3f9a1c77.part.mp4
    beside(Path("film.mp4"), ".report.json")      # film.mp4.report.json
    free_name("film.mp4")                         # film (2).mp4, if there is a film.mp4

On Linux a name may hold any bytes and is counted in bytes; these functions keep to both.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from itertools import count
from pathlib import Path
from uuid import uuid4

log = logging.getLogger("helpers")

NAME_MAX = 255
"""The longest name of a file in bytes, on nearly every file system."""


def cut_name(stem: str, ending: str) -> str:
    """Return as much of a name as leaves room for an ending, counted in bytes."""
    room = max(NAME_MAX - len(os.fsencode(ending)), 0)
    return os.fsencode(stem)[:room].decode(errors="ignore")


def part_name(path: Path) -> Path:
    """Return a name beside `path` for a file that is not complete yet.

    No two calls give the same name. It keeps the ending, by which ffmpeg knows the container.
    """
    ending = f".{uuid4().hex[:8]}.part{path.suffix}"
    return path.with_name(cut_name(f".{path.stem}", ending) + ending)


def final_name(path: Path) -> str:
    """Return the name that a file of `part_name` is made for; the path's own name for any other."""
    return re.sub(r"^\.(.*)\.[0-9a-f]{8}\.part(\.\w+)?$", r"\1\2", path.name)


def beside(path: Path, ending: str) -> Path:
    """Return the name of a file that belongs to `path`: its own name with another ending added.

    A name that would be too long is cut, and a part of its hash keeps it apart from others.
    """
    name = path.name + ending
    if len(os.fsencode(name)) > NAME_MAX:
        ending = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}{ending}"
        name = cut_name(path.name, ending) + ending
    return path.with_name(name)


def expand(path: str | Path) -> Path:
    """Return a path with "~" replaced by the home folder, unless a file has that very name."""
    path = Path(path)
    return path if os.path.lexists(path) else Path(os.path.expanduser(path))


def is_text(path: Path) -> bool:
    """Tell whether a path is text in UTF-8, which ffmpeg's graphs and JSON need."""
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError:
        return False
    return True


def free_name(path: str | Path) -> Path:
    """Return `path`, or a name like "film (2).mp4" if it is taken, and log which.

    A notebook never replaces a film that it wrote before; this is how it names the next one.
    """
    path = expand(path)
    if not os.path.lexists(path):
        return path
    for number in count(2):
        ending = f" ({number}){path.suffix}"
        other = path.with_name(cut_name(path.stem, ending) + ending)
        if not os.path.lexists(other):
            old, new = (os.fsencode(name).decode(errors="replace") for name in (path, other.name))
            log.warning("%s is there already and is kept; this film is named %s.", old, new)
            return other
    raise AssertionError("unreachable")

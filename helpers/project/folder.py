"""Which folder is a film's project, if nobody names one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from helpers.errors import SilkPurseError
from helpers.project.files import SourceKey
from helpers.runtime.machine import file_sha256, runtime
from helpers.runtime.names import cut_name
from helpers.runtime.storage import read_json


@dataclass(frozen=True)
class SourceHead:
    """The part of `source.json` that tells which film a project is about."""

    key: SourceKey


def project_folder(film: Path) -> Path:
    """Return the default project folder of a film: on Drive if it is mounted, otherwise here.

    A film is known by its content. It gets the project that was begun with the same content under
    any name, and never the project of another film that has the same name.

    Args:
        film: the video file; all of it is read.
    """
    drive = runtime().drive
    base = drive / "silk-purse" if drive else Path.cwd() / "projects"
    digest = file_sha256(film)
    plain = base / film.stem
    there = _film_of(plain)
    if there == digest:
        return plain
    for folder in sorted(path.parent for path in base.glob("*/source.json")):
        if _film_of(folder) == digest:
            return folder
    if there is None:
        return plain
    ending = f"-{digest[:8]}"
    return base / (cut_name(film.stem, ending) + ending)


def _film_of(folder: Path) -> str | None:
    """Return the sha256 of a project's film; None if it has none, or one that cannot be read."""
    source = folder / "source.json"
    try:
        head = read_json(source, SourceHead) if source.is_file() else None
    except SilkPurseError:  # it is damaged or a link; whoever opens that project is told
        return None
    return head.key["sha256"] if head else None

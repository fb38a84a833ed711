"""Remember which films were used, so that the next notebook begins with the same.

remember_film(film)
recent_films()[0] == film.resolve()     # in any notebook, and after a restart
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from helpers.errors import SilkPurseError
from helpers.runtime.machine import runtime
from helpers.runtime.names import is_text
from helpers.runtime.storage import read_json, write_json

log = logging.getLogger("helpers")

MOST = 20
"""How many films are remembered."""

VERSION = 1


@dataclass(frozen=True)
class RecentFilms:
    """`recent.json`: the films that were used, the newest first, by their full paths."""

    version: int = VERSION
    films: tuple[str, ...] = field(default=())


def recent_films() -> list[Path]:
    """Return the films that were used last and are still there, the newest first."""
    return [path for path in map(Path, _read()) if path.is_file()]


def remember_film(film: Path) -> None:
    """Note a film as the one that was used last.

    Where the note cannot be written, a warning says so; the film can be used all the same.
    """
    film = film.resolve()
    if not is_text(film):
        log.warning("%r is not remembered: its name is not text in UTF-8.", film)
        return
    others = [path for path in _read() if path != str(film)]
    try:
        _place().parent.mkdir(parents=True, exist_ok=True)
        write_json(_place(), {"version": VERSION, "films": [str(film), *others][:MOST]})
    except (OSError, SilkPurseError) as error:
        log.warning("The film is not remembered for the next notebook: %s", error)


def _place() -> Path:
    """Return where the note is: on Drive if it is mounted, otherwise beside the models."""
    drive = runtime().drive
    return (drive / "silk-purse" if drive else runtime().cache) / "recent.json"


def _read() -> tuple[str, ...]:
    """Return the paths that are noted; none if the note is missing or damaged."""
    place = _place()
    try:
        noted = read_json(place, RecentFilms) if place.is_file() else None
    except SilkPurseError as error:
        log.warning("The films that were used last are forgotten: %s", error)
        return ()
    return noted.films if noted and noted.version == VERSION else ()

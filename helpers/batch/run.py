"""Many films, one after another: looked at, listed in a table, and restored.

found = restore_all("tapes", "restored")    # tapes/ and its subfolders; or a list, "tapes.txt"
print(found)

The same call again goes on where it was: finished films are left alone, interrupted ones go on, and
failed ones are tried again. The table restored/batch.csv may be edited in between.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from helpers.batch.films import find_films, name_result
from helpers.batch.page import Entry, take_thumbnails, write_page
from helpers.batch.survey import is_finished, project_of, survey, wish_for
from helpers.batch.table import Row, format_table, read_table, write_table
from helpers.batch.wishes import Wish
from helpers.errors import SilkPurseError
from helpers.plan import restore
from helpers.project.report import Report, report_path
from helpers.recipe import read_recipe
from helpers.runtime.lock import hold
from helpers.runtime.names import expand
from helpers.runtime.storage import retry
from helpers.video.codecs import CODECS

log = logging.getLogger("helpers")

TABLE, PAGE, LOCK = "batch.csv", "index.html", ".batch.lock"
"""The files of a batch in the folder of its results."""

LOOK = 10.0
"""Seconds between two looks for new films. A file whose size is the same in both is complete."""

Say = Callable[[str], object]


@dataclass
class Batch:
    """What became of the films of a batch.

    Attributes:
        folder: where the results are.
        entries: what became of each film, by its path.
    """

    folder: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def failed(self) -> list[Entry]:
        """The films that could not be restored."""
        return [entry for entry in self.entries.values() if entry.state == "failed"]

    def __repr__(self) -> str:
        states = [entry.state for entry in self.entries.values()]
        counts = {state: states.count(state) for state in dict.fromkeys(states)}
        lines = [", ".join(f"{count} {state}" for state, count in counts.items()) or "no films"]
        lines += [f"{Path(entry.row.film).name}: {entry.words}" for entry in self.failed]
        return "\n".join([*lines, f"{self.folder / PAGE}"])


def restore_all(
    films: str | Path,
    output: str | Path,
    *,
    recipe: str | Path | None = None,
    overwrite: bool = False,
    watch: bool = False,
    table_only: bool = False,
    say: Say = print,
) -> Batch:
    """Restore many films, one after another. The same call goes on with what is not finished.

    Args:
        films: a folder, whose subfolders are searched too, or a text or CSV file with a path in
            each line.
        output: the folder for the results, their projects, the table batch.csv and the page
            index.html.
        recipe: the file of a recipe for all films; if not given, each gets what it needs. The
            options in the table come first.
        overwrite: replace results that are there but were made in another way.
        watch: look for new films when all are finished, until it is interrupted.
        table_only: write the table, to be edited, and restore nothing.
        say: is given what is done, line by line.

    Returns:
        What became of each film. One that failed does not stop the others.

    Raises:
        SilkPurseError: the films cannot be listed, or the table or the recipe is not right.
    """
    folder = expand(output).absolute()
    default = Wish(recipe=Path(recipe) if recipe else None, recommended=not recipe)
    ending = CODECS[read_recipe(recipe).codec if recipe else "h264"].containers[0]
    found = find_films(films, folder)
    retry("the folder of results", folder, lambda: folder.mkdir(parents=True, exist_ok=True))
    job = _Job(Batch(folder), default, ending, overwrite, lambda text: say(_printable(text)))
    lock = folder / LOCK
    with hold(lock, folder):
        try:
            if watch:
                for new in _arrivals(films, folder):
                    job.make(new, table_only)
            else:
                job.make(found, table_only)
        finally:
            with suppress(OSError):  # still held, so that nobody else's is removed
                lock.unlink()
    return job.batch


def _arrivals(films: str | Path, folder: Path) -> Iterator[list[Path]]:
    """Yield the films that are complete and have not been yielded, for ever."""
    before: dict[Path, int] = {}
    done: dict[Path, int] = {}
    while True:
        sizes = {film: _size_of(film) for film in find_films(films, folder)}
        still = [film for film, size in sizes.items() if size and size == before.get(film)]
        new = [film for film in still if done.get(film) != sizes[film]]
        if new:
            yield new
            done |= {film: sizes[film] for film in new}
        before = sizes
        time.sleep(LOOK)


def _printable(text: str) -> str:
    """Return text that can be printed: a file's name may hold bytes that are no text."""
    return text.encode(errors="replace").decode()


def _size_of(film: Path) -> int:
    """Return the bytes of a file; 0 if it is not there."""
    try:
        return film.stat().st_size
    except OSError:
        return 0


@dataclass
class _Job:
    """A batch at work; the fields are the arguments of `restore_all`."""

    batch: Batch
    default: Wish
    ending: str
    overwrite: bool
    say: Say

    def make(self, films: list[Path], table_only: bool) -> None:
        """Look at some films, then restore them."""
        rows = self._survey(films)
        wanted = set(map(str, films))
        here = [row for row in rows if row.film in wanted]
        self.say(format_table(here))
        self.say(f"{self.batch.folder / TABLE} can be edited: options, and what to skip.")
        entries = self.batch.entries
        entries |= {row.film: Entry(row, "skipped" if row.skipped else "waiting") for row in here}
        self._write_page()
        for row in () if table_only else here:
            if not row.skipped:
                self._make_one(entries[row.film])
                self._write_page()

    def _survey(self, films: list[Path]) -> list[Row]:
        """Return the rows of the table, with those of films that are new or failed filled in."""
        path = self.batch.folder / TABLE
        rows = {row.film: row for row in read_table(path)}
        for number, film in enumerate(map(str, films), 1):
            row = rows.get(film)
            if row and (row.kind or row.skipped):
                continue
            if row is None:
                row = Row(film, name_result(Path(film), self._taken(rows), self.ending))
            self.say(f"Looking at {number} of {len(films)}: {Path(film).name}")
            rows[film] = survey(row, self.batch.folder / row.result, self.default)
            write_table(path, list(rows.values()))
        return list(rows.values())

    def _taken(self, rows: dict[str, Row]) -> list[str]:
        """Return the names of results, and of files in their folder that are none."""
        files = [path for path in self.batch.folder.iterdir() if path.is_file()]
        others = [path.name for path in files if not report_path(path).exists()]
        return [*(row.result for row in rows.values()), *others]

    def _make_one(self, entry: Entry) -> None:
        """Restore a film, unless that was done, and note what became of it."""
        row, output = entry.row, self.batch.folder / entry.row.result
        entry.state, entry.words = "running", ""
        self._write_page()
        try:
            entry.state = self._restore(row, output)
            entry.report = Report.read(report_path(output))
            entry.pictures = take_thumbnails(output)
        except SilkPurseError as error:
            entry.state, entry.words = "failed", " ".join(str(error).split())
        except Exception as error:  # a fault of this program must not cost the other films
            log.warning("%s", row.film, exc_info=True)
            entry.state = "failed"
            entry.words = f"It failed unexpectedly: {type(error).__name__}: {error}."
        except BaseException:
            entry.state = "interrupted"
            self._write_page()
            raise
        self.say(f"{Path(row.film).name}: {entry.words or f'{entry.state}, {output}'}")

    def _restore(self, row: Row, output: Path) -> str:
        """Restore a film; return "finished", or "finished before" if it was finished before."""
        film, chosen = Path(row.film), wish_for(row, self.default)
        if is_finished(film, output, chosen):
            return "finished before"
        self.say(f"Restoring {film.name}")
        # The name is of this batch's own choice; a result without a report is one that was not
        # finished when a run was killed.
        overwrite = self.overwrite or not report_path(output).exists()
        restore(
            film, output, plan=chosen, project=project_of(output),
            overwrite=overwrite, discard=True,
        )  # fmt: skip
        return "finished"

    def _write_page(self) -> None:
        write_page(self.batch.folder / PAGE, list(self.batch.entries.values()))

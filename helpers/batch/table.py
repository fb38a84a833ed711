"""The table of a batch: a row for each film, in a file that can be edited.

rows = read_table(Path("restored/batch.csv"))
print(format_table(rows))
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from helpers.catalog.table import align_columns
from helpers.errors import ProjectError
from helpers.project.words import format_bytes, format_duration
from helpers.runtime.storage import refuse_link, write_atomically
from helpers.show.picture import clean_label

NO = ("", "no", "n", "0", "false")
"""What may stand in the column `skip` of a film that is made."""


@dataclass(frozen=True)
class Row:
    """A film of a batch; all values are text, as they stand in the file.

    Attributes:
        film: its path.
        result: the name of its result in the folder of the batch.
        kind: what it is; "" if it could not be looked at.
        wrong: what is wrong with it, or why it could not be looked at.
        todo: what will be done.
        minutes, megabytes: what that will take, about.
        recommended: the options that are recommended.
        options: those that are used instead, if there are any.
        skip: "yes" to leave the film out.
    """

    film: str
    result: str
    kind: str = ""
    wrong: str = ""
    todo: str = ""
    minutes: str = ""
    megabytes: str = ""
    recommended: str = ""
    options: str = ""
    skip: str = ""

    @property
    def skipped(self) -> bool:
        """Whether the film is left out."""
        return self.skip.strip().lower() not in NO


COLUMNS = tuple(one.name for one in fields(Row))


def read_table(path: Path) -> list[Row]:
    """Return the rows of a table; none if there is no file.

    Raises:
        ProjectError: it is no table of a batch, or two films have the same result.
    """
    refuse_link(path)
    if not path.exists():
        return []
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    head = text.partition("\n")[0]
    # Programs save it with the separator that is usual in their country.
    separator = max(",;\t", key=head.count)
    found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))
    if missing := [name for name in ("film", "result") if any(not one.get(name) for one in found)]:
        raise ProjectError(
            f"{path} has a row without {missing[0]!r}. Fill it in, or delete the file: it is "
            "written again."
        )
    rows = [Row(**{name: _unguard(one.get(name) or "") for name in COLUMNS}) for one in found]
    _check_results(path, rows)
    return rows


def _check_results(path: Path, rows: list[Row]) -> None:
    """Raise ProjectError if a result lies elsewhere, or if two films have the same one."""
    seen = Counter(row.result.lower() for row in rows)
    for row in rows:
        if row.result in (".", "..") or set(row.result) & set("/\\\0"):
            raise ProjectError(f"{path}: result {row.result!r} is not a name. Give one, without /.")
        if seen[row.result.lower()] > 1:
            raise ProjectError(
                f"{path}: two films have the result {row.result!r}. Give one another name."
            )


def write_table(path: Path, rows: list[Row]) -> None:
    """Write a table; it gets its name when it is complete."""
    refuse_link(path)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(_guard, astuple(row)) for row in rows)
    # With the mark by which spreadsheets know UTF-8.
    write_atomically(path, text.getvalue().encode("utf-8-sig", "surrogateescape"))


FORMULA = ("-", "+", "=", "@")
"""What begins so is taken for a formula by spreadsheets, but not after a space."""


def _guard(cell: str) -> str:
    return f" {cell}" if cell.startswith(FORMULA) else cell


def _unguard(cell: str) -> str:
    return cell[1:] if cell.startswith(tuple(f" {sign}" for sign in FORMULA)) else cell


HEAD = ("film", "what it is", "what is wrong", "what will be done", "minutes", "MB")

WIDEST = 44
"""Cells of more characters are cut where the table is printed; the file has all of them."""


def format_table(rows: list[Row]) -> str:
    """Return a table to be printed, and what all of it takes."""
    cells = [HEAD, *map(_cells, rows)]
    cells = [tuple(_cut(cell) for cell in line) for line in cells]
    made = [row for row in rows if not row.skipped]
    seconds = 60 * sum(_number(row.minutes) for row in made)
    size = format_bytes(1e6 * sum(_number(row.megabytes) for row in made))
    count = f"{len(made)} film{'s' if len(made) != 1 else ''}"
    total = f"{count}: about {format_duration(seconds)} and {size} in all."
    return "\n".join([*(line.rstrip() for line in align_columns(cells)), total])


def _cells(row: Row) -> tuple[str, ...]:
    todo = "skipped" if row.skipped else row.options or row.todo
    return Path(row.film).name, row.kind, row.wrong, todo, row.minutes, row.megabytes


def _cut(text: str) -> str:
    line = clean_label(text)
    return line if len(line) <= WIDEST else f"{line[: WIDEST - 3]}..."


def _number(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return 0.0

"""The decision on every frame, and a table of them that a person may edit."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from helpers.errors import StageError
from helpers.runtime.storage import write_atomically
from helpers.stages.duplicates.decide import DOUBTFUL

COLUMNS = ("frame", "seconds", "shot", "decision", "repeats", "difference", "chance", "reason")
"""Of the CSV. Only `decision` is meant to be changed."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of a frame, and why.

    Attributes:
        keep: whether it stays.
        repeats: the number of the frame that it repeats, or may repeat.
        difference: from that frame, or else from the one before, where they differ most: levels of
            0..255, after the shot is stretched to full contrast. None at the start of a shot.
        chance: how surely it is a repeat, 0..1.
        reason: in words.
    """

    keep: bool
    repeats: int | None
    difference: float | None
    chance: float
    reason: str

    @property
    def doubtful(self) -> bool:
        """Whether a person had better look."""
        return self.chance >= DOUBTFUL and (self.keep or self.chance < 0.95)


def write_table(
    path: str | Path,
    times: Sequence[Fraction],
    shots: Sequence[int],
    decisions: Sequence[Decision],
) -> Path:
    """Write one row a frame, as a table that any editor or spreadsheet opens.

    Args:
        path: of the table.
        times: the start of every frame, in seconds.
        shots: the number of each shot's first frame.
        decisions: one a frame.
    """
    text, path = io.StringIO(), Path(path)
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    shot = 0
    for number, (time, decision) in enumerate(zip(times, decisions, strict=True)):
        shot += number in shots[shot : shot + 1]
        far = decision.difference
        row = [number, f"{float(time):.6f}", shot, "keep" if decision.keep else "drop"]
        row += ["" if decision.repeats is None else decision.repeats]
        row += ["" if far is None else f"{far:.2f}", f"{decision.chance:.3f}", decision.reason]
        table.writerow(row)
    write_atomically(path, text.getvalue().encode())
    return path


def read_table(path: str | Path, times: Sequence[Fraction]) -> tuple[Decision, ...]:
    """Read the decisions back.

    Args:
        path: the table; separated by commas, semicolons or tabs, whatever the spreadsheet made.
        times: the start of every frame of the film that it was made for.

    Raises:
        StageError: the table does not belong to the film, or a row cannot be understood.
    """
    rows = _rows(Path(path))
    if len(rows) != len(times):
        raise StageError(
            f"{path} has {len(rows)} rows where the film has {len(times)} frames; keep one row a "
            "frame, and change only the column 'decision'."
        )
    decisions = []
    for number, (row, time) in enumerate(zip(rows, times, strict=True)):
        try:
            decisions.append(_decision(row, number, time))
        except ValueError as error:
            raise StageError(f"{path}, line {number + 2}: {error}") from None
    return tuple(decisions)


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StageError(f"{path} cannot be read as a table of duplicates: {error}.") from None
    head = text.split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    table = csv.DictReader(io.StringIO(text), delimiter=mark)
    missing = {"frame", "seconds", "decision"} - set(table.fieldnames or ())
    if missing:
        raise StageError(
            f"{path} has no column {' and '.join(sorted(missing))}; its first line has to be "
            f"{','.join(COLUMNS)}."
        )
    return [row for row in table if any(row.values())]


def _decision(row: dict[str, str], number: int, time: Fraction) -> Decision:
    """Return what a row says; raise ValueError with a sentence if it cannot be understood."""
    if (row["frame"] or "").strip() != str(number):
        raise ValueError(f"frame {number} is due here, and {row['frame']!r} was found.")
    if abs(_number(row, "seconds") - float(time)) > 0.002:
        raise ValueError(
            f"frame {number} starts at {float(time):.3f} s in this film, and at {row['seconds']} s "
            "in the table, which was made for another one."
        )
    word = (row["decision"] or "").strip().lower()
    if word not in ("keep", "drop"):
        raise ValueError(f"the decision is {row['decision']!r}; allowed are keep and drop.")
    repeats = (row.get("repeats") or "").strip()
    if repeats and not (repeats.isdigit() and int(repeats) < number):
        raise ValueError(f"it is said to repeat {repeats!r}, which is no frame before it.")
    return Decision(
        word == "keep",
        int(repeats) if repeats else None,
        _number(row, "difference") if (row.get("difference") or "").strip() else None,
        _number(row, "chance") if (row.get("chance") or "").strip() else 0.0,
        row.get("reason") or "by hand",
    )


def _number(row: dict[str, str], column: str) -> float:
    """Return a number, whichever mark the spreadsheet puts before its decimals."""
    try:
        return float((row[column] or "").strip().replace(",", "."))
    except ValueError:
        raise ValueError(f"{column} is {row[column]!r}, which is not a number.") from None

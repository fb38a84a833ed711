"""The decision for every frame, and a table of the decisions that a person may edit."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from helpers.errors import StageError
from helpers.runtime.storage import write_atomically
from helpers.stages.duplicates.decide import DOUBTFUL

_COLUMNS = ("frame", "seconds", "shot", "decision", "repeats", "difference", "chance", "reason")
"""The columns of the CSV. Only `decision` should be changed."""

REPEATS, BY_HAND = "repeats", "by hand"
"""How the reason of every frame begins that was found to be a repeat, and the reason of a decision
that a person changed."""

NUMBER = re.compile(r"[0-9]{1,9}")
"""The number of a frame."""


class OtherFilmError(StageError):
    """A table of decisions was made for another film."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a frame is kept, and why.

    Attributes:
        keep: whether it is kept.
        repeats: the number of the frame that it repeats, or may repeat.
        difference: the difference from that frame, or else from the previous one, where they differ
            most, in levels of 0..255 after stretching the shot to full contrast. None at the start
            of a shot.
        chance: the probability that it is a repeat, 0..1.
        reason: the reason in words.
    """

    keep: bool
    repeats: int | None
    difference: float | None
    chance: float
    reason: str

    @property
    def doubtful(self) -> bool:
        """Whether a person should check it."""
        return self.chance >= DOUBTFUL and (self.keep or self.chance < 0.95)


def write_table(
    path: str | Path,
    times: Sequence[Fraction],
    shots: Sequence[int],
    decisions: Sequence[Decision],
) -> Path:
    """Write one row for each frame, as a table for any editor or spreadsheet.

    Args:
        path: the file to write.
        times: the start of every frame, in seconds.
        shots: the number of each shot's first frame.
        decisions: one for each frame.
    """
    text, path = io.StringIO(), Path(path)
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
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
    """Read the decisions from a table.

    Args:
        path: the table, with commas, semicolons or tabs between its columns.
        times: the start of every frame of the film that it was made for.

    Raises:
        OtherFilmError: the table is for another film.
        StageError: a row is not valid.
    """
    rows = _read_rows(Path(path))
    if len(rows) != len(times):
        raise OtherFilmError(
            f"{path} has {len(rows)} rows, but the film has {len(times)} frames. Keep one row for "
            "each frame, and change only the column 'decision'."
        )
    decisions = []
    for number, (row, time) in enumerate(zip(rows, times, strict=True)):
        try:
            _check_frame(row, number, time, path)
            decisions.append(_parse_row(row, number))
        except OtherFilmError:
            raise
        except ValueError as error:
            raise StageError(f"{path}, line {number + 2}: {error}") from None
    return tuple(decisions)


def _read_rows(path: Path) -> list[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StageError(
            f"{path} cannot be read as a table of duplicates ({error}). Give a CSV file."
        ) from None
    head = text.split("\n", 1)[0]
    mark = max(",;\t", key=head.count)
    table = csv.DictReader(io.StringIO(text), delimiter=mark)
    try:
        rows = [row for row in table if any(row.values())]
    except csv.Error as error:
        raise StageError(
            f"{path} cannot be read as a table of duplicates ({error}). Give a CSV file."
        ) from None
    missing = {"frame", "seconds", "decision"} - set(table.fieldnames or ())
    if missing:
        raise StageError(
            f"{path} has no column {' and '.join(sorted(missing))}. Its first line must be "
            f"{','.join(_COLUMNS)}."
        )
    return rows


def _check_frame(row: dict[str, str], number: int, time: Fraction, path: str | Path) -> None:
    """Raise OtherFilmError if a row is that of a frame that begins at another time.

    Raises:
        ValueError: it has no valid number or time, with a sentence.
    """
    if (row["frame"] or "").strip() != str(number):
        raise ValueError(f"frame {number} is expected here, but {row['frame']!r} was found.")
    if abs(_parse_number(row, "seconds") - float(time)) > 0.002:
        raise OtherFilmError(
            f"{path}, line {number + 2}: frame {number} begins at {float(time):.3f} s in this "
            f"film, but at {row['seconds']} s in the table, which was made for another film."
        )


def _parse_row(row: dict[str, str], number: int) -> Decision:
    """Return the decision in a row; raise ValueError with a sentence if the row is not valid."""
    word = (row["decision"] or "").strip().lower()
    if word not in ("keep", "drop"):
        raise ValueError(f"the decision is {row['decision']!r}; it must be keep or drop.")
    repeats = (row.get("repeats") or "").strip()
    if repeats and not (NUMBER.fullmatch(repeats) and int(repeats) < number):
        raise ValueError(f"'repeats' is {repeats!r}, which is not the number of an earlier frame.")
    keep, reason = word == "keep", row.get("reason") or BY_HAND
    if keep == reason.startswith(f"{REPEATS} "):
        reason = BY_HAND  # only the decision was changed, so the reason is that of the other one
    return Decision(
        keep,
        int(repeats) if repeats else None,
        _parse_number(row, "difference") if (row.get("difference") or "").strip() else None,
        _parse_number(row, "chance") if (row.get("chance") or "").strip() else 0.0,
        reason,
    )


def _parse_number(row: dict[str, str], column: str) -> float:
    """Return a number, written with a decimal point or a decimal comma."""
    text = (row[column] or "").strip().replace(",", ".")
    with suppress(ValueError):
        if math.isfinite(value := float(text)):
            return value
    raise ValueError(f"{column!r} is {row[column]!r}, which is not a number.")

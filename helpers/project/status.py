"""What is in a project, as a table: its stages, their versions, and how much room they take."""

from __future__ import annotations

import html
from dataclasses import dataclass

from helpers.project.versions import Version
from helpers.project.words import format_bytes

HEAD = ("stage", "picture", "frames", "size", "made", "settings")

NUMBERS = {2, 3}
"""The columns that are aligned on the right."""


@dataclass(frozen=True)
class Versions:
    """Versions of stages, shown as a table.

    Attributes:
        rows: the versions, stage by stage, the newest of each first.
    """

    rows: tuple[Version, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> Version:
        return self.rows[number]

    def __repr__(self) -> str:
        lines = [HEAD, *map(_cells, self.rows)]
        wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                f"{cell:{'>' if number in NUMBERS else '<'}{wide[number]}}"
                for number, cell in enumerate(line)
            ).rstrip()
            for line in lines
        )

    def _repr_html_(self) -> str:
        lines = [_row("th", HEAD), *(_row("td", _cells(row)) for row in self.rows)]
        return f"<table>{''.join(lines)}</table>"


@dataclass(frozen=True)
class Status:
    """Everything that a project has saved, shown as a table.

    Attributes:
        folder: the project's folder.
        stages: the versions of all stages, in order, the newest of each first.
        old: how many bytes `Project.remove_old` would free.
    """

    folder: str
    stages: tuple[Version, ...]
    old: int

    @property
    def bytes(self) -> int:
        """The size of everything that is saved."""
        return sum(row.bytes for row in self.stages)

    @property
    def words(self) -> str:
        """What the table says, in sentences."""
        if not self.stages:
            return "Nothing is saved in this project yet."
        said = f"The saved stages take {format_bytes(self.bytes)}."
        if self.old:
            said += (
                f" project.remove_old() deletes all but the newest of every stage, which frees "
                f"{format_bytes(self.old)}."
            )
        return said

    def __repr__(self) -> str:
        table = [repr(Versions(self.stages))] if self.stages else []
        return "\n".join([self.folder, *table, self.words])

    def _repr_html_(self) -> str:
        table = Versions(self.stages)._repr_html_() if self.stages else ""
        return f"<p>{html.escape(self.folder)}</p>{table}<p>{html.escape(self.words)}</p>"


@dataclass(frozen=True)
class Removed:
    """What was deleted.

    Attributes:
        versions: how many versions of stages.
        bytes: how many bytes that made free.
    """

    versions: int
    bytes: int

    def __repr__(self) -> str:
        if not self.versions:
            return "There was nothing to delete."
        what = "1 version was" if self.versions == 1 else f"{self.versions} versions were"
        return f"{what} deleted, which freed {format_bytes(self.bytes)}."


def _cells(row: Version) -> tuple[str, ...]:
    return (
        row.name,
        row.size,
        f"{row.done} of {row.frames}",
        format_bytes(row.bytes),
        row.when,
        row.settings,
    )


def _row(tag: str, cells: tuple[str, ...]) -> str:
    """Return a row of a table; headings are aligned as their columns are."""
    sides = ("right" if number in NUMBERS else "left" for number in range(len(cells)))
    return "<tr>" + "".join(
        f"<{tag} style='text-align:{side}'>{html.escape(cell)}</{tag}>"
        for side, cell in zip(sides, cells, strict=True)
    ) + "</tr>"  # fmt: skip

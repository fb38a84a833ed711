"""The page of a batch: one HTML file with a row for each film, which opens offline.

Its Content-Security-Policy allows no script, and nothing from elsewhere. Whatever comes from names,
reports and messages is escaped here.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from helpers.batch.table import Row
from helpers.errors import SilkPurseError
from helpers.imaging.resample import resize
from helpers.project.report import Report, report_path
from helpers.project.words import describe_steps
from helpers.recipe import recipe_path
from helpers.runtime.storage import write_atomically
from helpers.sharing.page import open_both
from helpers.show.compare import take_rows
from helpers.show.moments import share_time
from helpers.show.picture import clean_label, encode_alike, fit_size

WIDE, HIGH = 240, 180
"""The box of a thumbnail, in pixels."""

BYTES = 40_000
"""The most bytes of the two thumbnails of a film."""

STYLE = """
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif }
body { margin: 1.5rem; }
table { border-collapse: collapse }
th, td { padding: .5rem .8rem; text-align: left; vertical-align: top;
  border-top: 1px solid #8886; overflow-wrap: anywhere; min-width: 4rem; max-width: 24rem }
img { display: block; max-width: 100%; border-radius: 4px; margin-bottom: .3rem }
small { display: block; opacity: .75 }
.failed { color: #c62828; font-weight: 600 }
@media (prefers-color-scheme: dark) { .failed { color: #ff8a80 } }
@media (max-width: 700px) { table, tbody, tr, td { display: block } th { display: none }
  td { border: 0; padding: .2rem 0; max-width: none }
  tr { border-top: 1px solid #8886; padding: .8rem 0 } }
"""


@dataclass
class Entry:
    """What became of a film of a batch.

    Attributes:
        state: "waiting", "running", "finished", "finished before", "interrupted", "skipped" or
            "failed".
        words: why it failed.
        report: of a film that is finished.
        pictures: a moment before and after, as WebP.
    """

    row: Row
    state: str
    words: str = ""
    report: Report | None = None
    pictures: tuple[bytes, ...] = ()


def take_thumbnails(output: Path) -> tuple[bytes, ...]:
    """Return the middle of a film before and after, as WebP; nothing if they have no common one."""
    try:
        film, result, late, _ = open_both(output)
        begin, end = share_time([film, result], [late * 0, late])
        (row,) = take_rows([film, result], [(begin + end) / 2], [late * 0, late], ["", ""])
    except SilkPurseError:
        return ()
    width, height = fit_size(row, WIDE, HIGH)
    return tuple(encode_alike([resize(one.image, width, height) for one in row], BYTES))


def write_page(path: Path, entries: list[Entry]) -> None:
    """Write the page; it gets its name when it is complete."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'"
    )
    states = [entry.state for entry in entries]
    counts = ", ".join(f"{states.count(one)} {one}" for one in dict.fromkeys(states))
    head = "".join(f"<th>{name}</th>" for name in ("Before", "After", "Film", "Done", "Checks"))
    rows = "\n".join(_make_row(path.parent, entry) for entry in entries)
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Restored films</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Restored films</h1>\n<p>{counts or 'No films'}.</p>\n"
        f"<table>\n<tr>{head}</tr>\n{rows}\n</table>\n"
        "<footer><small>Made with Silk Purse. This page needs no network, and sends nothing."
        "</small></footer>\n</body>\n</html>\n"
    )
    write_atomically(path, text.encode())


def _make_row(folder: Path, entry: Entry) -> str:
    row = entry.row
    failed = f'<p class="failed">{_text(entry.words)}</p>' if entry.state == "failed" else ""
    cells = [
        *_pictures(entry.pictures),
        f"<b>{_text(Path(row.film).name)}</b><small>{_text(row.kind)}</small>"
        f"<small>{_text(entry.state)}</small>{failed}{_links(folder, entry)}",
        _done(entry),
        _checks(entry.report),
    ]
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _text(value: object) -> str:
    """Return any value as safe text on one line."""
    return html.escape(clean_label(value))


def _pictures(pictures: tuple[bytes, ...]) -> list[str]:
    sides = zip(("before", "after"), pictures, strict=False)
    made = [
        f'<img alt="{side}" src="data:image/webp;base64,{base64.b64encode(data).decode()}">'
        for side, data in sides
    ]
    return made or ["", ""]


def _links(folder: Path, entry: Entry) -> str:
    """Return links to what was written for a film that is finished."""
    if entry.report is None:
        return ""
    output = folder / entry.row.result
    places = {"film": output, "report": report_path(output), "recipe": recipe_path(output)}
    links = [
        # "./", since a name before a colon would be taken for a protocol.
        f'<a href="./{html.escape(quote(os.fsencode(place.name)))}">{word}</a>'
        for word, place in places.items()
    ]
    return f"<small>{', '.join(links)}</small>"


def _done(entry: Entry) -> str:
    """Return what was done, or what would be, and how long it took, or would take."""
    report, row = entry.report, entry.row
    if report is None:
        about = f"<small>about {_text(row.minutes)} minutes</small>" if row.minutes else ""
        return f"{_text(row.options or row.todo)}{about}"
    steps = describe_steps(report.recipe)
    minutes = report.seconds.get("all", 0.0) / 60
    sizes = f"{report.source.size} to {report.result.size}"
    return f"{_text(steps)}<small>{_text(sizes)}</small><small>{minutes:.1f} minutes</small>"


def _checks(report: Report | None) -> str:
    """Return what was looked at in a result, and what is unusual about it."""
    if report is None:
        return ""
    verdicts: dict[str, list[str]] = {}
    for check in report.checks:
        verdicts.setdefault(str(check.get("verdict")), []).append(str(check.get("name")))
    said = "; ".join(f"{verdict}: {', '.join(names)}" for verdict, names in verdicts.items())
    notes = "".join(f"<small>{_text(note)}</small>" for note in report.notes)
    more = f"<details><summary>Notes: {len(report.notes)}</summary>{notes}</details>"
    return f"{_text(said or 'nothing was checked')}{more if notes else ''}"

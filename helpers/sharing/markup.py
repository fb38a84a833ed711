"""The page to send, as HTML. Whatever comes from files and reports is escaped here.

data = write_page(Content(title, report, plots, style, comparison), pair)
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.project.report import Report
from helpers.sharing.films import Copy, Pair
from helpers.sharing.plots import Plot, draw_plot
from helpers.sharing.story import (
    NOTES,
    list_models,
    list_steps,
    list_versions,
    say_invented,
    tell,
)
from helpers.show.picture import clean_label
from helpers.show.slider import behaviour


@dataclass(frozen=True)
class Content:
    """What a page shows beside its films.

    Attributes:
        title: a line of text.
        style, comparison: of `slider.make_parts`.
    """

    title: str
    report: Report
    plots: list[Plot]
    style: str
    comparison: str


def write_page(content: Content, pair: Pair | None = None) -> bytes:
    """Return the page, without films if there are none yet."""
    style = f"{_read('page.css')}\n{content.style}"
    script = f"(() => {{\nconst startComparison = {behaviour()};\n{_read('page.js')}}})();\n"
    title = html.escape(content.title)
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{make_policy(style, script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}: before and after</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"{_make_body(content, pair)}\n<script>{script}</script>\n</body>\n</html>\n"
    )
    return text.encode()


def make_policy(style: str, script: str) -> str:
    """Return a policy that allows one style and one script, and what the page itself holds."""

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return (
        "default-src 'none'; img-src data: blob:; media-src data: blob:; "
        f"style-src 'sha256-{digest(style)}'; script-src 'sha256-{digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _make_body(content: Content, pair: Pair | None) -> str:
    report = content.report
    sections = [
        f"<h1>{html.escape(content.title)}</h1>",
        '<p class="lead">A restored film, before and after.</p>',
        f"{_paragraphs(tell(report))}{_more_notes(report)}",
        f"<h2>The same moments</h2>\n{content.comparison}",
        _make_films(pair) if pair else "",
        _make_plots(content.plots),
        f"<h2>What is invented</h2>\n{_list(say_invented(report))}",
        f"<h2>How it was made</h2>\n{_make_recipe(report)}",
        "<footer>Made with Silk Purse. This page needs no network, and sends nothing.</footer>",
    ]
    return "\n".join(filter(None, sections))


def _text(value: object) -> str:
    """Return any value as safe text on one line."""
    return html.escape(clean_label(value))


def _paragraphs(lines: Iterable[str]) -> str:
    return "".join(f"<p>{_text(line)}</p>\n" for line in lines)


def _list(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in lines)}</ul>"


def _more_notes(report: Report) -> str:
    """Return the notes that are not in the story."""
    if len(report.notes) <= NOTES:
        return ""
    more = report.notes[NOTES:]
    return f"<details><summary>{len(more)} more notes</summary>{_list(more)}</details>"


def _make_films(pair: Pair) -> str:
    """Return two films with one set of controls; they are hidden until the films are loaded."""
    start, stop = float(pair.start), float(pair.start + pair.seconds)
    views = _choice("view", "View", {"side": "side by side", "split": "split"}, "side")
    heard = pair.before.sound or pair.after.sound
    names = {"before": "before", "after": "after", "none": "off"}
    sounds = _choice("sound", "Sound", names, "after") if heard else ""
    return (
        f"<h2>The same seconds</h2>\n<p>From {start:.1f} to {stop:.1f} s of the film; small "
        'copies, compressed for this page.</p>\n<div class="films">\n<div class="screen">'
        f"{_make_film('before', pair.before)}{_make_film('after', pair.after)}"
        '<i></i><input type="range" class="line" min="0" max="100" value="50" autocomplete="off" '
        'aria-label="Line between before and after"></div>\n'
        '<div class="controls" hidden><button type="button" class="play">play</button>'
        '<input type="range" class="scrubber" min="0" max="1" step="0.01" value="0" '
        f'autocomplete="off" aria-label="Time"><output></output>{views}'
        f"{sounds}</div>\n"
        "<noscript><p>The films need JavaScript.</p></noscript>\n"
        f"{_embed('before', pair.before)}{_embed('after', pair.after)}</div>"
    )


def _make_film(side: str, copy: Copy) -> str:
    """Return the place of a film; of both, only `after` is heard at first."""
    muted = " muted" if side == "before" else ""
    poster = base64.b64encode(copy.poster).decode()
    return (
        f'<figure class="{side}"><video width="{copy.width}" height="{copy.height}" playsinline'
        f'{muted} preload="auto" poster="data:image/jpeg;base64,{poster}"></video>'
        f"<figcaption>{side}</figcaption></figure>"
    )


def _embed(side: str, copy: Copy) -> str:
    """Return a film as data; browsers do not run a script of this type."""
    data = base64.b64encode(copy.data).decode()
    return f'<script type="text/plain" data-film="{side}">{data}</script>\n'


def _choice(name: str, title: str, values: dict[str, str], chosen: str) -> str:
    buttons = "".join(
        f'<button type="button" value="{value}" aria-pressed="{str(value == chosen).lower()}">'
        f"{text}</button>"
        for value, text in values.items()
    )
    group = f'class="choice {name}" role="group" aria-label="{title}"'
    return f"<span {group}>{title}: {buttons}</span>"


def _make_plots(plots: Iterable[Plot]) -> str:
    drawn = "\n".join(map(draw_plot, plots))
    if not drawn:
        return ""
    return (
        '<h2>Measured</h2>\n<p><span class="key before">\N{EM DASH} before</span> '
        f'<span class="key after">\N{EM DASH} after</span></p>\n<div class="plots">{drawn}</div>'
    )


def _make_recipe(report: Report) -> str:
    """Return the steps, the models with their licences, and the versions of the packages."""
    steps = _table(("Step", "Settings"), list_steps(report))
    models = [(one.name, one.licence, one.weights) for one in list_models(report)]
    weights = _table(("Model", "Licence of the weights", "sha256"), models) if models else ""
    machine = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    versions = ", ".join(f"{name} {value}" for name, value in list_versions().items())
    said = [f"Made with: {machine}."] if machine else []
    said.append(f"Versions on the machine that wrote this page: {versions}.")
    return f"{steps}\n{weights}\n{_paragraphs(said)}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table; the third column, if there is one, holds checksums."""
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join(
        f"<tr>{''.join(_cell(number, cell) for number, cell in enumerate(row))}</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def _cell(number: int, text: str) -> str:
    kind = ' class="sum"' if number == 2 else ""
    return f"<td{kind}>{_text(text)}</td>"


@cache
def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")

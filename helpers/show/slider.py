"""Two to six pictures of a moment, one over the other, with a line to move: a comparison in HTML.

It needs no file beside it and no server: pictures, style and behaviour (slider.css, slider.js) are
in the page. The behaviour starts when a picture at its end is loaded. A script element would not
do: browsers ignore one in HTML that is put into a page that is there already, as widgets do it.
Where no script runs, the pictures stand beside each other, and the controls stay hidden.
"""

from __future__ import annotations

import base64
import html
import uuid
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from helpers.show.picture import Picture, encode_alike, fit_size

HELP = (
    "Drag the line, or use the arrow keys. Zoom with +, \N{MINUS SIGN}, the wheel or two fingers, "
    "and then drag the picture. Double-click to reset."
)

KEYS = {
    "F": "hold it to flicker between the two",
    "D": "the difference",
    "X": "swap the two",
    "0": "reset",
    "S": "save what you see",
}
"""The keys of a comparison that has the focus, beside those of HELP."""

SIDE_KEYS = {"1 2 3": "what is on the right", "Shift 1 2 3": "what is on the left"}
"""Those that only more than two candidates need."""

MOMENT_KEYS = {", .": "the moment before or after"}
"""Those that only several moments need."""

WIDE_STRIP = 6
"""So many moments have space for their times on a phone; of more, only one time is shown."""

STARTER = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
"""A picture of one transparent pixel."""


def make_slider(rows: Sequence[Sequence[Picture]], width: int, cap: int, note: str = "") -> str:
    """Return HTML that shows pictures over each other, with a line between two of them.

    Args:
        rows: the pictures of every moment, as many for each.
        width: the greatest width, in pixels.
        cap: the most bytes of the HTML. All pictures are encoded in the best quality that fits.
        note: a sentence for below.
    """
    script = html.escape(f"({behaviour()})(this.parentNode)", quote=True)
    starter = f'<img src="{STARTER}" alt="" hidden onload="{script}">\n'
    style, element = make_parts(rows, width, cap, note, starter)
    return f"<style>{style}</style>\n{element}"


def make_parts(
    rows: Sequence[Sequence[Picture]], width: int, cap: int, note: str = "", starter: str = ""
) -> tuple[str, str]:
    """Return the style of a comparison and its element, for a page that starts it by itself.

    Args:
        rows, width, cap, note: as in `make_slider`.
        starter: HTML that starts it; if empty, the page has to call `behaviour()` on the element.
    """
    from helpers.imaging.resample import resize

    wide, high = size = fit_size(rows[0], width, width * 3 // 4)
    mark = f"compare-{uuid.uuid4().hex[:12]}"
    values = f"--wide: {wide}px; --shape: {wide}/{high}; --moments: {len(rows)}"
    style = f"#{mark} {{{values}}}\n{_read('slider.css').replace('ID', mark)}"
    below = f"{_make_controls(rows)}\n{_make_words(rows, note)}\n{starter}"

    def make(sources: Sequence[str]) -> str:
        return _make_frame(mark, rows[0], f"{_make_stage(rows, sources)}\n{below}")

    images = [resize(picture.image, *size, "bicubic") for row in rows for picture in row]
    room = cap - len(f"{style}{make([''] * len(images))}".encode())
    # Four bytes of base64 stand for three; each picture's is rounded up, after its own header.
    encoded = encode_alike(images, room * 3 // 4 - 32 * len(images))
    coded = (base64.b64encode(data).decode() for data in encoded)
    return style, make([f"data:image/webp;base64,{data}" for data in coded])


def _make_frame(mark: str, row: Sequence[Picture], content: str) -> str:
    """Return the element of a comparison."""
    names = html.escape(" | ".join(picture.name for picture in row))
    # JupyterLab leaves the keys to what has the attribute data-lm-suppress-shortcuts.
    return (
        f'<div id="{mark}" class="silk-purse-comparison" role="group" aria-label="{names}" '
        f'data-lm-suppress-shortcuts="true">\n{content}</div>'
    )


def _make_stage(rows: Sequence[Sequence[Picture]], sources: Sequence[str]) -> str:
    """Return all pictures with their labels, and the line."""
    source = iter(sources)
    figures = [
        f'<figure data-moment="{moment}" data-side="{side}"><div class="layer">'
        f'<img alt="{html.escape(picture.label)}" draggable="false" src="{next(source)}"></div>'
        f"<figcaption>{html.escape(picture.label)}</figcaption></figure>"
        for moment, row in enumerate(rows)
        for side, picture in enumerate(row)
    ]
    return (
        f'<div class="stage"><div class="pictures">\n{"".join(figures)}</div>\n'
        '<span class="told tool"></span><i class="tool"></i><input type="range" class="line tool" '
        'min="0" max="100" value="50" autocomplete="off"></div>'
    )


def _make_controls(rows: Sequence[Sequence[Picture]]) -> str:
    """Return what is below the picture; it is hidden until the behaviour has started."""
    many = len(rows[0]) > 2
    sides = "".join(_make_chips(side, rows[0], many) for side in ("left", "right"))
    return (
        f'<div class="controls" hidden>{_make_strip(rows)}\n{sides}\n<div class="bar">'
        f"{_button('blink', 'hold to flicker')}{_button('subtract', 'difference', 'false')}"
        '<label class="gains" hidden>gain <input type="range" class="gain" min="0" max="5" '
        f'value="2" autocomplete="off"></label>{_button("swap", "swap")}{_button("save", "save")}'
        '<span class="zoom"><button type="button" class="smaller" aria-label="Zoom out">'
        '\N{MINUS SIGN}</button><output aria-live="polite">100 %</output>'
        '<button type="button" class="larger" aria-label="Zoom in">+</button>'
        '<button type="button" class="whole" aria-label="Show the whole picture">reset</button>'
        "</span></div></div>"
    )


def _button(name: str, text: str, pressed: str = "") -> str:
    state = f' aria-pressed="{pressed}"' if pressed else ""
    return f'<button type="button" class="{name}"{state}>{text}</button>'


def _make_chips(side: str, row: Sequence[Picture], many: bool) -> str:
    """Return a button for every candidate of a side; of two there is nothing to choose."""
    chips = "".join(
        f'<button type="button" title="{html.escape(one.name)}">{html.escape(one.name)}</button>'
        for one in row
    )
    hidden = "" if many else " hidden"
    title = f"On the {side}"
    return (
        f'<div class="bar side {side}" role="group" aria-label="{title}"{hidden}>{title}: '
        f"{chips}</div>"
    )


def _make_strip(rows: Sequence[Sequence[Picture]]) -> str:
    """Return a small picture of every moment, and what scrubs over them; nothing for only one."""
    if len(rows) == 1:
        return ""
    cells = "".join(
        f'<span><img alt=""><b>{html.escape(row[0].moment or str(number + 1))}</b></span>'
        for number, row in enumerate(rows)
    )
    many = " many" if len(rows) > WIDE_STRIP else ""
    return (
        f'<div class="strip{many}">{cells}<input type="range" min="0" max="{len(rows) - 1}" '
        'value="0" autocomplete="off" aria-label="Moment"></div>'
    )


def _make_words(rows: Sequence[Sequence[Picture]], note: str) -> str:
    """Return a note for everybody, and how the comparison is used, for where it works."""
    more, later = len(rows[0]) > 2, len(rows) > 1
    keys = {**(SIDE_KEYS if more else {}), **KEYS, **(MOMENT_KEYS if later else {})}
    named = "; ".join(f"<kbd>{key}</kbd> {what}" for key, what in keys.items())
    noted = f"<p>{html.escape(note)}</p>\n" if note else ""
    return f'{noted}<details class="tool"><summary>How to use it</summary>{HELP} {named}.</details>'


def behaviour() -> str:
    """Return the behaviour as a function of a comparison's element, in JavaScript."""
    return f"root => {{\n{_read('slider.js')}}}"


@cache
def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")

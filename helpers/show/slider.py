"""Two pictures, one over the other, and a line between them that is moved: a slider in HTML.

It needs no file beside it and no server: pictures, style and behaviour (slider.css, slider.js) are
in the page. The behaviour starts when a picture at its end is loaded. A script element would not
do: browsers ignore one in HTML that is put into a page that is there already, as widgets do it.
"""

from __future__ import annotations

import base64
import html
import uuid
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from helpers.show.picture import Picture, encode_jpeg, fit_size

HELP = (
    "Drag the line, or use the arrow keys. Zoom with + and \N{MINUS SIGN}, and then drag the "
    "picture. Double-click to reset."
)

STARTER = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
"""A picture of one transparent pixel."""


def make_slider(rows: Sequence[Sequence[Picture]], width: int, cap: int, note: str = "") -> str:
    """Return HTML that shows two pictures and uncovers the second over the first.

    Args:
        rows: the two pictures of every moment; with several, a small picture of each chooses it.
        width: the greatest width, in pixels.
        cap: the most bytes of all pictures of a side together.
        note: a sentence for below.
    """
    wide, high = fit_size(rows[0], width, width * 3 // 4)
    moments = [
        _make_moment(row, n == 0, wide, high, cap // len(rows)) for n, row in enumerate(rows)
    ]
    names = " | ".join(html.escape(picture.name) for picture in rows[0])
    mark = f"compare-{uuid.uuid4().hex[:12]}"
    # JupyterLab leaves the keys to what has the attribute data-lm-suppress-shortcuts.
    return (
        f"<style>{_read('slider.css').replace('ID', mark)}</style>\n"
        f'<div id="{mark}" style="max-width:{wide}px" role="group" aria-label="{names}" '
        'data-lm-suppress-shortcuts="true">\n'
        f'<div class="stage" style="aspect-ratio:{wide}/{high}; --at:50%; --zoom:1; --x:0; --y:0">'
        f"\n{''.join(moments)}<i></i>\n"
        '<input type="range" min="0" max="100" value="50" autocomplete="off" '
        f'aria-label="{names}"></div>\n'
        f'<div class="bar">{_make_thumbs(rows)}<span class="zoom">'
        '<button type="button" class="smaller" aria-label="Zoom out">\N{MINUS SIGN}</button>'
        '<output aria-live="polite">100 %</output>'
        '<button type="button" class="larger" aria-label="Zoom in">+</button>'
        '<button type="button" class="whole" aria-label="Show the whole picture">reset</button>'
        f"</span></div>\n<p>{HELP}</p>{f'<p>{html.escape(note)}</p>' if note else ''}\n"
        f'<img src="{STARTER}" alt="" hidden onload="{_starter()}">\n</div>'
    )


def _make_moment(row: Sequence[Picture], first: bool, wide: int, high: int, cap: int) -> str:
    """Return the two pictures of a moment, at the same size, and their labels."""
    from helpers.imaging.resample import resize

    parts = []
    for side, picture in zip(("", " over"), row, strict=True):
        data = base64.b64encode(encode_jpeg(resize(picture.image, wide, high, "bicubic"), cap))
        label = html.escape(picture.label)
        parts.append(
            f'<div class="layer{side}"><img alt="{label}" draggable="false" '
            f'src="data:image/jpeg;base64,{data.decode()}"></div>'
        )
    labels = "".join(
        f'<span class="label{side}">{html.escape(picture.label)}</span>'
        for side, picture in zip(("", " over"), row, strict=True)
    )
    return f'<div class="moment{" on" if first else ""}">{"".join(parts)}{labels}</div>\n'


def _make_thumbs(rows: Sequence[Sequence[Picture]]) -> str:
    """Return a button for every moment; none if there is only one."""
    if len(rows) == 1:
        return ""
    buttons = [
        f'<button type="button" aria-pressed="{"false" if number else "true"}">'
        f'<img alt="">{html.escape(row[0].moment or str(number + 1))}</button>'
        for number, row in enumerate(rows)
    ]
    return f'<span class="moments bar" role="group" aria-label="Moments">{"".join(buttons)}</span>'


def _starter() -> str:
    """Return the behaviour as an attribute."""
    script = f"(root => {{\n{_read('slider.js')}}})(this.parentNode)"
    return html.escape(script, quote=True)


@cache
def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")

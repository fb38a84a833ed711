"""Boxes for what a panel has to say: a note, or an error in one sentence.

    place = widgets.VBox()
    with guard(place, button):      # the button rests meanwhile
        restore(film)               # an error of this is shown in `place`
    place.children = [note("The film is ready.")]

What a button does runs outside any cell, so nobody would see an error that is not shown here.
"""

from __future__ import annotations

import html
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

from helpers.errors import SilkPurseError

BOX = (
    "padding: 8px 12px; margin: 4px 0; border-left: 4px solid; line-height: 1.5; "
    "white-space: pre-line;"
)
RED = f"{BOX} background: #fdecea; border-color: #c62828; color: #5f1313;"
PLAIN = f"{BOX} background: #eef3fb; border-color: #4a78c2; color: #16305c;"
"""Both set the colour of the text too, since a notebook may be dark or light."""


def note(text: str) -> widgets.HTML:
    """Return a box with a plain text.

    Args:
        text: what to say; not HTML.
    """
    return widgets.HTML(f'<div role="status" style="{PLAIN}">{html.escape(text)}</div>')


def error_box(error: BaseException) -> widgets.HTML:
    """Return a red box that says what went wrong; the traceback is folded away below it."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return widgets.HTML(
        f'<div role="alert" style="{RED}">{html.escape(describe_error(error))}'
        '<details style="margin-top: 4px"><summary>Details</summary>'
        f'<pre style="white-space: pre-wrap; color: inherit; background: none">'
        f"{html.escape(trace)}</pre></details></div>"
    )


def describe_error(error: BaseException) -> str:
    """Return what an error means for the person at the notebook."""
    if isinstance(error, SilkPurseError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "You stopped this before it was finished. Start it again to go on."
    found = f"{type(error).__name__}: {error}".strip(": ")
    return (
        f"Something went wrong that this program does not know ({found}). Try it again. If the "
        "same happens, please report it with the details below."
    )


@contextmanager
def guard(place: widgets.Box, *buttons: Any) -> Iterator[None]:
    """Run the body of a `with` for a panel: empty the place first, and show an error in it.

    The error ends there and is not raised; an exit of the interpreter is.

    Args:
        place: a box that is kept for messages; what is in it is replaced.
        buttons: widgets that have `disabled`. It is set while the body runs, so that nothing is
            started twice; afterwards each is as it was before.
    """
    before = [button.disabled for button in buttons]
    place.children = ()
    try:
        for button in buttons:
            button.disabled = True
        yield
    except (Exception, KeyboardInterrupt) as error:
        place.children = (error_box(error),)
    finally:
        for button, disabled in zip(buttons, before, strict=True):
            button.disabled = disabled

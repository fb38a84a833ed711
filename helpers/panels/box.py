"""Boxes for what a panel has to say: a note, or an error in one sentence.

    place = widgets.VBox()
    with guard(place, button):      # the button rests meanwhile
        restore(film)               # an error of this is shown in `place`
    place.children = [note("The film is ready.")]

What a button does runs outside any cell, so nobody would see an error that is not shown here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

from helpers.runtime.notebook import error_html, note_html

log = logging.getLogger("helpers")


def note(text: str) -> widgets.HTML:
    """Return a box with a plain text.

    Args:
        text: what to say; not HTML.
    """
    return widgets.HTML(note_html(text))


def error_box(error: BaseException) -> widgets.HTML:
    """Return a red box that says what went wrong; the traceback is folded away below it."""
    return widgets.HTML(error_html(error))


def show_panel(root: widgets.Widget, words: str = "", shown: Any = None) -> Any:
    """Display a panel below the cell, and return what can be given as `shown` later.

    Args:
        words: what it says, for a page that shows no widgets.
        shown: a panel that is displayed already, whose words are replaced.
    """
    from IPython.display import display

    view = {"version_major": 2, "version_minor": 0, "model_id": root.model_id}
    content = {"application/vnd.jupyter.widget-view+json": view, "text/plain": words}
    if shown is None:
        return display(content, raw=True, display_id=True)
    shown.update(content, raw=True)
    return shown


@contextmanager
def quiet() -> Iterator[None]:
    """Log nothing of this package, where a panel says what is to be said."""
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


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

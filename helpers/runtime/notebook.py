"""What a notebook says of an error: one sentence in a box, with the traceback folded away.

show_errors_in_boxes()      # for every cell from now on; `start` calls it
"""

from __future__ import annotations

import html
import logging
import sys
import traceback
from types import TracebackType
from typing import Any

from helpers.errors import SilkPurseError
from helpers.progress import bar_stream

BOX = (
    "padding: 8px 12px; margin: 4px 0; border-left: 4px solid; line-height: 1.5; "
    "white-space: pre-line;"
)
RED = f"{BOX} background: #fdecea; border-color: #c62828; color: #5f1313;"
PLAIN = f"{BOX} background: #eef3fb; border-color: #4a78c2; color: #16305c;"
"""Both set the colour of the text too, since a notebook may be dark or light."""


def begin_logging() -> None:
    """Print what is logged, unless somebody else has decided where it goes."""
    if not logging.getLogger().handlers:
        logging.basicConfig(format="%(message)s", stream=bar_stream())


def show_errors_in_boxes() -> None:
    """Show this package's errors, and interrupts, in boxes; all others as IPython does."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((SilkPurseError, KeyboardInterrupt), _show)


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> list[str]:
    """Show an error in a box; IPython tells the front end with what is returned."""
    from IPython.display import display

    words = describe_error(error)
    content = {"text/html": error_html(error.with_traceback(trace)), "text/plain": words}
    display(content, raw=True)
    return [words]


def error_html(error: BaseException) -> str:
    """Return a red box that says what went wrong; the traceback is folded away in it."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return (
        f'<div role="alert" style="{RED}">{html.escape(describe_error(error))}'
        '<details style="margin-top: 4px"><summary>Details</summary>'
        f'<pre style="white-space: pre-wrap; color: inherit; background: none">'
        f"{html.escape(trace)}</pre></details></div>"
    )


def note_html(text: str) -> str:
    """Return a box with a plain text, which is no HTML."""
    return f'<div role="status" style="{PLAIN}">{html.escape(text)}</div>'


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

"""A place in the output of a cell whose pictures can be replaced later, by any cell or button."""

from __future__ import annotations

from typing import Any

from helpers.show.view import View


class Place:
    """Shows views. They are no widgets, so that they stay in a saved page."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, *views: View) -> None:
        """Show views in place of those that are there."""
        from IPython.display import display

        pages = [one["text/html"] for view in views for one in view.outputs if "text/html" in one]
        words = "\n".join(view.sentence for view in views)
        content = {"text/html": "\n".join(pages), "text/plain": words}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def page(html_text: str, words: str) -> View:
    """Return a piece of HTML as a view.

    Args:
        words: the same in plain text, for what shows no HTML.
    """
    return View(words, ({"text/html": html_text, "text/plain": words},))

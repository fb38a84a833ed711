"""Choose a film: by a parameter, or by hand in a panel below the cell.

    film = choose_film("")         # returns at once; the panel changes it later

This part needs no ipywidgets, so that the same cell runs in a plain Python.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import SilkPurseError
from helpers.video.open import check_film
from helpers.video.recent import remember_film
from helpers.video.sources import find_film

if TYPE_CHECKING:
    from helpers.panels.film import FilmPanel

_by_hand: dict[str, Path] = {}
"""The film that was chosen in the panel, by the source that the cell had then; one at most."""

AGAIN = "Now run this cell again, and the cells below."
"""What to do after a choice: the next cells still have the film that the cell returned before."""


def choose_film(
    source: str = "",
    on_change: Callable[[Path], object] | None = None,
    *,
    sample: str = "talk",
) -> Path:
    """Return a film, and show a panel in which another one can be chosen.

    A film that was chosen in the panel is returned when the same cell runs again.

    Args:
        source: see `find_film`.
        on_change: called with each film that is chosen in the panel. Without it, the panel says to
            run the cell again.
        sample: which sample is used where there is no other film; see `find_film`.

    Raises:
        VideoOpenError: there is no such film, or it is none. The panel is shown nevertheless.
    """
    if source not in _by_hand:
        _by_hand.clear()
    chosen = _by_hand.get(source)
    panel = _show_panel(source, on_change, sample) if can_show_panels() else None
    try:
        film = chosen if chosen and chosen.is_file() else find_film(source, sample)
        check_film(film)
        if panel:
            panel.show(film)
    except SilkPurseError as error:
        if panel:
            panel.show_error(error)
        raise
    if source.strip():
        remember_film(film)
    return film


def can_show_panels() -> bool:
    """Tell whether this runs in a notebook that has ipywidgets."""
    if find_spec("ipywidgets") is None or find_spec("IPython") is None:
        return False
    from IPython.core.getipython import get_ipython

    return hasattr(get_ipython(), "kernel")


def _show_panel(source: str, on_change: Callable[[Path], object] | None, sample: str) -> FilmPanel:
    """Show a panel below the cell, without a film yet."""
    from helpers.panels.box import show_panel
    from helpers.panels.film import FilmPanel

    def take(film: Path) -> str:
        _by_hand.clear()
        _by_hand[source] = film
        if on_change is None:
            return AGAIN
        on_change(film)
        return ""

    panel = FilmPanel(take, sample)
    show_panel(panel.root, "In a notebook, another film can be chosen here.")
    return panel

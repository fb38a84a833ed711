"""The panel in which a film is chosen, made of the widgets that every front end has.

panel = FilmPanel(on_change=lambda film: f"{film.name} it is.")
display(panel.root)
panel.show(film)
"""

from __future__ import annotations

import html
import io
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from helpers.panels.box import error_box, guard, note
from helpers.project.words import format_bytes, format_duration
from helpers.runtime.machine import on_colab
from helpers.video.download import ENDINGS
from helpers.video.glance import Glance, glance
from helpers.video.recent import recent_films, remember_film
from helpers.video.sources import films_on_drive, find_film
from helpers.video.upload import save_upload, upload_film

PICTURE = 320
"""The greatest width and height of the picture, in pixels."""

HINT = (
    '<div style="line-height: 1.4; font-size: 90%">Upload takes films of up to 10 MB here. Drag a '
    "larger film into the list of files of your notebook program, and give its path.</div>"
)
"""A larger message ends the connection to Jupyter's server, so nothing can be said afterwards."""


class FilmPanel:
    """A film's picture and facts, and the ways to choose another one.

    Args:
        on_change: called with each film that is chosen. What it returns is shown as a note.
        sample: which sample the button for it chooses; see `sources.sample`.

    Attributes:
        root: the widget to display.
        where, open_button, drive_list, recent_list, upload_button, sample_button: the controls. The
            lists are not shown when they are empty.
        messages: the box that holds a note or an error.
    """

    def __init__(self, on_change: Callable[[Path], str], sample: str = "talk") -> None:
        self._on_change = on_change
        self._picture = widgets.Image(format="jpeg", layout=widgets.Layout(display="none"))
        self._facts = widgets.HTML()
        self._output = widgets.Output()  # holds Colab's dialog and the bar of a download
        self.messages = widgets.VBox()
        wide = widgets.Layout(width="min(100%, 420px)")
        self.where = widgets.Text(placeholder="path or link", layout=wide)
        self.where.on_msg(self._open_on_enter)
        self.open_button = self._make_button("Open", self._find_typed)
        self.drive_list = self._make_list("A video on your Drive ...", films_on_drive())
        self.recent_list = self._make_list("A film that you used before ...", recent_films())
        self.sample_button = self._make_button("Sample", partial(find_film, "sample", sample))
        self.upload_button: Any = None
        self._uploads = widgets.HBox()
        self._renew_upload()
        self.root = self._lay_out()

    def _lay_out(self) -> widgets.VBox:
        """Return all widgets in their places."""
        lists = [box for box in (self.drive_list, self.recent_list) if len(box.options) > 1]
        hint = widgets.HTML("" if on_colab() else HINT)
        rows = [
            [self._picture, self._facts],
            [self.where, self.open_button],
            lists,
            [self._uploads, self.sample_button, hint],
        ]
        flow = widgets.Layout(flex_flow="row wrap")
        shown = [widgets.HBox(row, layout=flow) for row in rows if row]
        return widgets.VBox([*shown, self._output, self.messages])

    def show(self, film: Path) -> None:
        """Show a film's picture and facts.

        Raises:
            VideoOpenError: it is no film.
        """
        seen = glance(film)
        self._picture.value = encode_picture(seen)
        self._picture.layout.display = ""
        self._facts.value = (
            f'<div style="line-height: 1.5; padding-left: 8px"><b>{html.escape(film.name)}</b><br>'
            f"{describe_film(seen)}<br><small>{html.escape(str(film.absolute().parent))}</small></div>"
        )

    def show_error(self, error: BaseException) -> None:
        """Show what went wrong elsewhere."""
        self.messages.children = (error_box(error),)

    def choose(self, find: Callable[[], Path]) -> None:
        """Find a film, show it, remember it and hand it on; what goes wrong is shown."""
        found = []
        with self._output, guard(self.messages, *self._controls()):
            film = find()
            self.show(film)
            remember_film(film)
            found.append(film)
        self._output.clear_output()
        for film in found:
            with guard(self.messages, *self._controls()):
                said = self._on_change(film)
                self.messages.children = (note(said),) if said else ()

    def _controls(self) -> list[Any]:
        """Return all that rests while a film is fetched."""
        buttons = [self.open_button, self.upload_button, self.sample_button]
        return [self.where, self.drive_list, self.recent_list, *buttons]

    def _find_typed(self) -> Path:
        """Return the film whose path or link was typed."""
        return find_film(self.where.value)

    def _open_on_enter(self, _: object, content: dict[str, Any], __: object) -> None:
        """Do what "Open" does when Enter is pressed in the field."""
        if content.get("event") == "submit":
            self.choose(self._find_typed)

    def _make_button(self, label: str, find: Callable[[], Path]) -> widgets.Button:
        """Return a button that chooses a film."""
        button = widgets.Button(description=label, layout=widgets.Layout(width="auto"))
        button.on_click(lambda _: self.choose(find))
        return button

    def _make_list(self, label: str, films: Sequence[Path]) -> widgets.Dropdown:
        """Return a list that chooses a film, below a first line that is none."""
        options: list[tuple[str, Path | str]] = [(label, "")]  # for None a browser shows no line
        for film in films:
            with suppress(OSError):  # it is gone since it was found
                options.append((describe_file(film), film))
        box = widgets.Dropdown(options=options, layout=widgets.Layout(width="min(100%, 420px)"))
        box.observe(self._choose_from_list, "value")
        return box

    def _choose_from_list(self, change: dict[str, Any]) -> None:
        """Choose a film of a list; the list goes back to its first line, to be used again."""
        film = change["new"]
        if film:
            self.choose(lambda: film)
            change["owner"].value = ""

    def _renew_upload(self) -> None:
        """Show a fresh button for an upload; the old one holds the whole film in memory."""
        if on_colab():  # where the widget takes only one MB
            self.upload_button = self._make_button("Upload", upload_film)
        else:
            accepted = ",".join(["video/*", *sorted(ENDINGS)])
            self.upload_button = widgets.FileUpload(accept=accepted, multiple=False)
            self.upload_button.observe(self._take_upload, "value")
        self._uploads.children = (self.upload_button,)

    def _take_upload(self, change: dict[str, Any]) -> None:
        """Write what the browser has sent to the disk, and let go of it."""
        arrived = read_upload(change["new"])
        if arrived is None:
            return
        name, size, content = arrived
        self.choose(lambda: save_upload(name, content, size))
        old = self.upload_button
        self._renew_upload()
        old.close()


def read_upload(value: Any) -> tuple[str, int, bytes | memoryview] | None:
    """Return name, stated size in bytes and content of an upload; None if there is none.

    Args:
        value: that of a `FileUpload`: in ipywidgets 7 a dictionary of files by their names, in
            ipywidgets 8 a tuple of them.
    """
    for row in value.values() if isinstance(value, dict) else value:
        facts = row.get("metadata", row)
        return facts["name"], facts["size"], row["content"]
    return None


def describe_film(seen: Glance) -> str:
    """Return a film's size, length, shape and rate in words."""
    height, width = seen.image.shape[:2]
    facts = [format_bytes(seen.bytes)]
    facts += [format_duration(seen.seconds)] if seen.seconds else []
    shown = f", shown as {round(width * seen.sar)}x{height}" if seen.sar != 1 else ""
    facts += [f"{width}x{height}{shown}"]
    facts += [f"{seen.fps:.4g} frames a second"] if seen.fps else []
    return ", ".join(facts)


def describe_file(film: Path) -> str:
    """Return a line for a list: the name of a film, its size and the day it was written."""
    facts = film.stat()
    day = time.strftime("%Y-%m-%d", time.localtime(facts.st_mtime))
    return f"{film.name} ({format_bytes(facts.st_size)}, {day})"


def encode_picture(seen: Glance) -> bytes:
    """Return a small JPEG of a film's picture in its display aspect ratio."""
    from PIL import Image

    height, width = seen.image.shape[0], float(seen.image.shape[1] * seen.sar)
    scale = min(PICTURE / max(width, height), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    file = io.BytesIO()
    Image.fromarray(seen.image).resize(size).save(file, "JPEG", quality=85)
    return file.getvalue()

"""The panel that shows one frame, enlarged by several models, and lets a click choose one."""

from __future__ import annotations

import html
import io
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import ipywidgets as widgets
import numpy as np
from PIL import Image

from helpers.catalog.table import Model, models
from helpers.clip import Clip, MemoryClip
from helpers.estimates import time_model
from helpers.panels.box import guard, note, show_panel
from helpers.panels.choose import AGAIN, can_show_panels
from helpers.project.words import format_duration
from helpers.show.picture import Part
from helpers.show.telling import find_part, find_stretch
from helpers.stages.upscale.find import suggest
from helpers.stages.upscale.stage import Upscale

SHOWN = ("bicubic", "animevideov3", "general-x4v3", "x4plus", "x4plus-anime", "realwebphoto-dat2")
"""What is compared, as far as it is here: plain enlarging, and networks from quick to slow."""

MOST = 5
"""So many models stand beside each other."""

SIDE = 96
"""The longer side of the part of the frame that is enlarged, in pixels of the film."""

WIDE = 200
"""The width of a picture on the screen, in pixels."""


@dataclass(frozen=True)
class Trial:
    """A model's picture, and what it would take for the whole film.

    Attributes:
        image: (H, W, 3) uint8.
        seconds: for all frames.
    """

    name: str
    image: np.ndarray
    seconds: float

    @property
    def cost(self) -> str:
        """The time for the whole film, in words."""
        if self.name in PLAIN:
            return "seconds"
        return f"about {format_duration(self.seconds)}"


PLAIN = ("bicubic", "bilinear", "lanczos")
"""Ways of enlarging that are no networks."""


class ModelsPanel:
    """A row of pictures, each with a button below it.

    Args:
        clip: gives the film.
        chosen: gives the name of the model that is chosen, or "".
        choose: is called with the model whose button is pressed.

    Attributes:
        root: the widget to display.
        buttons: by the names of the models.
    """

    def __init__(
        self,
        clip: Callable[[], Clip],
        chosen: Callable[[], str],
        choose: Callable[[str], object],
    ) -> None:
        self._clip, self._chosen, self._choose = clip, chosen, choose
        self.buttons: dict[str, widgets.Button] = {}
        self.row = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap"))
        self.state, self.messages = widgets.HTML(), widgets.VBox()
        self.root = widgets.VBox([self.state, self.row, self.messages])

    def show(self, number: int = 0) -> None:
        """Display the panel, and choose a model by its number, from 1."""
        shown = show_panel(self.root)
        trials = self._fill()
        lines = [f"{n}: {one.name}, {one.cost}" for n, one in enumerate(trials, 1)]
        show_panel(self.root, "\n".join(lines), shown)
        if 0 < number <= len(trials):
            self.choose(trials[number - 1].name)

    def refresh(self, event: str) -> None:
        """Show another film, or mark another choice; see `state.Event`."""
        if event == "film":
            with guard(self.messages):
                self._fill()
        elif event == "choices":
            self._mark()

    def choose(self, name: str) -> None:
        """Enlarge the film by a model."""
        with guard(self.messages, *self.buttons.values()):
            self._choose(name)
        self._mark()

    def _fill(self) -> list[Trial]:
        """Make the pictures of all models."""
        self.state.value = "Enlarging one piece of a frame by several models ..."
        trials = try_models(self._clip())
        self.buttons = {one.name: self._make_button(one) for one in trials}
        self.row.children = [self._make_cell(n, one) for n, one in enumerate(trials, 1)]
        self._mark()
        return trials

    def _make_button(self, trial: Trial) -> widgets.Button:
        button = widgets.Button(description=trial.name, layout=widgets.Layout(width=f"{WIDE}px"))
        button.on_click(lambda _: self.choose(trial.name))
        return button

    def _make_cell(self, number: int, trial: Trial) -> widgets.VBox:
        """Return a picture, the button that chooses its model, and what it takes."""
        picture = io.BytesIO()
        Image.fromarray(trial.image).save(picture, "JPEG", quality=92)
        image = widgets.Image(
            value=picture.getvalue(), format="jpeg", layout=widgets.Layout(width=f"{WIDE}px")
        )
        words = widgets.HTML(f"{number}: {html.escape(trial.cost)} for the whole film")
        return widgets.VBox([image, self.buttons[trial.name], words])

    def _mark(self) -> None:
        """Mark the model that is chosen."""
        chosen = self._chosen()
        for name, button in self.buttons.items():
            button.button_style = "success" if name == chosen else ""
            button.icon = "check" if name == chosen else ""
        said = f"The film is enlarged by {chosen}." if chosen else "The film is not enlarged."
        self.state.value = f"{html.escape(said)} Press a button to choose another model."


_by_hand: dict[str, str] = {}
"""The model that was chosen by a button, by the one that the cell names; one at most."""


def choose_model(clip: Clip, model: str) -> str:
    """Return the model to enlarge a clip by, and show what several make of one of its frames.

    A model that was chosen by its button is returned when the same cell runs again.

    Args:
        model: its name, or its number among those that are shown, from 1.
    """
    if model not in _by_hand:
        _by_hand.clear()
    names = [one.name for one in find_models()]
    number = int(model) if model.isdecimal() else 0
    named = names[number - 1] if 0 < number <= len(names) else model
    if not can_show_panels():
        return named

    def take(name: str) -> None:
        _by_hand[model] = name
        panel.messages.children = (note(AGAIN),)

    panel = ModelsPanel(lambda: clip, lambda: _by_hand.get(model, named), take)
    panel.show()
    return _by_hand.get(model, named)


def find_models() -> list[Model]:
    """Return the models that are compared: those that are here, from quick to slow."""
    here = [model for model in models("upscale") if model.present and model.name in SHOWN]
    return sorted(here, key=lambda model: SHOWN.index(model.name))[:MOST]


def try_models(clip: Clip) -> list[Trial]:
    """Enlarge the most detailed piece of a telling frame by several models."""
    begin, end = find_stretch(clip, 1)
    image = clip.at((begin + end) / 2).image
    piece = _cut_piece(image, find_part(image))
    share = suggest(clip).strength
    return [_try_model(model, share, piece, image, len(clip)) for model in find_models()]


def _try_model(
    model: Model, share: Fraction, piece: np.ndarray, image: np.ndarray, frames: int
) -> Trial:
    """Enlarge a piece of a frame four times, and time the whole frame.

    Args:
        share: the strength of networks for this film.
    """
    still = MemoryClip([piece], [Fraction(0)], Fraction(1))
    strength = None if model.plain else share
    large = Upscale(model.name, Fraction(4), strength=strength)(still)[0].image
    shallow = large if large.dtype == np.uint8 else (large >> 8).astype(np.uint8)
    seconds = 0.0 if model.name in PLAIN else time_model(model, image) * frames
    return Trial(model.name, shallow, seconds)


def _cut_piece(image: np.ndarray, part: Part) -> np.ndarray:
    """Return a part of a picture, at most SIDE pixels wide and high, around its middle."""
    height, width = image.shape[:2]
    left, top, wide, high = part
    across, down = min(SIDE, width), min(SIDE * 3 // 4, height)
    x = round(min(max((left + wide / 2) * width - across / 2, 0), width - across))
    y = round(min(max((top + high / 2) * height - down / 2, 0), height - down))
    return np.ascontiguousarray(image[y : y + down, x : x + across])

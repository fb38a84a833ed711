"""What a run panel shows of a run: a bar for each step and one for all, speed, and pictures."""

from __future__ import annotations

import io
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
from PIL import Image

from helpers.clip import Clip, Frame
from helpers.errors import SilkPurseError
from helpers.estimates import RENDER, Estimate
from helpers.project.versions import END_TO_END
from helpers.project.words import format_duration

EVERY = 3.0
"""Seconds between the pictures that are shown. Each is decoded once more for that."""

OFTEN = 0.5
"""Seconds between two changes of a bar."""

HIGH = 240
"""The height of the pictures."""

TITLES = {
    "find shots": "Finding the shots",
    "find duplicates": "Finding repeated frames",
    END_TO_END: "Making the frames",
    RENDER: "Writing the film",
}
"""What the steps of a run are called; others are called by their own names."""


@dataclass
class StepBar:
    """The bar of one step.

    Attributes:
        total, count: frames in all, and frames that are finished.
        before: frames that were finished when the run began.
    """

    label: str
    total: int
    before: int
    count: int = 0
    begun: float = field(default_factory=time.monotonic)
    shown: float = 0.0

    def __post_init__(self) -> None:
        self.count = self.before
        self.bar = widgets.IntProgress(max=max(self.total, 1), value=self.before)
        self.words = widgets.HTML()
        title = TITLES.get(self.label, self.label.capitalize())
        name = widgets.HTML(title, layout=widgets.Layout(width="180px"))
        self.root = widgets.HBox([name, self.bar, self.words])

    @property
    def share(self) -> float:
        """The part that is finished, 0 to 1."""
        return self.count / max(self.total, 1)

    @property
    def rate(self) -> float:
        """Frames a second in this run."""
        return (self.count - self.before) / max(time.monotonic() - self.begun, 1e-3)

    def show(self) -> None:
        """Bring the bar up to date."""
        self.bar.value = self.count
        left = (self.total - self.count) / self.rate if self.rate else None
        parts = [f"{self.count} of {self.total} frames"]
        if self.count > self.before:
            parts.append(f"{self.rate:.3g} a second")
        if left:
            parts.append(f"{format_duration(left)} left")
        self.words.value = ", ".join(parts)
        if self.count >= self.total:
            self.bar.bar_style = "success"


class PanelWatch:
    """Follows a run for a panel; see `run.Watch`.

    Args:
        clip: the film, which is shown beside what is made of it.
        estimate: what the run was estimated to take; it weighs the steps in the bar for all.

    Attributes:
        root: the widget with the bars and the pictures.
    """

    def __init__(self, clip: Clip, estimate: Estimate | None = None) -> None:
        self._clip, self._stop = clip, threading.Event()
        self._steps: dict[str, StepBar] = {}
        self._weights = _weigh_steps(estimate)
        self._pictured = 0.0
        self.all = widgets.FloatProgress(max=1.0, bar_style="info")
        self._words = widgets.HTML()
        name = widgets.HTML("<b>All</b>", layout=widgets.Layout(width="180px"))
        self._head = widgets.HBox([name, self.all, self._words])
        self._pair = widgets.HBox(layout=widgets.Layout(flex_flow="row wrap"))
        self.root = widgets.VBox([self._head, self._pair])

    def begin(self, label: str, total: int, done: int) -> None:
        """Show a bar for a step."""
        self._steps[label] = StepBar(label, total, done)
        rows = [step.root for step in self._steps.values()]
        self.root.children = [self._head, *rows, self._pair]
        self._show(self._steps[label])

    def advance(self, label: str, count: int) -> None:
        """Move the bar of a step on."""
        step = self._steps[label]
        step.count += count
        if time.monotonic() - step.shown > OFTEN or step.count >= step.total:
            self._show(step)

    def frame(self, number: int, clip_frame: Frame) -> None:
        """Show a frame beside the film's, every few seconds."""
        if time.monotonic() - self._pictured < EVERY:
            return
        with suppress(SilkPurseError):  # pictures are not worth an error
            before = self._clip.at(clip_frame.time).image
            self._pair.children = [_make_picture(before), _make_picture(clip_frame.image)]
        self._pictured = time.monotonic()

    def stopped(self) -> bool:
        """Tell whether the person wants to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Stop the run at the next frame."""
        self._stop.set()

    @property
    def rate(self) -> float:
        """How many frames of the result were made in a second; 0 if none was made."""
        step = self._steps.get(END_TO_END)
        return step.rate if step else 0.0

    def _show(self, step: StepBar) -> None:
        step.shown = time.monotonic()
        step.show()
        steps = self._steps
        done = sum(w * steps[name].share for name, w in self._weights.items() if name in steps)
        self.all.value = done / sum(self._weights.values())
        self._words.value = f"{self.all.value:.0%}"


def _weigh_steps(estimate: Estimate | None) -> dict[str, float]:
    """Return how much of a run each of its long steps is."""
    if estimate is None or not estimate.seconds:
        return {END_TO_END: 0.9, RENDER: 0.1}
    render = sum(seconds for name, seconds in estimate.steps if name == RENDER)
    return {END_TO_END: max(estimate.making, 0.1), RENDER: max(render, 0.1)}


def _make_picture(image: np.ndarray) -> widgets.Image:
    """Return a frame, (H, W, 3) uint8 or uint16, as a small picture."""
    shallow = image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8)
    picture, data = Image.fromarray(shallow), io.BytesIO()
    width = round(picture.width * HIGH / picture.height)
    picture.resize((width, HIGH), Image.Resampling.BICUBIC).save(data, "JPEG", quality=85)
    return widgets.Image(value=data.getvalue(), format="jpeg", width=width, height=HIGH)

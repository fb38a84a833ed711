"""The panel that says what is wrong with a film, and ticks what would be done about it."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as widgets

from helpers.advice import Advice
from helpers.audio.methods import METHODS
from helpers.catalog.table import models
from helpers.panels.box import guard, show_panel
from helpers.panels.state import Event, State

ROLES = ("upscale", "interpolate", "colorize")
"""The options whose values are models."""


LOOKING = "Looking at the film and listening to it ..."


class AdvicePanel:
    """One line for each step: a tick, how it is done, and why.

    Attributes:
        root: the widget to display.
        ticks: the check boxes, by the names of the steps.
        fields: what else can be changed, by the names of the options.
    """

    def __init__(self, job: State) -> None:
        self.job = job
        self.ticks: dict[str, widgets.Checkbox] = {}
        self.fields: dict[str, Any] = {}
        self.messages = widgets.VBox()
        self.lines = widgets.VBox()
        self.root = widgets.VBox([self.lines, self.messages])

    def show(self, begin: Callable[[], object] | None = None) -> None:
        """Display the panel, and the same in words for what shows no widgets.

        Args:
            begin: is called before the lines are filled.
        """
        self.lines.children = [widgets.HTML(LOOKING)]
        shown = show_panel(self.root)
        if begin:
            begin()
        self._fill()
        self.job.follow("advice", self.refresh)
        show_panel(self.root, self.describe(), shown)

    def describe(self) -> str:
        """Say what will be done, and why, in a few lines."""
        found = self.job.found
        done = [s for s in found.steps if s.name in self.job.ticked]
        lines = [f"{step.title}: {step.reason}" for step in done]
        return "\n".join([f"This is {found.kind}.", *(lines or ["It needs nothing."])])

    def refresh(self, event: Event) -> None:
        """Show another film, or what was chosen elsewhere."""
        if event == "film":
            self.lines.children = [widgets.HTML(LOOKING)]
            with guard(self.messages):
                self._fill()
        elif event == "choices":
            for name, tick in self.ticks.items():
                tick.value = name in self.job.ticked
            for name, value in self.job.options.items():
                if name in self.fields and value in self.fields[name].options:
                    self.fields[name].value = value

    def _fill(self) -> None:
        found = self.job.found
        head = widgets.HTML(f"<b>This is {html.escape(found.kind)}.</b>")
        self.ticks, self.fields = {}, {}
        self.lines.children = [head, *(self._make_line(step) for step in found.steps)]

    def _make_line(self, step: Advice) -> widgets.HBox:
        """Return the line of a step."""
        tick = widgets.Checkbox(
            value=step.name in self.job.ticked,
            description=step.title,
            disabled=not step.options,
            indent=False,
            layout=widgets.Layout(width="250px"),
        )
        tick.observe(partial(self._set_tick, step.name), "value")
        self.ticks[step.name] = tick
        fields = [self._make_field(step.name, *one) for one in step.options.items()]
        why = widgets.HTML(
            f"<span style='line-height: 1.5'>{html.escape(step.reason)}</span>",
            layout=widgets.Layout(flex="1 1 260px"),
        )
        wrap = widgets.Layout(flex_flow="row wrap", align_items="baseline")
        return widgets.HBox([tick, *filter(None, fields), why], layout=wrap)

    def _make_field(self, step: str, name: str, value: Any) -> Any:
        """Return a list of the values that an option may have; None if it has no others."""
        choices = _choices_of(name, self.job.options.get(name, value))
        if not choices:
            return None
        chosen = self.job.options.get(name, value)
        field = widgets.Dropdown(
            options=choices, value=chosen, layout=widgets.Layout(width="170px")
        )
        field.observe(partial(self._set_option, step, name), "value")
        self.fields[name] = field
        return field

    def _set_tick(self, step: str, change: dict[str, Any]) -> None:
        if change["new"] != (step in self.job.ticked):
            with guard(self.messages):
                self.job.change(step, change["new"])

    def _set_option(self, step: str, name: str, change: dict[str, Any]) -> None:
        if change["new"] != self.job.options.get(name):
            with guard(self.messages):
                self.job.change(step, True, **{name: change["new"]})


def _choices_of(name: str, value: Any) -> list[Any]:
    """Return the values that can be chosen for an option; the given one is among them."""
    if name in ROLES:
        here = [model.name for model in models(name) if model.present]
        return here if value in here else [value, *here]
    if name == "audio":
        return list(METHODS) if value in METHODS else [value, *METHODS]
    return []

"""What the panels of the end-to-end notebook share: a film, and what is to be done with it.

state = State()
state.open("talk.mp4")
state.found                        # what is recommended
state.follow("mine", print)        # is told of every change
state.change("upscale", False)
state.plan
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from helpers.advice import OPTIONAL, Recommendation, recommend
from helpers.clip import Clip
from helpers.errors import StageError
from helpers.estimates import Estimate
from helpers.plan import NONE, Plan
from helpers.project.folder import project_folder
from helpers.project.project import Project
from helpers.project.report import Report
from helpers.retime import Trim
from helpers.video.sources import find_film

Event = Literal["film", "choices", "result"]
"""What has changed: the film, what is to be done with it, the result."""

RECOMMENDED = "recommended"
"""The value of a field that leaves the choice to the recommendation."""


class State:
    """A film, and what is to be done with it.

    Attributes:
        ticked: the names of the steps that are done; see `advice.Recommendation`.
        options: options of `Plan.of` that were changed by hand.
        span: where the stretch that is restored begins and ends, in seconds; None for the film's
            own beginning and end.
        output: the file of the result, when it is complete.
        report: its report.
        estimate: what is left of the run would take, as the preview found it; None if not known.
    """

    def __init__(self) -> None:
        self._followers: dict[str, Callable[[Event], None]] = {}
        self._film: Path | None = None
        self._forget()

    def open(self, film: str | Path, folder: str | Path = "") -> str:
        """Begin with a film, and return what it is, in a sentence.

        Args:
            film: a path, a link, or "" for the film that was used last; see `find_film`.
            folder: the project's folder; if not given, one that is named after the film.

        Raises:
            VideoOpenError: there is no such film.
        """
        self._film = find_film(str(film))
        self._project = Project(folder or project_folder(self._film))
        self._forget()
        self.tell("film")
        stages = self._project.status().stages
        here = f" {stages[0].done} of {stages[0].frames} frames are here." if stages else ""
        return f"Work is kept in {self._project.folder}.{here}"

    def _forget(self) -> None:
        """Begin with nothing known and nothing chosen."""
        self._clip: Clip | None = None
        self._found: Recommendation | None = None
        self.ticked: set[str] = set()
        self.options: dict[str, Any] = {}
        self.span: tuple[Fraction | None, Fraction | None] = (None, None)
        self.output: Path | None = None
        self.report: Report | None = None
        self.estimate: Estimate | None = None

    @property
    def film(self) -> Path:
        """The file of the film.

        Raises:
            StageError: no film was chosen.
        """
        if self._film is None:
            raise StageError("No film is chosen yet. Run the cell that chooses it first.")
        return self._film

    @property
    def project(self) -> Project:
        """The folder in which finished work is kept."""
        self.film  # noqa: B018 (raises where there is none)
        return self._project

    @property
    def clip(self) -> Clip:
        """The film with its shots marked."""
        if self._clip is None:
            self._clip = self.project.source(self.film, progress=False)
        return self._clip

    @property
    def found(self) -> Recommendation:
        """What is recommended."""
        if self._found is None:
            run = self.project.context(progress=False)
            self._found = recommend(self.clip, self.film, run)
            self.ticked = set(self._found.needed)
        return self._found

    @property
    def plan(self) -> Plan:
        """What will be done."""
        start, stop = self.span
        options = {**self.found.options(self.ticked), **self.options}
        for step in self.found.steps:
            if step.name not in self.ticked:
                options |= {name: NONE for name in step.options if name in OPTIONAL[1:]}
        return replace(Plan.of(**options), trim=Trim(start, stop))

    def change(self, name: str, on: bool | None = None, **options: Any) -> None:
        """Tick a step or not, and change options of it; all panels follow."""
        if on is not None:
            (self.ticked.add if on else self.ticked.discard)(name)
        self.options |= options
        self.estimate = None
        self.tell("choices")

    def follow(self, name: str, refresh: Callable[[Event], None]) -> None:
        """Have a function called with every change; one of the same name is replaced by it."""
        self._followers[name] = refresh

    def tell(self, event: Event) -> None:
        """Tell all panels what has changed."""
        for refresh in list(self._followers.values()):
            refresh(event)

    def take_fields(self, start: float, stop: float, fields: dict[str, str]) -> None:
        """Take what the fields of a cell say, where they differ from what is recommended."""
        found = self.found
        self.span = (Fraction(str(start)) or None, Fraction(str(stop)) or None)
        for name, value in fields.items():
            if value == RECOMMENDED:
                continue
            if name == "clean":
                wanted = {part.strip() for part in value.split(",")} - {NONE}
                known = {step.name for step in found.steps if "clean" in step.options}
                self.ticked = (self.ticked - known) | (known if value == "auto" else wanted)
            elif value == NONE:
                self.ticked.discard(name)
            else:
                self.ticked.add(name)
                self.options[name] = value

"""The panel that tries a plan on a few seconds of the film, and says what all of it would take."""

from __future__ import annotations

import html
import time
from fractions import Fraction
from pathlib import Path

import ipywidgets as widgets

from helpers.audio import preview as clean_stretch
from helpers.audio import sound_file
from helpers.audio.track import SoundError
from helpers.clip import Clip
from helpers.estimates import Estimate, estimate
from helpers.panels.box import guard, note, quiet, show_panel
from helpers.panels.place import Place, page
from helpers.panels.state import Event, State
from helpers.plan import NONE
from helpers.project.versions import PREVIEW
from helpers.project.words import format_duration
from helpers.retime import Trim
from helpers.run import RunContext
from helpers.show.beside import Beside
from helpers.show.compare import compare
from helpers.show.player import play
from helpers.show.telling import find_stretch
from helpers.video.writer import write_video

PATIENCE = 40
"""Seconds that a preview may take. It is shortened for a slow model, down to one second."""


class PreviewPanel:
    """The film and the result beside each other, for some seconds, and an estimate.

    Attributes:
        root: the widget to display.
        button: makes the preview again.
    """

    def __init__(self, job: State, at: Fraction | None, seconds: Fraction) -> None:
        self.job, self.at, self.seconds = job, at, seconds
        self.button = widgets.Button(description="Preview again", icon="eye")
        self.button.on_click(lambda _: self.make())
        self.state, self.messages = widgets.HTML(), widgets.VBox()
        self.root = widgets.VBox([widgets.HBox([self.button, self.state]), self.messages])
        self.pictures, self.costs = Place(), Place()

    def show(self) -> None:
        """Display the panel and make the preview."""
        show_panel(self.root, "A few seconds of the result:")
        self.job.follow("preview", self.refresh)
        self._make()

    def refresh(self, event: Event) -> None:
        """Make it again for another film; say that it is old when something else was chosen."""
        if event == "film":
            self.make()
        elif event == "choices":
            self._say("You changed what is done. Press the button to see it.")

    def make(self) -> None:
        """Make the preview; an error is shown in the panel."""
        with guard(self.messages, self.button):
            self._make()

    def _make(self) -> None:
        with quiet():
            self._make_quietly()

    def _make_quietly(self) -> None:
        begun = time.perf_counter()
        self._say("Making a few seconds of the result ...")
        run = self.job.project.context(progress=False)
        before, after = self._choose_stretch(run)
        saved = self.job.project.save(after, PREVIEW, run=run, progress=False)
        file = self._write(saved, before)
        taken = format_duration(time.perf_counter() - begun)
        span = f"{float(before.times[0]):.1f} to {float(before.end):.1f} s"
        moments = [before.times[len(before) * k // 6] for k in (1, 3, 5)]
        self.pictures.show(compare(before, saved, at=moments), play(file, width=1000))
        self._say(f"From {span} of the film, made in {taken}. Now the estimate, for all of it ...")
        self.job.estimate = found = self._estimate()
        self.costs.show(page(found._repr_html_(), repr(found)))
        self._say(f"From {span} of the film, made in {taken}.")

    def _choose_stretch(self, run: RunContext) -> tuple[Clip, Clip]:
        """Return the stretch of the film, and the result of it."""
        whole, seconds = self.job.clip, self.seconds
        if self.job.span != (None, None):
            whole = Trim(*self.job.span)(whole)
        while True:
            begin, end = find_stretch(whole, seconds)
            if self.at is not None:
                begin = min(max(self.at, whole.times[0]), whole.times[-1])
                end = min(begin + seconds, whole.end)
            before = Trim(begin, end)(self.job.clip)
            after = self.job.plan.apply(before, run)
            each = _time_frame(after)
            if each * len(after) <= PATIENCE or seconds <= 1:
                return before, after
            seconds = max(seconds * Fraction(PATIENCE / (each * len(after))), Fraction(1))

    def _write(self, saved: Clip, before: Clip) -> Path:
        """Write film and result beside each other, with the sound, as a small film."""
        file = self.job.project.folder / "preview.mp4"
        sound = None
        choice = self.job.plan.sound
        if choice.method != NONE and sound_file(choice.method) is None:
            try:
                length = float(before.duration)
                _, cleaned = clean_stretch(
                    self.job.film, choice.method, at=float(before.times[0]), seconds=length,
                    strength=choice.strength, quietly=True,
                )  # fmt: skip
                sound = (cleaned,)
            except SoundError as error:
                self.messages.children = (note(str(error)),)
        start, stop = before.times[0], before.end
        write_video(
            Beside(before, saved), file, source=self.job.film, start=start, stop=stop,
            sound=sound or (), check=False, quietly=True,
        )  # fmt: skip
        return file

    def _estimate(self) -> Estimate:
        """Return what the whole film would take."""
        plan = self.job.plan
        run = self.job.project.context(progress=False)
        wanted = plan.apply(self.job.clip, run)
        sound = None if plan.sound.method == NONE else plan.sound.method
        return estimate(wanted, self.job.project, sound=sound)

    def _say(self, text: str) -> None:
        self.state.value = f"<span>{html.escape(text)}</span>"


def _time_frame(clip: Clip) -> float:
    """Return the seconds that a frame takes, once everything is loaded."""
    clip[0]
    begun = time.perf_counter()
    clip[min(1, len(clip) - 1)]
    return time.perf_counter() - begun

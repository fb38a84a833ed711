"""The panel that restores the film: one button, what is happening, and another button to stop."""

from __future__ import annotations

import html
import threading
from pathlib import Path

import ipywidgets as widgets

from helpers.errors import Stopped
from helpers.panels.box import error_box, guard, note, quiet, show_panel
from helpers.panels.state import Event, State
from helpers.panels.watch import PanelWatch
from helpers.plan import Plan, restore
from helpers.project.versions import END_TO_END
from helpers.project.words import format_duration
from helpers.runtime.names import free_name


class RunPanel:
    """Starts and stops a run, and shows how far it is.

    The run is a thread of its own, so that the button that stops it is heard.

    Attributes:
        root: the widget to display.
        start, stop: the buttons.
        state: what is happening, in words.
    """

    def __init__(self, job: State) -> None:
        self.job = job
        self.thread: threading.Thread | None = None
        self.start = widgets.Button(
            description="Run", icon="play", button_style="primary", tooltip="Restore the film"
        )
        self.stop = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.start.on_click(lambda _: self.begin())
        self.stop.on_click(lambda _: self.halt())
        self.state, self.messages = widgets.HTML(), widgets.VBox()
        self.progress = widgets.VBox()
        head = widgets.HBox([self.start, self.stop, self.state])
        self.root = widgets.VBox([head, self.progress, self.messages])

    def show(self, at_once: bool = False) -> None:
        """Display the panel; begin and wait for the end, if that is wanted."""
        if at_once:
            self._restore(self.job.film, self.job.project.folder, self.job.plan, None)
            self.job.tell("result")
            return
        self.refresh("choices")
        self.job.follow("run", self.refresh)
        show_panel(self.root, describe_state(self.job))

    def refresh(self, event: Event) -> None:
        """Say what is here already, when a film or something else was chosen."""
        if event in ("film", "choices") and not self.running:
            self.messages.children, self.progress.children = (), ()
            self._say(describe_state(self.job))

    @property
    def running(self) -> bool:
        """Whether the film is being restored."""
        return self.thread is not None and self.thread.is_alive()

    def begin(self) -> None:
        """Start the run, or go on with it."""
        if self.running:
            return
        with guard(self.messages):
            self.watch = PanelWatch(self.job.clip, self.job.estimate)
            # What is chosen from now on is for the next run.
            work = (self.job.film, self.job.project.folder, self.job.plan)
            self.progress.children = (self.watch.root,)
            self.thread = threading.Thread(target=self._work, args=work, daemon=True)
            self.thread.start()

    def halt(self) -> None:
        """Stop the run at the next frame."""
        self.stop.disabled = True
        self._say("Stopping ...")
        self.watch.stop()

    def _work(self, film: Path, folder: Path, plan: Plan) -> None:
        """Restore the film, in a thread; whatever happens is said in the panel."""
        self.start.disabled, self.stop.disabled = True, False
        try:
            self._say("Finished pieces are kept, so you may stop at any time.")
            self._restore(film, folder, plan, self.watch)
            self._say("Done. The result is below, and in the project.")
            self.job.tell("result")
        except Stopped as stopped:
            self._say(describe_state(self.job, self.watch.rate))
            self.messages.children = (note(f"{stopped} Press Run to go on."),)
        except Exception as error:
            self._say("")
            self.messages.children = (error_box(error),)
        finally:
            self.start.disabled, self.stop.disabled = False, True

    def _restore(self, film: Path, folder: Path, plan: Plan, watch: PanelWatch | None) -> None:
        output = free_name(folder / f"{film.stem}_restored.mp4")
        with quiet():  # the notes are in the report
            report = restore(
                film, output, plan=plan, project=folder, progress=watch is None, watch=watch
            )
        if self.job.film == film:  # and no other one was chosen meanwhile
            self.job.output, self.job.report = output, report

    def _say(self, text: str) -> None:
        self.state.value = f"<span role='status'>{html.escape(text)}</span>"


def describe_state(job: State, rate: float = 0.0) -> str:
    """Say how much of the result is in the project already.

    Args:
        rate: how many frames are made in a second; 0 if that is not known.
    """
    if END_TO_END in job.project.names():
        newest = job.project.versions(END_TO_END)[0]
        left = newest.frames - newest.done
        if left:
            time = f", about {format_duration(left / rate)}" if rate else ""
            return f"{newest.done} of {newest.frames} frames are here; {left} to make{time}."
        return "A result is here already. Press Run for one with what is ticked now."
    return "Press Run to restore the film. It can be stopped, and goes on later."

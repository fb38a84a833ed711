"""The end-to-end notebook: a film, and the panels that lead through its restoration.

    job = Job()
    job.open("talk.mp4")
    job.advise()                 # what is wrong with it, and what would be done
    job.preview()                # the most telling seconds of the result
    job.compare_models()         # the same frame by several models
    job.run()                    # the button that starts it
    job.show_result()

Every one of these shows a panel and goes on, so that all cells can be run at once. A panel follows
what is chosen in the others.
"""

from __future__ import annotations

from fractions import Fraction

from helpers.panels.advice import AdvicePanel
from helpers.panels.models import ModelsPanel
from helpers.panels.preview import PreviewPanel
from helpers.panels.result import ResultPanel
from helpers.panels.run import RunPanel
from helpers.panels.state import State


class Job(State):
    """A film, what is to be done with it, and a method for each cell of the notebook."""

    def advise(self, start: float = 0, stop: float = 0, **fields: str) -> None:
        """Show what is wrong with the film, and what would be done about it.

        Args:
            start, stop: the stretch to restore, in seconds; 0 is the beginning, or the end.
            fields: "recommended", "none" or a value for each of `advice.OPTIONAL`.
        """
        AdvicePanel(self).show(lambda: self.take_fields(start, stop, fields))

    def preview(self, at: float = -1, seconds: float = 5) -> None:
        """Make a few seconds of the result and show them beside the film.

        Args:
            at: where they begin, in seconds; -1 chooses the most telling ones.
            seconds: how many, at most.
        """
        PreviewPanel(self, None if at < 0 else Fraction(str(at)), Fraction(str(seconds))).show()

    def compare_models(self, number: int = 0) -> None:
        """Show a frame enlarged by several models; a click chooses one.

        Args:
            number: that of a model to choose at once, from 1; 0 keeps the one that is chosen.
        """

        def chosen() -> str:
            upscale = self.plan.upscale
            return upscale.models[0] if upscale else ""

        def choose(name: str) -> None:
            self.change("upscale", True, upscale=name)

        panel = ModelsPanel(lambda: self.clip, chosen, choose)
        panel.show(number)
        self.follow("models", panel.refresh)

    def run(self, at_once: bool = False) -> None:
        """Show the button that restores the film.

        Args:
            at_once: begin without the button, and return when all is done.
        """
        RunPanel(self).show(at_once)

    def show_result(self) -> None:
        """Show the restored film, or where it will appear."""
        ResultPanel(self).show()

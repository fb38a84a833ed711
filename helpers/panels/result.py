"""The panel with the finished film: where it is, the film itself, and how it compares."""

from __future__ import annotations

import html
from pathlib import Path

import ipywidgets as widgets

from helpers.panels.box import guard, note, show_panel
from helpers.panels.place import Place, page
from helpers.panels.state import Event, State
from helpers.project.report import Report
from helpers.project.words import format_bytes, format_duration
from helpers.runtime.machine import download_file, on_colab
from helpers.show.compare import compare
from helpers.show.player import play
from helpers.show.served import file_url
from helpers.video.reader import open_video


class ResultPanel:
    """The result, or a line that says where it will appear.

    Attributes:
        root: the widget to display.
        download: the button that downloads it, on Colab.
        tidy: the button that deletes what earlier settings left in the project.
    """

    def __init__(self, job: State) -> None:
        self.job = job
        self.facts, self.messages = widgets.HTML(), widgets.VBox()
        self.download = widgets.Button(description="Download", icon="download")
        self.download.on_click(lambda _: self._download())
        self.tidy = widgets.Button(layout=widgets.Layout(width="auto"), icon="trash")
        self.tidy.on_click(lambda _: self._remove_old())
        self.root = widgets.VBox([self.facts, self.messages])
        self.pictures = Place()

    def show(self) -> None:
        """Display the panel."""
        words = str(self.job.output or "The result will be here when the run is done.")
        show_panel(self.root, words)
        self.job.follow("result", self.refresh)
        self._show()

    def refresh(self, event: Event) -> None:
        """Show a new result, or none for another film."""
        if event in ("film", "result"):
            with guard(self.messages):
                self._show()

    def _show(self) -> None:
        output, report = self.job.output, self.job.report
        self.root.children = [self.facts, self.messages]
        if output is None or report is None:
            self.facts.value = "The result will appear here when the run is done."
            self.pictures.show(page("", "There is no result yet."))
            return
        self.facts.value = describe_file(output)
        old = self.job.project.status().old
        self.tidy.description = f"Delete older versions of the frames ({format_bytes(old)})"
        buttons = [self.download] * on_colab() + [self.tidy] * (old > 0)
        self.root.children = [self.facts, *buttons, self.messages]
        result = open_video(output)
        start, _ = self.job.span
        film = self.job.clip
        begin = start or film.times[0]
        moments = [begin + result.duration * part / 6 for part in (1, 3, 5)]
        self.pictures.show(
            compare(film, result, at=moments, start=begin - result.times[0]),
            play(output),
            page(describe_report(report), report.summary()),
        )

    def _remove_old(self) -> None:
        with guard(self.messages, self.tidy):
            removed = self.job.project.remove_old()
            self.root.children = [one for one in self.root.children if one is not self.tidy]
            self.messages.children = (note(repr(removed)),)

    def _download(self) -> None:
        with guard(self.messages, self.download):
            download_file(Path(self.job.output or ""))
            self.messages.children = (note("The browser asks where to keep the film."),)


def describe_file(output: Path) -> str:
    """Return where a film is, and a link to it if the browser can reach it, as HTML."""
    size, url = format_bytes(output.stat().st_size), file_url(output)
    words = f"<b>{html.escape(output.name)}</b>, {size}<br>{html.escape(str(output.resolve()))}"
    if url:
        words += f'<br><a href="{html.escape(url)}" download>Download</a>'
    return words


def describe_report(report: Report) -> str:
    """Return a report as HTML, in plain sentences."""
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in say_report(report))
    notes = "".join(f"<li>{html.escape(line)}</li>" for line in report.notes)
    return (
        f"{lines}<details><summary>What was decided and found</summary><ul>{notes}</ul></details>"
    )


def say_report(report: Report) -> list[str]:
    """Return the most important of a report, in sentences."""
    film, made, late = report.source, report.result, report.sound_offset_ms
    wrong = [check["found"] for check in report.checks if check["verdict"] == "wrong"]
    return [
        f"The picture is {made.size}; the film's is {film.size}.",
        f"It has {made.fps:.4g} frames a second; the film has {film.fps:.4g}.",
        f"The run took {format_duration(report.seconds.get('all', 0.0))}.",
        "The film has no sound." if late is None else _say_sound(late),
        *(
            wrong
            or ["Picture, timing, sound and tracks were compared with the film and are right."]
        ),
    ]


def _say_sound(late: float) -> str:
    """Say how far the sound is off, in milliseconds."""
    if abs(late) < 1:
        return "The sound is exactly in step."
    return f"The sound is {abs(late):.0f} ms too {'late' if late > 0 else 'early'}."

"""A page to send: the story of a restored film as one HTML file that opens anywhere, offline.

    share("restored.mp4")                       # writes restored.page.html, 15 MB at most
    share("restored.mp4", source="/new/place/talk.mp4")

Pictures, films, style and behaviour are in the file. Its Content-Security-Policy allows nothing
from elsewhere, and only the style and the behaviour that were written here, by their hashes.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import ProjectError, StageError
from helpers.project.report import Report, Side, models_used, report_path
from helpers.project.words import format_bytes
from helpers.runtime.names import expand
from helpers.runtime.storage import write_atomically
from helpers.sharing.films import make_pair
from helpers.sharing.markup import Content, write_page
from helpers.sharing.plots import Plot, read_plots
from helpers.show.compare import take_rows
from helpers.show.moments import share_time
from helpers.show.picture import clean_label
from helpers.show.slider import make_parts
from helpers.video.reader import open_video

MOMENTS, MOST_CHANGED = 5, 3
"""So many moments are compared, spread over the film, and so many of those that changed most."""

PICTURES = 0.12
"""The share of the page that pictures may take; films get what is left."""

SMALLEST = 1.0
"""A page of fewer megabytes has no room for a film."""


@dataclass(frozen=True)
class Page:
    """A page that was written.

    Attributes:
        seconds: how long its films are.
    """

    path: Path
    bytes: int
    seconds: float

    def __repr__(self) -> str:
        return (
            f"{self.path}, {format_bytes(self.bytes)}, with {self.seconds:.1f} s of the film "
            "before and after. It opens in any browser, without a network."
        )


def share(
    result: str | Path,
    path: str | Path | None = None,
    *,
    source: str | Path | None = None,
    clip: Clip | None = None,
    megabytes: float = 15,
) -> Page:
    """Write a page about a restored film: one HTML file, to send to other people.

    It tells what the film was, what was done and what is invented, compares it at several moments,
    and plays some seconds of film and result in step.

    Args:
        result: the restored film.
        path: the page to write, which is replaced if it is there; the result's name with the
            ending .page.html if not given.
        source: the film it was made from, if it is not where the report says.
        clip: the clip that was written, for a film that has no report, as notebook 07 writes it.
        megabytes: the most megabytes of the page.

    Raises:
        ProjectError: there is no report and no clip, or the source is not to be found.
        StageError: the page would be too small to hold anything.
        VideoWriteError: not even the smallest copies of the films fit.
    """
    output = expand(result)
    if megabytes < SMALLEST:
        raise StageError(f"A page of {megabytes:g} MB is too small. Allow at least {SMALLEST:g}.")
    film, after, late, report = open_both(output, source, clip)
    target = output.with_name(f"{output.stem}.page.html") if path is None else expand(path)
    cap = int(megabytes * 1e6)
    plots = read_plots(report.measures)
    content = _compare(film, after, late, report, plots, cap)
    # Four bytes of base64 stand for three.
    pair = make_pair(film, after, late, (cap - len(write_page(content))) * 3 // 4 - 100_000)
    data = write_page(content, pair)
    write_atomically(target, data)
    return Page(target, len(data), float(pair.seconds))


def open_both(
    output: Path, source: str | Path | None = None, clip: Clip | None = None
) -> tuple[Clip, Clip, Fraction, Report]:
    """Return the film, the result, where the 0 of the result lies in the film, and the report.

    Args:
        source, clip: as in `share`.
    """
    after = open_video(output)
    report = _describe(output, after, source, clip)
    film = open_video(find_source(report, output, source))
    return film, after, find_shift(film, after, report), report


def _describe(output: Path, after: Clip, source: str | Path | None, clip: Clip | None) -> Report:
    """Return the report of a restored film, or what can be said of it without one."""
    if report_path(output).exists() or clip is None or source is None:
        return Report.read(report_path(output))
    recipe = clip.recipe()
    film = open_video(source)
    whole = clip.times[0] <= film.times[0] and clip.end >= film.times[-1]
    return Report(
        source=Side.of(Path(source), film),
        result=Side.of(output, after),
        seconds={},
        models=models_used(recipe),
        recipe=recipe,
        stretch=None if whole else (float(clip.times[0]), float(clip.end)),
    )


def find_source(report: Report, output: Path, source: str | Path | None) -> Path:
    """Return the film that a result was made from: as given, as reported, or beside the result.

    Raises:
        ProjectError: it is in none of these places.
    """
    if source is not None:
        return expand(source)
    said = Path(report.source.file)
    for place in (said, output.parent / said, output.parent / said.name):
        if place.is_file():
            return place
    raise ProjectError(
        f"The film that {output.name} was made from is not at {said} any more, nor beside the "
        f"result. Say where it is: `silk-purse share {output.name} --source FILM`, or "
        "share(..., source=FILM)."
    )


def find_shift(film: Clip, after: Clip, report: Report) -> Fraction:
    """Return where the 0 of the result lies on the timeline of the film, in seconds."""
    begin = film.times[0]
    if report.stretch:
        # The report rounds; a frame that begins within half a millisecond is the one.
        first = bisect_left(film.times, Fraction(report.stretch[0]) - Fraction(1, 2000))
        begin = film.times[min(first, len(film) - 1)]
    return begin - after.times[0]


def _read_most_changed(report: Report, begin: Fraction, end: Fraction) -> list[Fraction]:
    """Return the moments that were changed most, to be checked by eye."""
    found = (report.measures or {}).get("most_changed")
    numbers = (
        [one for one in found if isinstance(one, int | float)] if isinstance(found, list) else []
    )
    times = [Fraction(one).limit_denominator(10**6) for one in numbers if math.isfinite(one)]
    return [time for time in times if begin <= time < end][:MOST_CHANGED]


def _compare(
    film: Clip, after: Clip, late: Fraction, report: Report, plots: list[Plot], cap: int
) -> Content:
    """Return what the page tells, with its pictures."""
    begin, end = share_time([film, after], [Fraction(0), late])
    times = [begin + (end - begin) * Fraction(2 * n + 1, 2 * MOMENTS) for n in range(MOMENTS)]
    times = sorted({*times, *_read_most_changed(report, begin, end)})
    rows = take_rows([film, after], times, [Fraction(0), late], ["before", "after"])
    parts = make_parts(rows, 1048, int(cap * PICTURES))
    return Content(clean_label(Path(report.result.file).name), report, plots, *parts)

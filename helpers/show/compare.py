"""Show films in a notebook: comparisons and contact sheets.

    compare(before, after, at=2.5)           # a line to drag between the two
    compare(film, result, at=[2, 4], start=1)       # the result holds the film from its second 1 on
    compare(true, x4plus, x4v3, labels=["true", "x4plus", "x4v3"])          # choose which two
    sheet([talk, x4plus, x4v3], [1, 2, 3], ["source", "x4plus", "x4v3"], path="models.png")

Each returns a `View`, which a notebook shows at the end of a cell or by `display`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.show.moments import (
    Moment,
    choose_moments,
    match_frames,
    nearest_fraction,
    read_times,
    share_time,
)
from helpers.show.picture import (
    Part,
    Picture,
    Source,
    crop_alike,
    label_picture,
    take_pictures,
)
from helpers.show.slider import make_slider
from helpers.show.still import make_still
from helpers.show.view import View

MOST = 6
"""The most candidates of one comparison."""

STILL_CAP = 50_000
"""The most bytes of the picture that stands for a comparison where no HTML is shown."""


def compare(
    before: Source,
    after: Source,
    *more: Source,
    at: Moment | Sequence[Moment] | None = None,
    start: Moment = 0,
    path: str | Path | None = None,
    labels: Sequence[str] | None = None,
    width: int = 1280,
    zoom: Part | None = None,
    kilobytes: float = 400,
) -> View:
    """Show two to six films, or pictures, over each other, with a line to drag between two.

    All are shown at the same size, in their display aspect ratio. The smaller ones are enlarged by
    bicubic interpolation. Several moments share one comparison, with small pictures to scrub over.
    It zooms into all pictures alike, flickers between two while F is held, shows their difference
    as many times as strong as you like, and saves what you see; what is below it names all keys.

    The pictures are in the page, as WebP. All have the same quality: the best at which everything
    has 400 kilobytes at most, so that more moments and candidates mean a lower one. A difference
    that is only visible when it is many times as strong may be due to that.

    Args:
        before, after, more: clips, frames, or (H, W, 3) RGB arrays in uint8 or uint16.
        at: one time or several, in seconds; if not given, the middle of the time that the clips
            share. Of each clip the frame is shown that begins at the same moment, near that time; a
            time that only some of them have is left out, which is said below the comparison.
        start: where the stretch of `before` begins that all others are made from, in seconds, if
            they are files of only a stretch: such a file counts from 0.
        path: also write a picture of all side by side there, as .png or .jpg.
        labels: the names of all; if not given, "before", "after", "after 2" and so on.
        width: the width of that picture and the greatest width of the comparison, in pixels.
        zoom: the part to show: left, top, width, height, in fractions (0..1) of the picture.
        kilobytes: the most kilobytes of the output.

    Raises:
        StageError: there are too many, or not a label for each; the clips have no moment in common,
            or `zoom` is not a part of the picture.
    """
    sources = (before, after, *more)
    names = _name_all(sources, labels)
    shifts = _find_shifts(sources, nearest_fraction(start))
    timed = [(one, by) for one, by in zip(sources, shifts, strict=True) if isinstance(one, Clip)]
    clips = [clip for clip, _ in timed]
    times, left_out = choose_moments(clips, at, [by for _, by in timed])
    rows = [crop_alike(row, zoom) for row in take_rows(sources, times, shifts, names)]
    still = make_still(_lay_out(rows), width, path, cap=STILL_CAP)
    picture = still.outputs[0]["image/jpeg"]
    slider = make_slider(rows, width, int(kilobytes * 1000) - len(picture), left_out)
    sentence = " ".join(filter(None, (still.sentence, left_out)))
    # A notebook shows the first of these that it can.
    output = {"text/html": slider, "image/jpeg": picture, "text/plain": sentence}
    return View(sentence, (output,))


def _name_all(sources: Sequence[Source], labels: Sequence[str] | None) -> Sequence[str]:
    """Return a name for every source."""
    if len(sources) > MOST:
        raise StageError(
            f"{len(sources)} films or pictures are too many to compare; {MOST} are possible. "
            "`sheet` shows any number."
        )
    if labels is None:
        later = (f"after {number}" for number in range(2, len(sources)))
        return ["before", "after", *later]
    if len(labels) != len(sources):
        raise StageError(
            f"{len(labels)} labels were given for {len(sources)} films or pictures. Give one for "
            "each."
        )
    return labels


def _find_shifts(sources: Sequence[Source], start: Fraction) -> list[Fraction]:
    """Return where the 0 of every source lies on the timeline of the first.

    The first picture of the others is the first one of it that begins at `start` or later.
    """
    shifts = [Fraction(0)] * len(sources)
    film = sources[0]
    if not start or not isinstance(film, Clip):
        return shifts
    first = film.times[min(bisect_left(film.times, start), len(film) - 1)]
    for number, clip in enumerate(sources[1:], 1):
        if isinstance(clip, Clip):
            shifts[number] = first - clip.times[0]
    return shifts


def take_rows(
    sources: Sequence[Source],
    times: Sequence[Fraction],
    shifts: Sequence[Fraction],
    names: Sequence[str],
) -> list[list[Picture]]:
    """Return the pictures of every moment; all name it on the timeline of the first."""
    clips = [source for source in sources if isinstance(source, Clip)]
    if len(clips) < len(sources):
        return [take_pictures(sources, time, names) for time in times]
    # Two times may be nearest to the same frames.
    chosen = dict.fromkeys(match_frames(clips, time, shifts) for time in times)
    return [
        [
            label_picture(clip[number].image, name, clip.times[number] + shift, clip.info.sar)
            for clip, number, shift, name in zip(clips, numbers, shifts, names, strict=True)
        ]
        for numbers in chosen
    ]


def _lay_out(rows: Sequence[Sequence[Picture]]) -> Sequence[Sequence[Picture]]:
    """Return rows for one picture that fits on the screen."""
    if len(rows) > 1:
        return list(zip(*rows, strict=True))
    only = rows[0]
    columns = len(only) if len(only) < 4 else (len(only) + 1) // 2
    return [only[first : first + columns] for first in range(0, len(only), columns)]


def sheet(
    clips: Sequence[Source],
    times: Moment | Sequence[Moment] | None = None,
    labels: Sequence[str] | None = None,
    *,
    path: str | Path | None = None,
    width: int = 1280,
    zoom: Part | None = None,
) -> View:
    """Show a contact sheet: a row for every clip (or model), a column for every time.

    Args:
        clips, path, width, zoom: as in `compare`.
        times: one time or several, in seconds; if not given, the middle of the time that the clips
            share. Each clip shows the frame that a player would show, and its label says when that
            frame begins.
        labels: the names of the clips; they are numbered if not given.
    """
    labels = [str(number + 1) for number in range(len(clips))] if labels is None else labels
    if len(labels) != len(clips) or not clips:
        raise StageError(
            f"{len(labels)} labels were given for {len(clips)} clips. Give at least one clip, and "
            "one label for each."
        )
    if times is None:
        begin, stop = share_time([source for source in clips if isinstance(source, Clip)])
        times = (begin + stop) / 2
    columns = [take_pictures(clips, time, labels, zoom) for time in read_times(times)]
    return make_still(list(zip(*columns, strict=True)), width, path)

"""Show films in a notebook: comparisons and contact sheets.

    compare(before, after, at=2.5)           # a picture side by side, and a slider
    compare(film, result, at=[2, 4], start=1)       # the result holds the film from its second 1 on
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
from helpers.show.still import PICTURE_CAP, make_still
from helpers.show.view import View


def compare(
    before: Source,
    after: Source,
    *,
    at: Moment | Sequence[Moment] | None = None,
    start: Moment = 0,
    path: str | Path | None = None,
    labels: tuple[str, str] = ("before", "after"),
    width: int = 1280,
    zoom: Part | None = None,
) -> View:
    """Show two films, or two pictures, side by side and with a slider.

    Both are shown at the same size, in their display aspect ratio. The smaller one is enlarged by
    bicubic interpolation. Several moments share one slider, with a small picture of each to choose
    it by.

    Args:
        before, after: clips, frames, or (H, W, 3) RGB arrays in uint8 or uint16.
        at: one time or several, in seconds; if not given, the middle of the time that the clips
            share. Of each clip the frame is shown that begins at the same moment, near that time; a
            time that only one of them has is left out, which is said below the slider.
        start: where the stretch of `before` begins that `after` is made from, in seconds, if it is
            a file of only a stretch: such a file counts from 0.
        path: also write the still picture there, as .png or .jpg.
        labels: the names of the two.
        width: the width of the still picture and the greatest width of the slider, in pixels.
        zoom: the part to show: left, top, width, height, in fractions (0..1) of the picture.

    Raises:
        StageError: the clips have no moment in common, or `zoom` is not a part of the picture.
    """
    late = _find_start(before, after, nearest_fraction(start))
    clips = [source for source in (before, after) if isinstance(source, Clip)]
    times, left_out = choose_moments(clips, at, late)
    rows = [crop_alike(row, zoom) for row in _take_rows(before, after, times, late, labels)]
    # Several moments side by side stay one picture that fits on the screen.
    view = make_still(rows if len(rows) == 1 else list(zip(*rows, strict=True)), width, path)
    slider = make_slider(rows, width, PICTURE_CAP, left_out)
    output = {"text/html": slider, "text/plain": "The same pictures with a slider."}
    return View(" ".join(filter(None, (view.sentence, left_out))), (*view.outputs, output))


def _find_start(before: Source, after: Source, start: Fraction) -> Fraction:
    """Return where the 0 of `after` lies on the timeline of `before`.

    Its first picture is the first one that begins at `start` or later.
    """
    if not start or not (isinstance(before, Clip) and isinstance(after, Clip)):
        return Fraction(0)
    first = min(bisect_left(before.times, start), len(before) - 1)
    return before.times[first] - after.times[0]


def _take_rows(
    before: Source,
    after: Source,
    times: Sequence[Fraction],
    late: Fraction,
    labels: tuple[str, str],
) -> list[list[Picture]]:
    """Return the two pictures of every moment; both name it on the timeline of `before`."""
    if not (isinstance(before, Clip) and isinstance(after, Clip)):
        return [take_pictures([before, after], time, labels) for time in times]
    # Two times may be nearest to the same frames.
    pairs = dict.fromkeys(match_frames(before, after, time, late) for time in times)
    return [
        [
            label_picture(clip[number].image, name, clip.times[number] + shift, clip.info.sar)
            for clip, number, shift, name in zip(
                (before, after), pair, (Fraction(0), late), labels, strict=True
            )
        ]
        for pair in pairs
    ]


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

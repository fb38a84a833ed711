"""Show what a cleaner found, so that a person can check it.

found = find_duplicates(clip)
show_duplicates(found)                  # a strip chart: the difference and decision of each frame
show_doubtful(found, clip)              # pictures of the frames that a person should check
"""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.imaging.luma import to_eight_bit
from helpers.show.moments import Moment
from helpers.show.picture import Picture, save_picture
from helpers.show.still import make_still
from helpers.show.view import View
from helpers.stages.diagnosis import Diagnosis
from helpers.stages.duplicates.decisions import Duplicates

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"kept": "#3b6ea5", "dropped": "#d1495b", "doubtful": "#edae49"}

STRIP_FRAMES = 240
"""Frames in a row of the chart."""

MOST_STRIPS = 8
"""The most rows of a chart; of a longer film only a stretch is shown."""


def show_duplicates(
    found: Duplicates,
    *,
    start: Moment | None = None,
    stop: Moment | None = None,
    path: str | Path | None = None,
) -> View:
    """Show a strip chart: the difference of every frame from the one it may repeat.

    The colours show the decisions.

    Args:
        found: the decisions.
        start, stop: the stretch to show, in seconds; if not given, from the beginning as far as
            the chart reaches.
        path: also write the chart there, as .png or .jpg.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first, last = _choose_range(found, start, stop)
    rows = range(first, last, STRIP_FRAMES)
    figure = Figure(figsize=(12, 1.2 + 1.1 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), squeeze=False)[:, 0]
    for axis, begin in zip(axes, rows, strict=True):
        _draw_strip(axis, found, begin, min(begin + STRIP_FRAMES, last))
        axis.set_xlim(begin - 1, begin + min(STRIP_FRAMES, last - first))
    axes[0].set_title(found.summary(), loc="left", fontsize=10)
    axes[-1].set_xlabel("frame")
    handles = axes[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower right", ncols=4, fontsize=8, frameon=False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3]
    sentence = f"{found.summary()} Frames {first} to {last - 1} of {len(found.times)} are shown"
    if path is not None:
        save_picture(image, Path(path))
        sentence += f"; written to {path}"
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80)
    data = base64.b64encode(file.getvalue()).decode()
    return View(sentence + ".", ({"image/png": data, "text/plain": sentence},))


def show_doubtful(
    found: Duplicates,
    clip: Clip,
    *,
    most: int = 6,
    path: str | Path | None = None,
    width: int = 960,
) -> View:
    """Show the most doubtful frames beside those that they may repeat, and their difference.

    Args:
        found: the decisions.
        clip: the film that they were made for.
        most: the most frames to show.
        path: also write the pictures there, as .png or .jpg.
        width: the width of the picture, in pixels.
    """
    if len(clip) != len(found.times):
        raise StageError(
            f"The film has {len(clip)} frames, but the decisions are for {len(found.times)} "
            "frames. Give the clip that they were made for."
        )
    numbers = [n for n in found.doubtful if found.decisions[n].repeats is not None][:most]
    if not numbers:
        return View("No frame is doubtful.", ({"text/plain": "No frame is doubtful."},))
    rows = [_compare_frames(found, clip, number) for number in sorted(numbers)]
    return make_still(rows, width, path)


def _choose_range(found: Duplicates, start: Moment | None, stop: Moment | None) -> tuple[int, int]:
    times = np.array([float(time) for time in found.times])
    first = 0 if start is None else int(np.searchsorted(times, float(start)))
    last = len(times) if stop is None else int(np.searchsorted(times, float(stop)))
    if first >= last:
        raise StageError(
            f"No frame begins between {float(start or 0):g} s and {float(stop or found.end):g} s. "
            f"Choose a stretch of the film, which lasts from {times[0]:.2f} s to "
            f"{float(found.end):.2f} s."
        )
    return first, min(last, first + STRIP_FRAMES * MOST_STRIPS)


def _draw_strip(axis: Axes, found: Duplicates, first: int, last: int) -> None:
    """Draw one row: a bar for each frame, and a line where a shot begins."""
    groups: dict[str, list[tuple[int, float]]] = {name: [] for name in COLOURS}
    for number in range(first, last):
        decision = found.decisions[number]
        name = "doubtful" if decision.doubtful else "kept" if decision.keep else "dropped"
        if decision.difference is not None:
            groups[name].append((number, max(decision.difference, 0.1)))
    for name, bars in groups.items():
        numbers, heights = zip(*bars, strict=True) if bars else ((), ())
        axis.bar(numbers, heights, width=0.9, bottom=0.05, color=COLOURS[name], label=name)
    cuts = [shot for shot in found.shots if first <= shot < last]
    axis.vlines(cuts, 0.05, 300, colors="black", linewidth=1, linestyles=":", label="shot begins")
    axis.set(yscale="log", ylim=(0.05, 300))
    axis.set_ylabel("difference", fontsize=8)
    axis.tick_params(labelsize=8)


def _compare_frames(found: Duplicates, clip: Clip, number: int) -> list[Picture]:
    """Return the frame that a frame may repeat, the frame, and four times their difference."""
    decision, sar = found.decisions[number], clip.info.sar
    assert decision.repeats is not None
    one, other = clip[decision.repeats], clip[number]
    images = [to_eight_bit(frame.image) for frame in (one, other)]
    change = 4 * (images[1].astype(np.int16) - images[0]) + 128
    what = "kept" if decision.keep else "dropped"
    return [
        Picture(images[0], sar, f"frame {decision.repeats}", f"{float(one.time):.3f} s"),
        Picture(images[1], sar, f"frame {number}", f"{float(other.time):.3f} s, {what}"),
        Picture(
            change.clip(0, 255).astype(np.uint8),
            sar,
            "4 x difference",
            f"{decision.chance:.0%} likely a repeat",
        ),
    ]


def show_diagnosis(found: Diagnosis) -> View:
    """Plot the brightness and the shake in the stretches of film that were examined.

    Args:
        found: the result of `diagnose`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 2.6), layout="constrained")
    light, sway = figure.subplots(1, 2)
    at = 0
    flicker, shake = found["flicker"].measured, found["shake"].measured
    shots = zip(flicker.brightness, flicker.courses, shake.sways, strict=True)
    for brightness, course, way in shots:
        frames = range(at, at := at + len(brightness))
        light.plot(frames, brightness, color="0.7")
        light.plot(frames, [brightness[0] + level for level in course], color=COLOURS["dropped"])
        for number, colour in enumerate((COLOURS["kept"], COLOURS["doubtful"])):
            sway.plot(frames[: len(way)], [place[number] for place in way], color=colour)
    light.set(title="brightness: whole frame (grey), exposure (red)", ylabel="grey level")
    sway.set(title="shake: to the right (blue), down (yellow)", ylabel="pixels")
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=80)
    data = base64.b64encode(file.getvalue()).decode()
    sentence = " ".join(found.words)
    return View(sentence, ({"image/png": data, "text/plain": sentence},))

"""Try colours on one frame, and write frames for a person to colour.

frames_to_colour(clip, "to_colour")     # one frame of every shot, as PNG
sweep_colours(clip, at=12.5)            # models and render factors on one frame, side by side
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2

from helpers.catalog.table import models
from helpers.clip import Clip, Frame
from helpers.runtime.storage import write_atomically
from helpers.show.moments import Moment, nearest_fraction
from helpers.show.picture import Picture, take_picture
from helpers.show.still import make_still
from helpers.show.view import View
from helpers.stages.colorize.stage import Colorize
from helpers.stages.colorize.tint import TONES

MOST = 12
"""The most frames that are shown; all of them are written."""


def frames_to_colour(
    clip: Clip, folder: str | Path, *, path: str | Path | None = None, width: int = 1280
) -> View:
    """Write the middle frame of every shot as PNG, named by its time in seconds, and show them.

    Args:
        clip: a film with its shots marked.
        folder: created if it does not exist. A picture that is there already is kept, since someone
            may have coloured it.
        path, width: see `sheet`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    starts = [bisect_left(clip.times, cut) for cut in clip.cuts]
    shown: list[Picture] = []
    for first, stop in zip(starts, [*starts[1:], len(clip)], strict=True):
        frame = clip[(first + stop) // 2]
        second = math.ceil(frame.time * 1000) / 1000  # rounded up, so as not to name the one before
        file = folder / f"{second:.3f}s.png"
        if not file.exists():
            image = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
            write_atomically(file, cv2.imencode(".png", image)[1].tobytes())
        if len(shown) < MOST:
            shown.append(take_picture(frame, frame.time, file.name))
    columns = min(len(shown), 4)
    shown = shown[: len(shown) // columns * columns]  # full rows
    rest = f" ({len(shown)} are shown)" if len(starts) > len(shown) else ""
    sentence = f"Frames to colour in {folder}, one of every shot: {len(starts)}{rest}"
    rows = [shown[at : at + columns] for at in range(0, len(shown), columns)]
    return make_still(rows, width, path, sentence)


def sweep_colours(
    clip: Clip,
    at: Moment | None = None,
    chosen: Sequence[str] = (),
    factors: Sequence[int] = (14, 21, 28, 35),
    *,
    path: str | Path | None = None,
    width: int = 1280,
) -> View:
    """Show one frame in the colours of every model on this machine, at several render factors.

    Args:
        clip: a black-and-white film.
        at: the time of the frame in seconds; the middle of the film if not given.
        chosen: models to download if they are not on this machine.
        factors: render factors, see `Colorize`.
        path, width: see `sheet`.

    Raises:
        ModelError: a chosen model is not available.
    """
    time = nearest_fraction(at) if at is not None else clip.times[len(clip) // 2]
    frame = clip.at(time)
    rows = [
        [_colorize(clip, frame, f"{model.name} {factor}", model.name, factor) for factor in factors]
        for model in models("colorize")
        if model.forms and (model.present or model.name in chosen)
    ]
    if rows:
        return make_still(rows, width, path)
    tones = list(TONES)
    rows = [
        [_colorize(clip, frame, tone, "tint", tone=tone) for tone in tones[at : at + 3]]
        for at in range(0, len(tones), 3)
    ]
    sentence = (
        "No colouring model is on this machine, so these are single tones, which need none. Choose "
        "a model to download it, or colour some frames yourself"
    )
    return make_still(rows, width, path, sentence)


def _colorize(
    clip: Clip, frame: Frame, label: str, model: str, factor: int = 0, tone: str = "sepia"
) -> Picture:
    """Colour one frame by itself."""
    # Forced, so that the whole film need not be analysed for one frame.
    stage = Colorize(model, render_factor=factor, steady=0, tone=tone, force=True)
    number = clip.number_at(Fraction(frame.time))
    return take_picture(stage(clip)[number], frame.time, label)

"""Looking at colours before they are believed, and writing frames for a person to colour.

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
from helpers.show.compare import Moment, Picture, View, nearest_fraction, picture, static
from helpers.stages.colorize.stage import Colorize
from helpers.stages.colorize.tint import TONES

MOST = 12
"""Frames of a film of many shots that are shown; all of them are written."""


def frames_to_colour(
    clip: Clip, folder: str | Path, *, path: str | Path | None = None, width: int = 1280
) -> View:
    """Write the middle frame of every shot as PNG, named by its second, and show them.

    Args:
        clip: a film that knows its shots.
        folder: made if it is not there. A picture that is there already is left alone: somebody may
            have coloured it.
        path, width: of the picture that is shown, see `sheet`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    starts = [bisect_left(clip.times, cut) for cut in clip.cuts]
    shown: list[Picture] = []
    for first, stop in zip(starts, [*starts[1:], len(clip)], strict=True):
        frame = clip[(first + stop) // 2]
        second = math.ceil(frame.time * 1000) / 1000  # rounded up: never the frame before
        file = folder / f"{second:.3f}s.png"
        if not file.exists():
            image = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
            write_atomically(file, cv2.imencode(".png", image)[1].tobytes())
        if len(shown) < MOST:
            shown.append(picture(frame, frame.time, file.name))
    columns = min(len(shown), 4)
    shown = shown[: len(shown) // columns * columns]  # full rows
    rest = f" ({len(shown)} of them are shown)" if len(starts) > len(shown) else ""
    sentence = f"In {folder} are {len(starts)} frames to colour, one of every shot{rest}"
    rows = [shown[at : at + columns] for at in range(0, len(shown), columns)]
    return static(rows, width, path, sentence)


def sweep_colours(
    clip: Clip,
    at: Moment | None = None,
    chosen: Sequence[str] = (),
    factors: Sequence[int] = (14, 21, 28, 35),
    *,
    path: str | Path | None = None,
    width: int = 1280,
) -> View:
    """Show one frame in the colours of every model that is here, at several render factors.

    Args:
        clip: a grey film.
        at: seconds; its middle if not given.
        chosen: models that are fetched for it where they are not here.
        factors: render factors, see `Colorize`.
        path, width: see `sheet`.

    Raises:
        ModelError: one that was chosen cannot be had.
    """
    time = nearest_fraction(at) if at is not None else clip.times[len(clip) // 2]
    frame = clip.at(time)
    rows = [
        [_coloured(clip, frame, f"{model.name} {factor}", model.name, factor) for factor in factors]
        for model in models("colorize")
        if model.forms and (model.present or model.name in chosen)
    ]
    if rows:
        return static(rows, width, path)
    tones = list(TONES)
    rows = [
        [_coloured(clip, frame, tone, "tint", tone=tone) for tone in tones[at : at + 3]]
        for at in range(0, len(tones), 3)
    ]
    sentence = (
        "No weights that colour are here, so these are tones, which need none. A model that you "
        "choose is fetched; or colour some frames yourself"
    )
    return static(rows, width, path, sentence)


def _coloured(
    clip: Clip, frame: Frame, label: str, model: str, factor: int = 0, tone: str = "sepia"
) -> Picture:
    """Colour one frame by itself."""
    # Forced: it is for the eye, and what the film is has been said where it was opened.
    stage = Colorize(model, render_factor=factor, steady=0, tone=tone, force=True)
    number = clip.number_at(Fraction(frame.time))
    return picture(stage(clip)[number], frame.time, label)

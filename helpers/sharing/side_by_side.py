"""A film and its result beside each other in one file, for places that take only that.

sidebyside("talk.mp4", "restored.mp4", "beside.mp4")        # a film, with the result's sound
sidebyside("talk.mp4", "restored.mp4", "beside.webp")       # a few seconds that move by themselves
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.imaging.resample import resize
from helpers.retime import ConstantRate, Trim
from helpers.runtime.names import expand, part_name
from helpers.runtime.output import prepare_output
from helpers.show.beside import Beside
from helpers.show.moments import Moment, nearest_fraction
from helpers.show.telling import find_stretch
from helpers.video.reader import VideoClip, open_video
from helpers.video.writer import write_video

MOVING = ".webp"
"""The ending of a picture that moves by itself, as in mails; a GIF is ten times as large."""

SECONDS, RATE, WIDEST = 4, 12, 800
"""The length of such a picture, its frames a second and its width in pixels, at most."""


def sidebyside(
    before: Clip | str | Path,
    after: Clip | str | Path,
    path: str | Path,
    *,
    labels: tuple[str, str] = ("before", "after"),
    start: Moment | None = None,
    seconds: Moment | None = None,
    late: Moment = 0,
) -> Path:
    """Write a film and its result beside each other, each with its name above it.

    Args:
        before, after: clips or files; both are shown at the height of `after`.
        path: the file to write, which is replaced if it is there: a film, with the sound of
            `after`, or a picture that moves by itself, if it ends in .webp.
        start: where to begin in `after`, in seconds; if not given, at its beginning, or for a
            picture, where there is most to see.
        seconds: how long; if not given, all of it, or four seconds for a picture.
        late: where the 0 of `after` lies in `before`, in seconds, if it is made of a stretch.

    Raises:
        StageError: no frame of `after` is in this stretch.
        VideoWriteError: the file cannot be written.
    """
    one, other = (clip if isinstance(clip, Clip) else open_video(clip) for clip in (before, after))
    target, by = expand(path), nearest_fraction(late)
    moves = target.suffix.lower() == MOVING
    length = nearest_fraction(seconds) if seconds is not None else SECONDS if moves else None
    begin = other.times[0] if start is None else nearest_fraction(start)
    if moves and start is None:
        begin, _ = find_stretch(other, length or SECONDS)
    end = other.end if length is None else min(begin + length, other.end)
    if not any(begin <= time < end for time in other.times):
        raise StageError(
            f"There is no picture from {float(begin):g} to {float(end):g} s. The result lasts from "
            f"{float(other.times[0]):g} to {float(other.end):g} s."
        )
    clip = Beside(one, Trim(begin, end)(other), labels, by)
    if moves:
        _write_picture(clip, target)
    else:
        sound = other.path if isinstance(other, VideoClip) else None
        write_video(
            clip, target, source=sound, start=begin, stop=end, check=False, quietly=True
        )  # fmt: skip
    return target


def _write_picture(clip: Clip, path: Path) -> None:
    """Write a clip as an animated WebP that begins again and again."""
    from PIL import Image

    if clip.info.fps > RATE:
        clip = ConstantRate(fps=Fraction(RATE))(clip)
    scale = min(WIDEST / clip.info.width, 1)
    size = max(round(clip.info.width * scale), 1), max(round(clip.info.height * scale), 1)
    pictures = (Image.fromarray(image) for image in _shrink(clip, size))
    first = next(pictures)
    path = prepare_output(path)
    unfinished = part_name(path)
    try:
        first.save(
            unfinished, save_all=True, append_images=pictures, duration=_durations(clip), loop=0,
            quality=60, method=2,
        )  # fmt: skip
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _shrink(clip: Clip, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yield all pictures of a clip at a size, (H, W, 3) uint8."""
    for frame in clip:
        yield resize(frame.image, *size)


def _durations(clip: Clip) -> Sequence[int]:
    """Return how long each picture is shown, in milliseconds that add up to the clip's length."""
    ends = [round((time - clip.times[0]) * 1000) for time in [*clip.times[1:], clip.end]]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]

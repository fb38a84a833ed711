"""Small copies of a stretch of a film, before and after: of the same seconds, for one page.

pair = make_pair(film, result, late=Fraction(0), cap=9_000_000)
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip
from helpers.errors import VideoWriteError
from helpers.retime import Trim
from helpers.show.moments import match_frames, share_time
from helpers.show.picture import encode_jpeg
from helpers.show.player import Preview, preview_size
from helpers.show.telling import find_stretch
from helpers.verify.contents import read_contents
from helpers.video.reader import VideoClip
from helpers.video.writer import write_video

WIDEST = 1280
"""The greatest width of a copy, in pixels: a phone decodes two of these at once."""

COPIES = ((12, 1.0, 20), (12, 1.0, 26), (12, 0.75, 28), (8, 0.5, 28), (5, 0.5, 32), (3, 0.25, 34))
"""Seconds, scale and constant rate factor of both copies, tried in turn until they fit."""

POSTER_CAP = 40_000
"""The most bytes of each picture that is shown before the films are played."""


@dataclass(frozen=True)
class Copy:
    """A small film.

    Attributes:
        data: an MP4 with H.264 and AAC, which begins at 0.
        width, height: its size, in square pixels.
        poster: its first picture, as a JPEG.
        sound: whether it has sound.
    """

    data: bytes
    width: int
    height: int
    poster: bytes
    sound: bool = True


@dataclass(frozen=True)
class Pair:
    """The same seconds before and after.

    Attributes:
        start, seconds: where they begin in the film, and how long they are.
    """

    before: Copy
    after: Copy
    start: Fraction
    seconds: Fraction


def make_pair(before: Clip, after: Clip, late: Fraction, cap: int) -> Pair:
    """Encode the most telling seconds of a film and of its result, in `cap` bytes together.

    Args:
        late: where the 0 of `after` lies on the timeline of `before`, in seconds.

    Raises:
        VideoWriteError: not even the smallest copies fit.
    """
    for seconds, scale, quality in COPIES:
        starts = _find_starts(before, after, late, seconds)
        length = min(Fraction(seconds), before.end - starts[0], after.end - starts[1])
        first, second = (
            _copy(clip, start, start + length, scale, quality)
            for clip, start in zip((before, after), starts, strict=True)
        )
        if len(first.data) + len(second.data) <= cap:
            return Pair(first, second, starts[0], length)
    raise VideoWriteError(
        f"{COPIES[-1][0]} seconds of the film do not fit into {cap / 1e6:.1f} MB. Allow more "
        "megabytes."
    )


def _find_starts(
    before: Clip, after: Clip, late: Fraction, seconds: int
) -> tuple[Fraction, Fraction]:
    """Return where the most telling seconds begin in both, with frames that belong together."""
    begin, end = share_time([before, after], [Fraction(0), late])
    shared = Trim(begin - late, end - late)(after)
    start, _ = find_stretch(shared, seconds)
    one, other = match_frames([before, after], start + late, [Fraction(0), late])
    return before.times[one], after.times[other]


def _copy(clip: Clip, start: Fraction, stop: Fraction, scale: float, quality: int) -> Copy:
    """Encode a stretch with its sound."""
    width, height = preview_size(clip.info, WIDEST * scale)
    stretch = Preview(width, height)(Trim(start, stop)(clip))
    sound = clip.path if isinstance(clip, VideoClip) else None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "copy.mp4")
        write_video(
            stretch, file, quality=quality, source=sound, start=start, stop=stop, check=False,
            quietly=True,
        )  # fmt: skip
        heard = bool(read_contents(file).of("audio"))
        poster = encode_jpeg(stretch[0].image, POSTER_CAP)
        return Copy(file.read_bytes(), width, height, poster, heard)

"""Play films in a notebook: all of a file that the notebook's server reaches, else a small copy.

play("restored.mp4")                     # all of it, with its sound
play(clip, start=60)                     # six seconds of it, as a copy inside the output
"""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from helpers.clip import Clip, ClipInfo, Frame
from helpers.imaging.luma import to_eight_bit
from helpers.run import RunContext
from helpers.show.moments import Moment, nearest_fraction
from helpers.show.picture import clean_label, encode_jpeg, take_pictures
from helpers.show.served import file_url, find_obstacle
from helpers.show.still import make_still
from helpers.show.view import View
from helpers.stage import Stage

VIDEO_CAP = 4_000_000
"""The most bytes of an inline video: a larger message may disconnect the browser tab."""

POSTER_CAP = 60_000
"""The most bytes of the picture that is shown before a video is played."""

COPIES = ((1.0, 26), (1.0, 32), (0.75, 32), (0.5, 34))
"""Scale and constant rate factor of an inline video, tried in turn until it is small enough."""


def play(
    clip: Clip | str | Path,
    *,
    seconds: Moment = 6,
    start: Moment | None = None,
    width: int = 640,
    sound: bool = True,
) -> View:
    """Play a film in the notebook.

    A file below the folder of a Jupyter server is played from the file, all of it, if browsers can
    play its codec. A small H.264 copy of some seconds is inside the output too: it is played where
    the file cannot be reached, as on Colab, in VS Code and in a saved page.

    Args:
        clip: a clip, or a file. Only a file, or its clip from `open_video`, is played with sound
            (but not in VS Code, which does not support AAC).
        seconds: the length of the copy.
        start: where to begin on the film's timeline, in seconds; its beginning if not given.
        width: the greatest width, in pixels. A smaller film keeps its size, and the player enlarges
            it.
        sound: whether to include the sound.
    """
    from helpers.video.reader import VideoClip, open_video

    clip = clip if isinstance(clip, Clip) else open_video(clip)
    file = clip.path if isinstance(clip, VideoClip) else None
    begin = clip.times[0 if start is None else clip.number_at(nearest_fraction(start))]
    end = min(begin + nearest_fraction(seconds), clip.end)
    name = clean_label(file.name if file else "film")
    video = _encode_preview(clip, begin, end, width, file if sound else None)
    if video is None:
        where = f"Watch {file} instead" if file else "Write it to a file and watch that instead"
        sentence = (
            f"{name} {clip.info.size}. A copy of {float(end - begin):.2f} s would be larger than "
            f"{VIDEO_CAP / 1e6:g} MB, too large for a notebook. {where}."
        )
        return make_still([take_pictures([clip], begin, [name])], width, None, sentence)
    url = None if file is None or not sound else file_url(file)
    obstacle = find_obstacle(file) if file else ""
    sentence = f"{name} {clip.info.size}, {_say_what_is_played(clip, begin, end, url, obstacle)}"
    sources = [f"data:video/mp4;base64,{base64.b64encode(video).decode()}"]
    if url and not obstacle:
        sources.insert(0, f"{url}#t={float(begin):g}" if start is not None else url)
    tag = _make_player(sources, _make_poster(clip, begin, width), width, sentence)
    return View(sentence, ({"text/html": tag, "text/plain": sentence},))


def _say_what_is_played(
    clip: Clip, begin: Fraction, end: Fraction, url: str | None, obstacle: str
) -> str:
    """Describe in words how much of a film is played, and why not more."""
    part = f"{float(begin):.2f} to {float(end):.2f} s"
    if url and not obstacle:
        return (
            f"all {float(clip.duration):.2f} s of it, from the file. A page that is opened "
            f"elsewhere plays a copy, {part}."
        )
    whole = end - begin >= clip.duration
    return part if whole or not obstacle else f"{part}, as a copy: {obstacle}"


def _make_poster(clip: Clip, begin: Fraction, width: int) -> str:
    """Return the picture for browsers that do not load a video before it is played."""
    first = Preview(*preview_size(clip.info, width))(clip).at(begin).image
    return base64.b64encode(encode_jpeg(first, POSTER_CAP)).decode()


def _make_player(sources: Sequence[str], poster: str, width: int, sentence: str) -> str:
    """Return HTML that plays the first of some sources that can be loaded."""
    loop = "" if len(sources) > 1 else " loop"
    choices = "".join(f'<source src="{html.escape(source)}">' for source in sources)
    return (
        f'<video controls{loop} playsinline style="width:100%;max-width:{width}px" '
        f'poster="data:image/jpeg;base64,{poster}">{choices}</video>'
        f"<div>{html.escape(sentence)}</div>"
    )


@dataclass(frozen=True)
class Preview(Stage):
    """Convert frames so that every browser shows them: 8 bits, square pixels, even sides."""

    width: int
    height: int

    def info(self, source: Clip) -> ClipInfo:
        """Return the source's properties with the new size."""
        width, height = self.width, self.height
        return source.info.replace(width=width, height=height, sar=Fraction(1), depth=8)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Resize every frame."""
        from helpers.imaging.resample import resize

        for frame in frames:
            image = resize(to_eight_bit(frame.image), self.width, self.height, "bicubic")
            yield Frame(image, frame.time)


def preview_size(info: ClipInfo, widest: float) -> tuple[int, int]:
    """Return a film's size in square pixels: even, at most `widest` wide, never enlarged."""
    wide, high = info.width * max(info.sar, Fraction(1)), info.height / min(info.sar, Fraction(1))
    scale = min(widest / wide, 1)
    # Rounded down, so that an odd `widest` is not exceeded.
    width, height = (max(int(side * scale + 1e-6) // 2 * 2, 2) for side in (wide, high))
    return width, height


def _encode_preview(
    clip: Clip, begin: Fraction, end: Fraction, width: int, sound: Path | None
) -> bytes | None:
    """Encode a stretch of a film as an MP4 of at most VIDEO_CAP bytes; None if it stays larger."""
    from helpers.retime import Trim
    from helpers.video.writer import write_video

    stretch = Trim(begin, end)(clip)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "preview.mp4")
        for scale, quality in COPIES:
            copy = Preview(*preview_size(clip.info, width * scale))(stretch)
            write_video(
                copy, file, quality=quality, source=sound, start=begin, stop=end, check=False,
                quietly=True,  # nobody asked for this file
            )  # fmt: skip
            if file.stat().st_size <= VIDEO_CAP:
                return file.read_bytes()
    return None

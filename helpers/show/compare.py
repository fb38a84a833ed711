"""Looking at it: comparisons, contact sheets and a small player, all inside the notebook.

    compare(before, after, at=2.5)           # a picture side by side, and a slider
    sheet([talk, x4plus, x4v3], [1, 2, 3], ["source", "x4plus", "x4v3"], path="models.png")
    play("restored.mp4", start=60)           # six seconds of it, with its sound

Each returns a `View`, which a notebook shows where it ends a cell or is given to `display`.
"""

from __future__ import annotations

import base64
import html
import io
import math
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from numbers import Real
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import Clip, ClipInfo, Frame, check_image
from helpers.errors import StageError, VideoWriteError
from helpers.run import RunContext
from helpers.stage import Stage

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

Source = Clip | Frame | np.ndarray
Moment = float | Fraction

PICTURE_CAP = 400_000
"""Bytes of a static picture; the same again for each side of all the sliders of one call."""

VIDEO_CAP = 4_000_000
"""Bytes of an inline video: a larger message may cost the browser's tab its connection."""

POSTER_CAP = 60_000
"""Bytes of the picture shown before a video is played."""

COPIES = ((1.0, 26), (1.0, 32), (0.75, 32), (0.5, 34))
"""Size and constant rate factor of an inline video, tried until it is small enough."""

SMALLEST = 640
"""Pixels: a picture whose longer side is below this is shown enlarged, if there is room."""

GAP, STRIP, FONT = 4, 28, 18
"""Pixels between pictures, of a label's strip, and of its letters."""


@dataclass(frozen=True, repr=False)
class View:
    """Something to look at.

    Attributes:
        sentence: what it is, for where nothing can be shown.
        outputs: MIME bundles (base64 or text), each an output of its own: of a picture and HTML in
            one bundle, only one would be shown.
    """

    sentence: str
    outputs: tuple[dict[str, str], ...]

    def __repr__(self) -> str:
        return self.sentence

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for output in self.outputs:
            display(output, raw=True)


@dataclass(frozen=True, eq=False)
class Picture:
    """A labelled picture.

    Attributes:
        image: (H, W, 3) uint8.
        sar: the width of a pixel divided by its height.
        name: what it is called.
        detail: its size, and its time if it has one.
    """

    image: np.ndarray
    sar: Fraction
    name: str
    detail: str

    @property
    def label(self) -> str:
        """Name and detail."""
        return f"{self.name} {self.detail}"


def compare(
    before: Source,
    after: Source,
    *,
    at: Moment | Sequence[Moment] | None = None,
    path: str | Path | None = None,
    labels: tuple[str, str] = ("before", "after"),
    width: int = 1280,
    zoom: tuple[float, float, float, float] | None = None,
) -> View:
    """Show two films, or two pictures, side by side and under a slider.

    Both are shown at one size, the smaller one enlarged plainly (bicubic), in the shape that the
    sample aspect ratio gives them.

    Args:
        before, after: clips, frames, or (H, W, 3) RGB arrays in uint8 or uint16.
        at: seconds, or several; the middle of what the clips share if not given. Each clip shows
            the frame that a player would, and its label says when that frame starts.
        path: also write the static picture there, as .png or .jpg.
        labels: what the two are called.
        width: pixels of the static picture, and of the slider, at most.
        zoom: the part to look at: left, top, width, height, in fractions (0..1) of the picture.
    """
    times = moments([before, after], at)
    rows = [pictures([before, after], time, labels, zoom) for time in times]
    sliders = [slider(row, width, PICTURE_CAP // len(rows)) for row in rows]
    view = static(rows, width, path)
    output = {"text/html": "\n".join(sliders), "text/plain": "The same, under a slider."}
    return View(view.sentence, (*view.outputs, output))


def sheet(
    clips: Sequence[Source],
    times: Moment | Sequence[Moment] | None = None,
    labels: Sequence[str] | None = None,
    *,
    path: str | Path | None = None,
    width: int = 1280,
    zoom: tuple[float, float, float, float] | None = None,
) -> View:
    """Show a contact sheet: a row for every clip (or model), a column for every time.

    Args:
        clips, times, path, width, zoom: as in `compare`.
        labels: what the clips are called; numbered if not given.
    """
    labels = [str(number + 1) for number in range(len(clips))] if labels is None else labels
    if len(labels) != len(clips) or not clips:
        raise StageError(f"{len(labels)} labels were given for {len(clips)} clips.")
    columns = [pictures(clips, time, labels, zoom) for time in moments(clips, times)]
    return static(list(zip(*columns, strict=True)), width, path)


def play(
    clip: Clip | str | Path,
    *,
    seconds: Moment = 6,
    start: Moment | None = None,
    width: int = 640,
    sound: bool = True,
) -> View:
    """Play a stretch of a film in the notebook, as a small H.264 copy kept in the output itself.

    Args:
        clip: a film, or a file. Only a file, or the clip that `open_video` made of it, has sound
            (not in VS Code, which plays no AAC).
        seconds: how long.
        start: seconds on the film's own timeline; its beginning if not given.
        width: pixels, at most. A smaller film is copied in its own size and enlarged by the player.
    """
    from helpers.video.reader import VideoClip, open_video

    clip = clip if isinstance(clip, Clip) else open_video(clip)
    file = clip.path if isinstance(clip, VideoClip) else None
    begin = clip.times[0 if start is None else clip.number_at(nearest_fraction(start))]
    end = begin + nearest_fraction(seconds)
    name = one_line(file.name if file else "film")
    sentence = f"{name} {clip.info.size}, {float(begin):.2f} to {float(min(end, clip.end)):.2f} s"
    video = small_copy(clip, begin, end, width, file if sound else None)
    if video is None:
        where = f"watch {file}" if file else "write it to a file and watch that"
        sentence += f": more than {VIDEO_CAP / 1e6:g} MB even as a small copy, so {where}."
        return static([pictures([clip], begin, [name])], width, None, sentence)
    # A browser that does not load the film before it is played shows its first frame all the same.
    first = Preview(*preview_size(clip.info, width))(clip).at(begin).image
    poster = base64.b64encode(jpeg(first, POSTER_CAP)).decode()
    tag = (
        f'<video controls loop playsinline style="width:100%;max-width:{width}px" '
        f'poster="data:image/jpeg;base64,{poster}" '
        f'src="data:video/mp4;base64,{base64.b64encode(video).decode()}"></video>'
        f"<div>{html.escape(sentence)}</div>"
    )
    return View(sentence, ({"text/html": tag, "text/plain": sentence},))


def moments(sources: Sequence[Source], at: Moment | Sequence[Moment] | None) -> list[Fraction]:
    """Return exact times; if None, the middle of what all the clips among `sources` share."""
    if at is not None:
        times = [nearest_fraction(time) for time in ([at] if isinstance(at, Real) else at)]  # type: ignore
        if not times:
            raise StageError("An empty list of times was given; name at least one, in seconds.")
        return times
    clips = [source for source in sources if isinstance(source, Clip)]
    start = max((clip.times[0] for clip in clips), default=Fraction(0))
    stop = min((clip.end for clip in clips), default=start)
    return [(start + max(start, stop)) / 2]


def nearest_fraction(time: Moment) -> Fraction:
    """Return the time that was meant: the float nearest to 0.3 lies before 3/10."""
    return time if isinstance(time, Fraction) else Fraction(float(time)).limit_denominator(10**6)


def pictures(
    sources: Sequence[Source],
    time: Fraction,
    names: Sequence[str],
    zoom: tuple[float, float, float, float] | None = None,
) -> list[Picture]:
    """Return what every source shows at `time`, all cut to the same part of the picture."""
    whole = [picture(source, time, name) for source, name in zip(sources, names, strict=True)]
    if zoom is None:
        return whole
    left, top, wide, high = zoom
    if not (0 <= left < left + wide <= 1 and 0 <= top < top + high <= 1):
        raise StageError(
            f"A zoom of {zoom} was asked for; it is left, top, width and height in fractions of "
            "the picture, such as (0.5, 0.25, 0.2, 0.2)."
        )
    # Whole pixels of the smallest picture, so that all show exactly the same part.
    height, width = min((each.image.shape[:2] for each in whole), key=math.prod)
    xs = math.floor(left * width) / width, math.ceil((left + wide) * width) / width
    ys = math.floor(top * height) / height, math.ceil((top + high) * height) / height
    return [replace(each, image=part(each.image, xs, ys)) for each in whole]


def part(image: np.ndarray, xs: tuple[float, float], ys: tuple[float, float]) -> np.ndarray:
    """Cut a picture, (H, W, 3), from left to right and top to bottom, in fractions."""
    height, width = image.shape[:2]
    (left, right), (top, bottom) = (round(x * width) for x in xs), (round(y * height) for y in ys)
    return image[top:bottom, left:right]


def picture(source: Source, time: Fraction, name: str) -> Picture:
    """Return what a source shows at `time`, labelled with its size and the frame's own time."""
    frame = source.at(time) if isinstance(source, Clip) else source
    image = frame.image if isinstance(frame, Frame) else frame
    check_image(image)
    sar = source.info.sar if isinstance(source, Clip) else Fraction(1)
    shown = f", {float(frame.time):.3f} s" if isinstance(frame, Frame) else ""
    return Picture(
        eight_bit(image), sar, one_line(name), f"{image.shape[1]}x{image.shape[0]}{shown}"
    )


def one_line(text: object) -> str:
    """Return text on one line that can be drawn and encoded, whatever it held."""
    return " ".join(str(text).encode("utf-8", "replace").decode().replace("\0", " ").split())


def eight_bit(image: np.ndarray) -> np.ndarray:
    """Round uint16 (0..65535) to uint8 (0..255)."""
    if image.dtype == np.uint8:
        return image
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def shown_size(row: Sequence[Picture], width: int, height: int) -> tuple[int, int]:
    """Return the size at which a row is shown: its largest picture's shape, in a box."""
    # Of equals, the one that knows the shape of its pixels: an array does not.
    largest = max(row, key=lambda picture: (picture.image.size, picture.sar != 1))
    high, wide = largest.image.shape[:2]
    wide, high = wide * max(largest.sar, Fraction(1)), high / min(largest.sar, Fraction(1))
    scale = min(width / wide, height / high, max(SMALLEST / max(wide, high), 1))
    return max(round(wide * scale), 1), max(round(high * scale), 1)


def static(
    rows: Sequence[Sequence[Picture]], width: int, path: str | Path | None, sentence: str = ""
) -> View:
    """Draw rows of labelled pictures as one picture, and write it to `path` if there is one."""
    names = "; ".join(picture.label for row in rows for picture in row)
    sentence = sentence or f"Pictures of {names}"
    canvas = draw(rows, width)
    if path is not None:
        save(canvas, Path(path))
        sentence += f"; written to {path}"
    data = base64.b64encode(jpeg(canvas, PICTURE_CAP)).decode()
    return View(sentence, ({"image/jpeg": data, "text/plain": sentence},))


def draw(rows: Sequence[Sequence[Picture]], width: int) -> np.ndarray:
    """Return a picture, (H, W, 3) uint8, of rows of pictures, each under its label."""
    from PIL import Image, ImageDraw

    from helpers.imaging.resample import resize

    columns = len(rows[0])
    room = max((width - GAP * (columns - 1)) // columns, 1)
    sizes = [shown_size(row, room, room) for row in rows]
    cell = max(wide for wide, _ in sizes)
    height = sum(high + STRIP + GAP for _, high in sizes) - GAP
    canvas = Image.new("RGB", ((cell + GAP) * columns - GAP, height), (24, 24, 24))
    pen, top = ImageDraw.Draw(canvas), 0
    for row, (wide, high) in zip(rows, sizes, strict=True):
        for left, picture in zip(range(0, canvas.width, cell + GAP), row, strict=True):
            write_label(pen, picture, left + 6, top + STRIP // 2, cell - 12)
            image = Image.fromarray(resize(picture.image, wide, high, "bicubic"))
            canvas.paste(image, (left + (cell - wide) // 2, top + STRIP))
        top += high + STRIP + GAP
    return np.asarray(canvas)


def write_label(
    pen: ImageDraw.ImageDraw, picture: Picture, left: int, middle: int, room: int
) -> None:
    """Write a picture's label, its letters smaller and then its name shorter until it fits."""
    size, name, text = FONT, picture.name, picture.label
    while size > 11 and pen.textlength(text, font(size)) > room:
        size -= 1
    while name and pen.textlength(text, font(size)) > room:
        name = name[:-1]
        text = f"{name}… {picture.detail}"
    pen.text((left, middle), text, (235, 235, 235), font(size), anchor="lm")


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font that comes with matplotlib: PIL's own has no accents."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)


def jpeg(image: np.ndarray, cap: int) -> bytes:
    """Encode (H, W, 3) uint8 as JPEG of quality 85; lower, then smaller, if over `cap` bytes."""
    from PIL import Image

    from helpers.imaging.resample import resize

    data = b""
    for quality in (85, 75, 65, 55):
        file = io.BytesIO()
        # Colour is kept in full resolution: it may be the very thing that is compared.
        Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=0)
        data = file.getvalue()
        if len(data) <= cap:
            return data
    height, width = image.shape[:2]
    if max(width, height) <= 64:
        return data
    return jpeg(resize(image, max(width * 3 // 4, 1), max(height * 3 // 4, 1)), cap)


def save(image: np.ndarray, path: Path) -> None:
    """Write a picture; the file appears under its name only when it is whole."""
    from PIL import Image

    form = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower())
    if form is None or path.is_dir():
        raise VideoWriteError(f"A picture cannot be written to {path}; name it .png or .jpg.")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        Image.fromarray(image).save(unfinished, form, quality=92, subsampling=0)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


# The transparent range input over the picture brings pointer, touch and keyboard with it; its
# inline handler needs neither a script element nor a way to find the elements again.
SLIDER = Template("""\
<style>
#$id {position:relative; max-width:${width}px; overflow:hidden; direction:ltr; user-select:none}
#$id:has(:focus-visible) {outline:2px solid #4c8dff}
#$id img {display:block; width:100%; max-width:none; height:auto; margin:0}
#$id img.over {position:absolute; inset:0; height:100%; clip-path:inset(0 0 0 var(--at))}
#$id i {position:absolute; top:0; bottom:0; left:var(--at); width:2px; margin-left:-1px;
  background:#fff; box-shadow:0 0 3px #000}
#$id span {position:absolute; top:6px; left:6px; max-width:45%; padding:2px 6px; color:#eee;
  background:rgba(0,0,0,.6); font:13px sans-serif; overflow-wrap:anywhere}
#$id span.over {left:auto; right:6px}
#$id input {-webkit-appearance:none; appearance:none; position:absolute; inset:0; width:100%;
  height:100%; margin:0; opacity:0; cursor:ew-resize; touch-action:pan-y}
#$id input::-webkit-slider-thumb {-webkit-appearance:none; width:2px; height:100%}
#$id input::-moz-range-thumb {width:2px; height:100%; border:0}
</style>
<div id="$id" style="--at:50%">
<img src="data:image/jpeg;base64,$before" alt="$before_label">
<img class="over" src="data:image/jpeg;base64,$after" alt="$after_label">
<i></i><span>$before_label</span><span class="over">$after_label</span>
<input type="range" min="0" max="100" step="any" value="50" autocomplete="off"
  aria-label="$before_label | $after_label"
  oninput="this.parentNode.style.setProperty('--at', this.value + '%')">
</div>""")


def slider(row: Sequence[Picture], width: int, cap: int) -> str:
    """Return HTML in which the second picture, over the first, is uncovered as one likes."""
    from helpers.imaging.resample import resize

    wide, high = shown_size(row, width, width * 3 // 4)
    fields = {"id": f"slider-{uuid.uuid4().hex[:12]}", "width": str(wide)}
    for side, picture in zip(("before", "after"), row, strict=True):
        data = jpeg(resize(picture.image, wide, high, "bicubic"), cap)
        fields[side] = base64.b64encode(data).decode()
        fields[f"{side}_label"] = html.escape(picture.label)
    return SLIDER.substitute(fields)


@dataclass(frozen=True)
class Preview(Stage):
    """Make frames that every browser shows: 8 bits, square pixels, even sides."""

    width: int
    height: int

    def info(self, source: Clip) -> ClipInfo:
        """The source's, in the new size."""
        width, height = self.width, self.height
        return source.info.replace(width=width, height=height, sar=Fraction(1), depth=8)

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Resize every frame."""
        from helpers.imaging.resample import resize

        for frame in frames:
            image = resize(eight_bit(frame.image), self.width, self.height, "bicubic")
            yield Frame(image, frame.time)


def preview_size(info: ClipInfo, room: float) -> tuple[int, int]:
    """Return a film's size in square pixels: even, at most `room` wide, never enlarged."""
    wide, high = info.width * max(info.sar, Fraction(1)), info.height / min(info.sar, Fraction(1))
    scale = min(room / wide, 1)
    # Downwards, so that an odd `room` is kept too.
    width, height = (max(int(side * scale + 1e-6) // 2 * 2, 2) for side in (wide, high))
    return width, height


def small_copy(
    clip: Clip, begin: Fraction, end: Fraction, width: int, sound: Path | None
) -> bytes | None:
    """Return a stretch of a film as an MP4 of at most VIDEO_CAP bytes; None if it stays larger."""
    from helpers.retime import Trim
    from helpers.video.writer import write_video

    stretch = Trim(begin, end)(clip)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "preview.mp4")
        for scale, quality in COPIES:
            copy = Preview(*preview_size(clip.info, width * scale))(stretch)
            write_video(copy, file, quality=quality, source=sound, start=begin, stop=end)
            if file.stat().st_size <= VIDEO_CAP:
                return file.read_bytes()
    return None

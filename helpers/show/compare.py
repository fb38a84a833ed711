"""Show films in a notebook: comparisons, contact sheets and a small player.

    compare(before, after, at=2.5)           # a picture side by side, and a slider
    sheet([talk, x4plus, x4v3], [1, 2, 3], ["source", "x4plus", "x4v3"], path="models.png")
    play("restored.mp4", start=60)           # six seconds of it, with its sound

Each returns a `View`, which a notebook shows at the end of a cell or by `display`.
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
"""The most bytes of a still picture, and of each side of all sliders of one call together."""

VIDEO_CAP = 4_000_000
"""The most bytes of an inline video: a larger message may disconnect the browser tab."""

POSTER_CAP = 60_000
"""The most bytes of the picture that is shown before a video is played."""

COPIES = ((1.0, 26), (1.0, 32), (0.75, 32), (0.5, 34))
"""Scale and constant rate factor of an inline video, tried in turn until it is small enough."""

SMALLEST = 640
"""A picture with a longer side of fewer pixels is enlarged for display, if there is space."""

GAP, STRIP, FONT = 4, 28, 18
"""In pixels: the gap between pictures, the height of a label's strip, and the font size."""


@dataclass(frozen=True, repr=False)
class View:
    """Something to show in a notebook.

    Attributes:
        sentence: a description, shown where pictures cannot be.
        outputs: MIME bundles (base64 or text), each a separate output: of a picture and HTML in the
            same bundle, a notebook would show only one.
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
        sar: sample aspect ratio, the width of a pixel divided by its height.
        name: its name in the label.
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
    """Show two films, or two pictures, side by side and with a slider.

    Both are shown at the same size, in their display aspect ratio. The smaller one is enlarged by
    bicubic interpolation.

    Args:
        before, after: clips, frames, or (H, W, 3) RGB arrays in uint8 or uint16.
        at: one time or several, in seconds; if not given, the middle of the time that the clips
            share. Each clip shows the frame that a player would show, and its label says when that
            frame begins.
        path: also write the still picture there, as .png or .jpg.
        labels: the names of the two.
        width: the width of the still picture and the greatest width of the slider, in pixels.
        zoom: the part to show: left, top, width, height, in fractions (0..1) of the picture.
    """
    times = _choose_times([before, after], at)
    rows = [take_pictures([before, after], time, labels, zoom) for time in times]
    sliders = [_make_slider(row, width, PICTURE_CAP // len(rows)) for row in rows]
    view = make_still(rows, width, path)
    output = {"text/html": "\n".join(sliders), "text/plain": "The same pictures with a slider."}
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
        labels: the names of the clips; they are numbered if not given.
    """
    labels = [str(number + 1) for number in range(len(clips))] if labels is None else labels
    if len(labels) != len(clips) or not clips:
        raise StageError(
            f"{len(labels)} labels were given for {len(clips)} clips. Give at least one clip, and "
            "one label for each."
        )
    columns = [take_pictures(clips, time, labels, zoom) for time in _choose_times(clips, times)]
    return make_still(list(zip(*columns, strict=True)), width, path)


def play(
    clip: Clip | str | Path,
    *,
    seconds: Moment = 6,
    start: Moment | None = None,
    width: int = 640,
    sound: bool = True,
) -> View:
    """Play a stretch of a film in the notebook, as a small H.264 copy inside the output.

    Args:
        clip: a clip, or a file. Only a file, or its clip from `open_video`, is played with sound
            (but not in VS Code, which does not support AAC).
        seconds: the length of the stretch.
        start: where it begins on the film's timeline, in seconds; its beginning if not given.
        width: the greatest width, in pixels. A smaller film keeps its size, and the player enlarges
            it.
        sound: whether to include the sound.
    """
    from helpers.video.reader import VideoClip, open_video

    clip = clip if isinstance(clip, Clip) else open_video(clip)
    file = clip.path if isinstance(clip, VideoClip) else None
    begin = clip.times[0 if start is None else clip.number_at(nearest_fraction(start))]
    end = begin + nearest_fraction(seconds)
    name = _clean_label(file.name if file else "film")
    sentence = f"{name} {clip.info.size}, {float(begin):.2f} to {float(min(end, clip.end)):.2f} s"
    video = _encode_preview(clip, begin, end, width, file if sound else None)
    if video is None:
        where = f"Watch {file} instead" if file else "Write it to a file and watch that instead"
        sentence += (
            f". The preview would be larger than {VIDEO_CAP / 1e6:g} MB, too large for a notebook. "
            f"{where}."
        )
        return make_still([take_pictures([clip], begin, [name])], width, None, sentence)
    # The poster is for browsers that do not load a video before it is played.
    first = Preview(*_preview_size(clip.info, width))(clip).at(begin).image
    poster = base64.b64encode(encode_jpeg(first, POSTER_CAP)).decode()
    tag = (
        f'<video controls loop playsinline style="width:100%;max-width:{width}px" '
        f'poster="data:image/jpeg;base64,{poster}" '
        f'src="data:video/mp4;base64,{base64.b64encode(video).decode()}"></video>'
        f"<div>{html.escape(sentence)}</div>"
    )
    return View(sentence, ({"text/html": tag, "text/plain": sentence},))


def _choose_times(
    sources: Sequence[Source], at: Moment | Sequence[Moment] | None
) -> list[Fraction]:
    """Return exact times; if None, the middle of the time that all clips in `sources` share."""
    if at is not None:
        times = [nearest_fraction(time) for time in ([at] if isinstance(at, Real) else at)]  # type: ignore
        if not times:
            raise StageError("An empty list of times was given. Give at least one, in seconds.")
        return times
    clips = [source for source in sources if isinstance(source, Clip)]
    start = max((clip.times[0] for clip in clips), default=Fraction(0))
    stop = min((clip.end for clip in clips), default=start)
    return [(start + max(start, stop)) / 2]


def nearest_fraction(time: Moment) -> Fraction:
    """Return the fraction that a float stands for: the float 0.3 is slightly less than 3/10."""
    return time if isinstance(time, Fraction) else Fraction(float(time)).limit_denominator(10**6)


def take_pictures(
    sources: Sequence[Source],
    time: Fraction,
    names: Sequence[str],
    zoom: tuple[float, float, float, float] | None = None,
) -> list[Picture]:
    """Return the picture of every source at `time`, all cropped to the same part."""
    whole = [take_picture(source, time, name) for source, name in zip(sources, names, strict=True)]
    if zoom is None:
        return whole
    left, top, wide, high = zoom
    if not (0 <= left < left + wide <= 1 and 0 <= top < top + high <= 1):
        raise StageError(
            f"zoom={zoom} is not a part of the picture. Give left, top, width and height as "
            "fractions (0..1) of the picture, such as (0.5, 0.25, 0.2, 0.2)."
        )
    # Rounded to whole pixels of the smallest picture, so that all show exactly the same part.
    height, width = min((each.image.shape[:2] for each in whole), key=math.prod)
    xs = math.floor(left * width) / width, math.ceil((left + wide) * width) / width
    ys = math.floor(top * height) / height, math.ceil((top + high) * height) / height
    return [replace(each, image=crop(each.image, xs, ys)) for each in whole]


def crop(image: np.ndarray, xs: tuple[float, float], ys: tuple[float, float]) -> np.ndarray:
    """Crop a picture, (H, W, 3), from left to right and from top to bottom, in fractions."""
    height, width = image.shape[:2]
    (left, right), (top, bottom) = (round(x * width) for x in xs), (round(y * height) for y in ys)
    return image[top:bottom, left:right]


def take_picture(source: Source, time: Fraction, name: str) -> Picture:
    """Return the picture of a source at `time`, labelled with its size and the frame's own time."""
    frame = source.at(time) if isinstance(source, Clip) else source
    image = frame.image if isinstance(frame, Frame) else frame
    check_image(image)
    sar = source.info.sar if isinstance(source, Clip) else Fraction(1)
    begins = f", {float(frame.time):.3f} s" if isinstance(frame, Frame) else ""
    detail = f"{image.shape[1]}x{image.shape[0]}{begins}"
    return Picture(to_eight_bit(image), sar, _clean_label(name), detail)


def _clean_label(text: object) -> str:
    """Return text on one line, without characters that cannot be drawn or encoded."""
    return " ".join(str(text).encode("utf-8", "replace").decode().replace("\0", " ").split())


def to_eight_bit(image: np.ndarray) -> np.ndarray:
    """Round uint16 (0..65535) to uint8 (0..255); uint8 is returned as it is."""
    if image.dtype == np.uint8:
        return image
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _fit_size(row: Sequence[Picture], width: int, height: int) -> tuple[int, int]:
    """Return the size to show a row at: the shape of its largest picture, fitted into a box."""
    # Of pictures of the same size, prefer one with a known aspect ratio: an array has none.
    largest = max(row, key=lambda picture: (picture.image.size, picture.sar != 1))
    high, wide = largest.image.shape[:2]
    wide, high = wide * max(largest.sar, Fraction(1)), high / min(largest.sar, Fraction(1))
    scale = min(width / wide, height / high, max(SMALLEST / max(wide, high), 1))
    return max(round(wide * scale), 1), max(round(high * scale), 1)


def make_still(
    rows: Sequence[Sequence[Picture]], width: int, path: str | Path | None, sentence: str = ""
) -> View:
    """Draw rows of labelled pictures as one picture; also write it to `path` if that is given."""
    names = "; ".join(picture.label for row in rows for picture in row)
    sentence = sentence or f"Pictures of {names}"
    canvas = draw(rows, width)
    if path is not None:
        save_picture(canvas, Path(path))
        sentence += f"; written to {path}"
    data = base64.b64encode(encode_jpeg(canvas, PICTURE_CAP)).decode()
    return View(sentence, ({"image/jpeg": data, "text/plain": sentence},))


def draw(rows: Sequence[Sequence[Picture]], width: int) -> np.ndarray:
    """Draw rows of pictures, each below its label, as one picture, (H, W, 3) uint8."""
    from PIL import Image, ImageDraw

    from helpers.imaging.resample import resize

    columns = len(rows[0])
    side = max((width - GAP * (columns - 1)) // columns, 1)
    sizes = [_fit_size(row, side, side) for row in rows]
    cell = max(wide for wide, _ in sizes)
    height = sum(high + STRIP + GAP for _, high in sizes) - GAP
    canvas = Image.new("RGB", ((cell + GAP) * columns - GAP, height), (24, 24, 24))
    pen, top = ImageDraw.Draw(canvas), 0
    for row, (wide, high) in zip(rows, sizes, strict=True):
        for left, picture in zip(range(0, canvas.width, cell + GAP), row, strict=True):
            _write_label(pen, picture, left + 6, top + STRIP // 2, cell - 12)
            image = Image.fromarray(resize(picture.image, wide, high, "bicubic"))
            canvas.paste(image, (left + (cell - wide) // 2, top + STRIP))
        top += high + STRIP + GAP
    return np.asarray(canvas)


def _write_label(
    pen: ImageDraw.ImageDraw, picture: Picture, left: int, middle: int, room: int
) -> None:
    """Draw a picture's label: in a smaller font, and then with a shorter name, until it fits."""
    size, name, text = FONT, picture.name, picture.label
    while size > 11 and pen.textlength(text, font(size)) > room:
        size -= 1
    while name and pen.textlength(text, font(size)) > room:
        name = name[:-1]
        text = f"{name}… {picture.detail}"
    pen.text((left, middle), text, (235, 235, 235), font(size), anchor="lm")


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font that comes with matplotlib, since PIL's own has no accents."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)


def encode_jpeg(image: np.ndarray, cap: int) -> bytes:
    """Encode (H, W, 3) uint8 as JPEG, in lower quality and then smaller until `cap` bytes do."""
    from PIL import Image

    from helpers.imaging.resample import resize

    data = b""
    for quality in (85, 75, 65, 55):
        file = io.BytesIO()
        # Colour keeps its full resolution, since colours may be what is compared.
        Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=0)
        data = file.getvalue()
        if len(data) <= cap:
            return data
    height, width = image.shape[:2]
    if max(width, height) <= 64:
        return data
    return encode_jpeg(resize(image, max(width * 3 // 4, 1), max(height * 3 // 4, 1)), cap)


def save_picture(image: np.ndarray, path: Path) -> None:
    """Write a picture; the file gets its name when it is complete."""
    from PIL import Image

    form = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower())
    if form is None or path.is_dir():
        raise VideoWriteError(
            f"A picture cannot be written to {path}. Its name must end in .png or .jpg."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        Image.fromarray(image).save(unfinished, form, quality=92, subsampling=0)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


# A transparent range input over the picture works with mouse, touch and keyboard. Its inline
# handler needs no script element, and finds the elements through its parent.
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


def _make_slider(row: Sequence[Picture], width: int, cap: int) -> str:
    """Return HTML with the second picture over the first, and a slider that uncovers it."""
    from helpers.imaging.resample import resize

    wide, high = _fit_size(row, width, width * 3 // 4)
    fields = {"id": f"slider-{uuid.uuid4().hex[:12]}", "width": str(wide)}
    for side, picture in zip(("before", "after"), row, strict=True):
        data = encode_jpeg(resize(picture.image, wide, high, "bicubic"), cap)
        fields[side] = base64.b64encode(data).decode()
        fields[f"{side}_label"] = html.escape(picture.label)
    return SLIDER.substitute(fields)


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


def _preview_size(info: ClipInfo, widest: float) -> tuple[int, int]:
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
            copy = Preview(*_preview_size(clip.info, width * scale))(stretch)
            write_video(
                copy, file, quality=quality, source=sound, start=begin, stop=end, check=False
            )
            if file.stat().st_size <= VIDEO_CAP:
                return file.read_bytes()
    return None

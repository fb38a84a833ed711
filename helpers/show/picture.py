"""Pictures with a label: taken from films, cropped, scaled and written."""

from __future__ import annotations

import io
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from helpers.clip import Clip, Frame, check_image
from helpers.errors import StageError, VideoWriteError

Source = Clip | Frame | np.ndarray
Part = tuple[float, float, float, float]
"""A part of a picture: left, top, width and height, in fractions (0..1) of it."""

SMALLEST = 640
"""A picture with a longer side of fewer pixels is enlarged for display, if there is space."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A labelled picture.

    Attributes:
        image: (H, W, 3) uint8.
        sar: sample aspect ratio, the width of a pixel divided by its height.
        name: its name in the label.
        detail: its size, and its time if it has one.
        moment: its time alone.
    """

    image: np.ndarray
    sar: Fraction
    name: str
    detail: str
    moment: str = ""

    @property
    def label(self) -> str:
        """Name and detail."""
        return f"{self.name} {self.detail}"


def take_pictures(
    sources: Sequence[Source],
    time: Fraction,
    names: Sequence[str],
    zoom: Part | None = None,
) -> list[Picture]:
    """Return the picture that every source shows at `time`, all cropped to the same part."""
    whole = [take_picture(source, time, name) for source, name in zip(sources, names, strict=True)]
    return crop_alike(whole, zoom)


def crop_alike(whole: Sequence[Picture], zoom: Part | None) -> list[Picture]:
    """Crop pictures of any sizes to the same part; None is all of it.

    Raises:
        StageError: `zoom` is not a part of the picture.
    """
    if zoom is None:
        return list(whole)
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
    """Return the picture that a source shows at `time`, labelled with its size and its own time."""
    if isinstance(source, Clip):
        frame = source.at(time)
        return label_picture(frame.image, name, frame.time, source.info.sar)
    if isinstance(source, Frame):
        return label_picture(source.image, name, source.time)
    return label_picture(source, name)


def label_picture(
    image: np.ndarray, name: str, time: Fraction | None = None, sar: Fraction = Fraction(1)
) -> Picture:
    """Return an image, (H, W, 3) uint8 or uint16, as a picture, labelled with its size and time."""
    from helpers.imaging.luma import to_eight_bit

    check_image(image)
    moment = "" if time is None else f"{float(time):.3f} s"
    detail = ", ".join(filter(None, (f"{image.shape[1]}x{image.shape[0]}", moment)))
    return Picture(to_eight_bit(image), sar, clean_label(name), detail, moment)


def clean_label(text: object) -> str:
    """Return text on one line, without characters that cannot be drawn or encoded."""
    return " ".join(str(text).encode("utf-8", "replace").decode().replace("\0", " ").split())


def fit_size(row: Sequence[Picture], width: int, height: int) -> tuple[int, int]:
    """Return the size to show a row at: the shape of its largest picture, fitted into a box."""
    # Of pictures of the same size, prefer one with a known aspect ratio: an array has none.
    largest = max(row, key=lambda picture: (picture.image.size, picture.sar != 1))
    high, wide = largest.image.shape[:2]
    wide, high = wide * max(largest.sar, Fraction(1)), high / min(largest.sar, Fraction(1))
    scale = min(width / wide, height / high, max(SMALLEST / max(wide, high), 1))
    return max(round(wide * scale), 1), max(round(high * scale), 1)


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


QUALITIES = (90, 82, 74, 66, 58, 50)
"""Qualities of WebP; below, its blocks would be taken for what was done to the film."""


def encode_alike(images: Sequence[np.ndarray], cap: int) -> list[bytes]:
    """Encode pictures, (H, W, 3) uint8, as WebP: all in the same quality, together in `cap` bytes.

    The best quality that fits is taken; if none does, all are made smaller. Pictures of 64 pixels
    are encoded in any case.
    """
    from helpers.imaging.resample import resize

    tried = cache(lambda quality: [_encode_webp(image, quality) for image in images])

    def fits(quality: int) -> bool:
        return sum(map(len, tried(quality))) <= cap

    best = bisect_left(QUALITIES, True, key=fits)
    side = max(max(image.shape[:2]) for image in images)
    if best < len(QUALITIES) or side <= 64:
        return tried(QUALITIES[min(best, len(QUALITIES) - 1)])
    sizes = [(max(w * 3 // 4, 1), max(h * 3 // 4, 1)) for h, w in (one.shape[:2] for one in images)]
    smaller = [resize(image, w, h) for image, (w, h) in zip(images, sizes, strict=True)]
    return encode_alike(smaller, cap)


def _encode_webp(image: np.ndarray, quality: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    # The effort of 2 takes less than half as long as the usual 4, and a twentieth more bytes.
    Image.fromarray(image).save(file, "WEBP", quality=quality, method=2)
    return file.getvalue()


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

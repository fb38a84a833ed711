"""Draw rows of labelled pictures as one picture."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.show.picture import Picture, encode_jpeg, fit_size, save_picture
from helpers.show.view import View

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

PICTURE_CAP = 400_000
"""The most bytes of a still picture."""

GAP, STRIP, FONT = 4, 28, 18
"""In pixels: the gap between pictures, the height of a label's strip, and the font size."""


def make_still(
    rows: Sequence[Sequence[Picture]],
    width: int,
    path: str | Path | None,
    sentence: str = "",
    cap: int = PICTURE_CAP,
) -> View:
    """Draw rows of labelled pictures as one picture; also write it to `path` if that is given.

    Args:
        cap: the most bytes of the picture that is shown.
    """
    names = "; ".join(picture.label for row in rows for picture in row)
    sentence = sentence or f"Pictures of {names}"
    canvas = draw(rows, width)
    if path is not None:
        save_picture(canvas, Path(path))
        sentence += f"; written to {path}"
    data = base64.b64encode(encode_jpeg(canvas, cap)).decode()
    return View(sentence, ({"image/jpeg": data, "text/plain": sentence},))


def draw(rows: Sequence[Sequence[Picture]], width: int) -> np.ndarray:
    """Draw rows of pictures, each below its label, as one picture, (H, W, 3) uint8."""
    from PIL import Image, ImageDraw

    from helpers.imaging.resample import resize

    columns = len(rows[0])
    side = max((width - GAP * (columns - 1)) // columns, 1)
    sizes = [fit_size(row, side, side) for row in rows]
    cell = max(wide for wide, _ in sizes)
    height = sum(high + STRIP + GAP for _, high in sizes) - GAP
    canvas = Image.new("RGB", ((cell + GAP) * columns - GAP, height), (24, 24, 24))
    pen, top = ImageDraw.Draw(canvas), 0
    for row, (wide, high) in zip(rows, sizes, strict=True):
        # The last row may be shorter.
        for left, picture in zip(range(0, canvas.width, cell + GAP), row, strict=False):
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

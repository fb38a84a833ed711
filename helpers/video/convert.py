"""Convert decoded pictures to RGB: each by its own colour tags, all upright and of one shape.

A film's pictures may change midway: their size, pixel format, colour tags or aspect ratio. Each is
converted by what it states itself, and fitted into the film's shape, with black bars if its own
shape differs. A picture is converted by itself (with its neighbours, if it is deinterlaced), so a
range gives the same pixels as the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import ColourTags
from helpers.video.colour import (
    SWSCALE_MATRIX,
    bits_of,
    clear_reserved_tags,
    has_alpha,
    has_rgb,
    read_colour_tags,
    to_full_scale,
)
from helpers.video.orientation import Orientation

if TYPE_CHECKING:
    import av


@dataclass(frozen=True)
class Look:
    """What a decoded picture states about itself.

    Attributes:
        width, height: pixels, as stored.
        format: ffmpeg's name of the pixel format.
        colour: the colour tags; an untagged matrix is guessed.
        sar: sample aspect ratio, as stored.
    """

    width: int
    height: int
    format: str
    colour: ColourTags
    sar: Fraction

    @classmethod
    def of(cls, frame: av.VideoFrame, sar: Fraction) -> Look:
        """Return the look of a picture."""
        return cls(frame.width, frame.height, frame.format.name, read_colour_tags(frame), sar)

    @property
    def shape(self) -> Fraction:
        """Width divided by height, as it is shown."""
        return self.width * self.sar / self.height


def swscale_matrix(look: Look) -> str | None:
    """Return swscale's name of the matrix of pictures."""
    return SWSCALE_MATRIX.get(look.colour.matrix or "", look.colour.matrix)


def deinterlacing(parity: str, look: Look, mode: str = "send_frame") -> Iterator[tuple[str, str]]:
    """Yield the names and options of the filters that deinterlace pictures.

    bwdif does not take every pixel format. ffmpeg converts the others by itself, but to BT.601
    whatever their matrix is, so that is asked for here: to a format that it takes, of the same
    matrix and range.

    Args:
        mode: "send_frame" makes a picture of the first field of each, "send_field" of both.
    """
    if look.colour.matrix != "gbr":
        matrix, span = swscale_matrix(look), look.colour.range
        same = (
            f"in_color_matrix={matrix}:out_color_matrix={matrix}:in_range={span}:out_range={span}"
        )
        yield "scale", f"flags=accurate_rnd+full_chroma_int+full_chroma_inp:{same}"
    yield "bwdif", f"mode={mode}:parity={parity}:deint=all"


SAME_SHAPE = Fraction(1, 50)
"""Shapes that differ by less are taken for the same: a few columns more or less, as in 704 and 720
pixels of television."""


def fit(look: Look, width: int, height: int, sar: Fraction) -> tuple[int, int]:
    """Return the size at which a picture fits into another size without changing its shape."""
    ratio = look.shape / (width * sar / height)
    if abs(ratio - 1) < SAME_SHAPE:
        return width, height
    if ratio > 1:
        return width, max(round(height / ratio), 1)
    return max(round(width * ratio), 1), height


@dataclass(frozen=True)
class Conversion:
    """How the pictures of a film become RGB.

    Attributes:
        width, height: the size of the result before it is turned upright.
        sar: its sample aspect ratio, then.
        depth: the bits of a channel; above 8, the result is uint16 with the full 0..65535.
        orientation: how it is turned upright.
        parity: which field comes first, "tff" or "bff", if bwdif is to deinterlace; else None.
        over_black: whether transparent pictures are laid over black.
        sars: the sample aspect ratio from a frame number on, where it is not `sar`.
    """

    width: int
    height: int
    sar: Fraction = Fraction(1)
    depth: int = 8
    orientation: Orientation = Orientation()  # noqa: RUF009 (frozen)
    parity: str | None = None
    over_black: bool = False
    sars: tuple[tuple[int, Fraction], ...] = ()

    def images(self, decoded: Iterable[av.VideoFrame], first: int = 0) -> Iterator[np.ndarray]:
        """Yield an upright RGB picture, (H, W, 3) uint8 or uint16, for each decoded one.

        Args:
            first: the number of the first one in the film.
        """
        graph, kind = None, None
        for number, frame in enumerate(decoded, first):
            clear_reserved_tags(frame)
            look = Look.of(frame, self.sar_at(number))
            if graph is None or look != kind:
                if graph is not None:
                    yield from graph.finish()
                graph, kind = _Graph(self, look, frame), look
            yield from graph.push(frame)
        if graph is not None:
            yield from graph.finish()

    def sar_at(self, number: int) -> Fraction:
        """Return the sample aspect ratio of a frame."""
        found = self.sar
        for first, sar in self.sars:
            if first > number:
                break
            found = sar
        return found


PLANAR_AND_PACKED = {
    (False, False): ("gbrp", "rgb24"),
    (False, True): ("gbrp16le", "rgb48le"),
    (True, False): ("gbrap", "rgba"),
    (True, True): ("gbrap16le", "rgba64le"),
}
"""The formats of a result, by whether it has alpha, and more than 8 bits. Luma and chroma become
planes first, which are then packed: swscale gives the same values so, in a fifth of the time, since
it has vector code for full chroma in planes only."""


SMALL = 300_000
"""A picture of fewer pixels is converted in one thread. To wake others costs more than they save:
160x120 takes 0.12 ms of CPU in one and 0.2 ms in two, and from 640x480 on the two are equal."""


class _Graph:
    """The filters for pictures of one look."""

    def __init__(self, conversion: Conversion, look: Look, frame: av.VideoFrame) -> None:
        import av.filter

        self.conversion, self.luma = conversion, not has_rgb(frame)
        self.size = fit(look, conversion.width, conversion.height, conversion.sar)
        self.alpha = conversion.over_black and has_alpha(frame)
        self.graph = av.filter.Graph()
        if frame.width * frame.height < SMALL:
            self.graph.threads = 1
        last = self.graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
        )
        for name, options in self._filters(look, frame):
            node = self.graph.add(name, options)
            last.link_to(node)
            last = node
        last.link_to(self.graph.add("buffersink"))
        self.graph.configure()

    def _filters(self, look: Look, frame: av.VideoFrame) -> Iterator[tuple[str, str]]:
        """Yield the filters' names and options."""
        if self.conversion.parity:
            yield from deinterlacing(self.conversion.parity, look)
        if look.format.startswith(("gray", "ya")):
            # swscale always treats grey as full range. As luma, with the same values, it is
            # converted with the range that is given below.
            bits, planes = bits_of(frame), "yuva444p" if self.alpha else "yuv444p"
            yield "scale", "in_range=pc:out_range=pc"
            yield "format", f"{planes}{bits}le" if bits > 8 else planes
        width, height = self.size
        scale = f"w={width}:h={height}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
        if self.luma:
            matrix = swscale_matrix(look)
            scale += f":in_color_matrix={matrix}:in_range={look.colour.range}"
        yield "scale", scale + ":out_range=pc"
        planar, packed = PLANAR_AND_PACKED[self.alpha, self.conversion.depth > 8]
        if self.luma:
            yield "format", planar
        yield "format", packed

    def push(self, frame: av.VideoFrame | None) -> Iterator[np.ndarray]:
        """Add a picture, and yield those that are ready."""
        import av

        self.graph.push(frame)
        while True:
            try:
                made = self.graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield self._finish_image(made.to_ndarray())  # type: ignore[union-attr]

    def finish(self) -> Iterator[np.ndarray]:
        """Yield the pictures that are still in the filters."""
        return self.push(None)

    def _finish_image(self, image: np.ndarray) -> np.ndarray:
        """Lay a picture over black, fill the film's shape, and turn it upright."""
        if self.alpha:
            image = lay_over_black(image)
        if image.dtype == np.uint16 and self.luma:
            image = to_full_scale(image)
        film = self.conversion
        if self.size != (film.width, film.height):
            image = add_bars(image, film.width, film.height)
        if not film.orientation.upright:
            image = film.orientation.apply(image)
        return image


def lay_over_black(image: np.ndarray) -> np.ndarray:
    """Return an (H, W, 4) RGBA picture, uint8 or uint16, over black: (H, W, 3)."""
    # swscale's opaque is between 65280 and 65535 in 16 bits.
    opaque = 255 if image.dtype == np.uint8 else 65280
    alpha = np.minimum(image[..., 3:], opaque).astype(np.uint32)
    return ((image[..., :3] * alpha + opaque // 2) // opaque).astype(image.dtype)


def add_bars(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return a picture, (H, W, 3), in the middle of a larger black one."""
    canvas = np.zeros((height, width, 3), image.dtype)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas

"""Deinterlace pictures: each becomes the whole picture of the moment of its first field.

bwdif guesses the missing lines. Then `imaging.field_lines` fetches them from the fields around,
where the motion can be followed. A picture is made of itself, the two before and the one after.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from fractions import Fraction
from itertools import chain, groupby
from typing import TYPE_CHECKING

import numpy as np

from helpers.video.colour import bits_of, clear_reserved_tags
from helpers.video.convert import Look, deinterlacing

if TYPE_CHECKING:
    import av

BEFORE, AFTER = 2, 1
"""So many pictures before and after one are looked at."""


def follow_motion(
    pictures: Iterable[av.VideoFrame], parity: str, wanted: Container[int]
) -> Iterator[av.VideoFrame]:
    """Yield each picture, progressive, in planes of the same matrix, range and depth.

    Where the pictures change midway, what comes before and after has nothing to do with each other.

    Args:
        parity: which field comes first, "tff" or "bff".
        wanted: the numbers of those that matter, counted from 0 among these; the others come as
            bwdif makes them.
    """
    number = 0
    for _, alike in groupby(pictures, _look):
        before = None
        for here, after in _fields(alike, parity):
            if number in wanted:
                _fill(here, before, after, {"tff": 0, "bff": 1}[parity])
            yield here
            before, number = after, number + 1


def _look(picture: av.VideoFrame) -> Look:
    """Return what a picture states about itself; it must not say what means nothing."""
    clear_reserved_tags(picture)
    return Look.of(picture, Fraction(1))


def _fields(
    pictures: Iterable[av.VideoFrame], parity: str
) -> Iterator[tuple[av.VideoFrame, av.VideoFrame]]:
    """Yield the two fields of each picture, with bwdif's guess of the lines that they lack."""
    import av.filter

    graph, made = None, []
    for picture in chain(pictures, [None]):
        if graph is None:
            graph = _set_up(picture, parity)
        graph.push(picture)
        while True:
            try:
                made.append(graph.pull())
            except (av.error.BlockingIOError, av.error.EOFError):
                break
        while len(made) >= 2:
            yield made.pop(0), made.pop(0)


def _set_up(picture: av.VideoFrame, parity: str) -> av.filter.Graph:
    """Return the filters for pictures like a given one."""
    import av.filter

    graph = av.filter.Graph()
    last = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=Fraction(1, 1000),
    )
    filters = deinterlacing(parity, Look.of(picture, Fraction(1)), mode="send_field")
    for name, options in filters:
        node = graph.add(name, options)
        last.link_to(node)
        last = node
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _fill(
    here: av.VideoFrame, before: av.VideoFrame | None, after: av.VideoFrame, own: int
) -> None:
    """Improve the missing lines of a picture, in place."""
    from helpers.imaging.field_lines import fill_lines  # OpenCV, if it is needed at all

    planes = _planes(here)
    earlier = None if before is None else _planes(before)
    made = fill_lines(planes, earlier, _planes(after), own, bits_of(here))
    for plane, values in zip(planes, made, strict=True):
        plane[...] = values


def _planes(picture: av.VideoFrame) -> list[np.ndarray]:
    """Return the planes of a picture, (h, w) uint8 or uint16; writing to them changes it."""
    kind = np.uint8 if bits_of(picture) == 8 else np.uint16
    return [
        np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width]
        for plane in picture.planes
    ]

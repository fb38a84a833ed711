"""Undo a telecine: get the 24 frames a second of a film back from 30 interlaced pictures.

For television a film's frames are shown for two and three fields in turn ("3:2 pulldown", or
"hard telecine" if it is done in the pictures). Of every five pictures, two are then woven from the
fields of two frames, and look combed where something moves.

    film     A     B     C     D
    fields   A A   B B B C C   D D D
    pictures A/A   B/B   B/C   C/D   D/D

Two steps undo it exactly. A picture takes its second field from the picture before it, if it is
combed less then ("field matching"). Then one of every five pictures shows a frame for the second
time and is dropped ("decimation"). A picture that no field matches, as at an edit that was made
after the telecine, is deinterlaced. Which pictures these are, and which parts of a film are
telecined at all, `stretches` finds; `undo_telecine` is for projects begun before it did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from helpers.video.convert import Look, deinterlacing

if TYPE_CHECKING:
    import av
    from av.filter.context import FilterContext

CYCLE = 5
"""The pattern repeats after so many pictures, of which one is dropped."""

TELEVISION = Fraction(30000, 1001)
"""Pictures a second of a film that was made for television of 60 Hz."""

COMBED = 0.002
"""A picture counts as interlaced if a larger share of its blocks shows combing."""


def measure_combing(luma: np.ndarray, side: int = 16) -> float:
    """Return the share of the blocks of a picture, (H, W) uint8, that show combing.

    There, neighbouring lines differ more than lines two apart: they are from different moments.
    """
    luma = luma.astype(np.int16)
    near = np.abs(luma[:-2] - luma[1:-1])
    far = np.abs(luma[:-2] - luma[2:])
    rows, columns = near.shape[0] // side, near.shape[1] // side
    blocks = [
        a[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
        for a in (near, far)
    ]
    return float(((blocks[0] > 1.3 * blocks[1]) & (blocks[0] > 6)).mean())


def has_rate_of_television(fps: Fraction) -> bool:
    """Tell whether a film has about 29.97 pictures a second."""
    return abs(fps / TELEVISION - 1) < Fraction(1, 100)


# --- finding it -----------------------------------------------------------------------------------


def is_telecined(
    runs: Sequence[Sequence[av.VideoFrame]], parities: Sequence[str], fps: Fraction
) -> bool:
    """Tell whether pictures are a film that was telecined, at least in parts.

    In a run of such pictures with motion, the combed ones are the same two of every five and no
    others, and field matching leaves no combing. Interlaced video is combed everywhere.

    Args:
        runs: consecutive pictures from a few places.
        parities: which field may come first, "tff" or "bff".
        fps: pictures a second.
    """
    if not has_rate_of_television(fps) or runs[0][0].height % 2:
        return False
    seen = dict.fromkeys(parities, 0)
    for run in runs:
        combed = [measure_combing(_luma(frame)) > COMBED for frame in run]
        if sum(combed) < 4:
            continue  # too little motion to tell
        regular = max(_hits(combed, phase) for phase in range(CYCLE))
        rest = sum(combed) - regular
        for parity in parities:
            if rest <= regular * 0.1 and _unmatched(run, parity) + rest <= regular * 0.1:
                seen[parity] += regular
    return max(seen.values()) >= 8


def _unmatched(run: Sequence[av.VideoFrame], parity: str) -> int:
    """Count the pictures that stay combed whatever fields they are woven of."""
    return sum(matched is None for matched, _ in _choices(run, parity))


def _hits(combed: Sequence[bool], phase: int) -> int:
    """Count the combed pictures that are one of the two of each cycle that begin at a phase."""
    return sum(c for n, c in enumerate(combed) if (n - phase) % CYCLE in (0, 1))


# --- undoing it -----------------------------------------------------------------------------------


def film_timeline(times: Sequence[Fraction], end: Fraction) -> tuple[Fraction, ...]:
    """Return when the frames of a film are shown, given the times of its telecined pictures.

    Each whole cycle of pictures becomes four frames, spaced evenly. The pictures after the last
    one keep their times.
    """
    whole = len(times) // CYCLE * CYCLE
    edges = [*times, end][: whole + 1 : CYCLE]
    kept = CYCLE - 1
    film = [a + (b - a) * n / kept for a, b in pairwise(edges) for n in range(kept)]
    return (*film, *times[whole:])


def pictures_needed(start: int, stop: int) -> tuple[int, int]:
    """Return the half-open range of telecined pictures from which a range of frames is made.

    It begins a whole cycle early, so that a range gives the same frames as the whole film.
    """
    kept = CYCLE - 1
    return max(start // kept - 1, 0) * CYCLE, ((stop - 1) // kept + 1) * CYCLE + 2


def first_frame(picture: int) -> int:
    """Return the number of the frame that a cycle of pictures begins with."""
    return picture // CYCLE * (CYCLE - 1)


def undo_telecine(pictures: Iterable[av.VideoFrame], parity: str) -> Iterator[av.VideoFrame]:
    """Yield the frames of a film, progressive, in the pixel format of its telecined pictures.

    Args:
        pictures: consecutive ones; the first must begin a cycle.
        parity: which field comes first, "tff" or "bff".
    """
    matched = match_fields(pictures, parity)
    before = None
    while cycle := list(islice(matched, CYCLE)):
        lumas = [_luma(frame) for frame in cycle]
        steps = [_change(a, b) for a, b in zip([before, *lumas[:-1]], lumas, strict=True)]
        if len(cycle) == CYCLE:
            del cycle[int(np.argmin(steps))]
        yield from cycle
        before = lumas[-1]


def match_fields(pictures: Iterable[av.VideoFrame], parity: str) -> Iterator[av.VideoFrame]:
    """Yield each picture with the second field that belongs to it, or else deinterlaced."""
    for woven, deinterlaced in _choices(pictures, parity):
        yield deinterlaced if woven is None else woven


def _choices(
    pictures: Iterable[av.VideoFrame], parity: str
) -> Iterator[tuple[av.VideoFrame | None, av.VideoFrame]]:
    """Yield each picture as field matching makes it, or None if no field matches; deinterlaced."""
    for own, other, deinterlaced in _candidates(pictures, parity):
        rough = [(roughness(_luma(frame)), frame) for frame in (own, other) if frame]
        best = min(rough, key=lambda pair: pair[0])[1]
        yield (best if measure_combing(_luma(best)) <= COMBED else None), deinterlaced


def _candidates(
    pictures: Iterable[av.VideoFrame], parity: str
) -> Iterator[tuple[av.VideoFrame, av.VideoFrame | None, av.VideoFrame]]:
    """Yield what each picture may be: itself, with the second field from before, deinterlaced."""
    filters, before = None, None
    woven: deque[av.VideoFrame] = deque()
    deinterlaced: deque[av.VideoFrame] = deque()
    for picture in chain(pictures, [None]):
        if filters is None:
            if picture is None:
                return
            filters = _Filters(picture, parity)
        fields, whole = filters.push(picture)
        woven.extend(fields)
        deinterlaced.extend(whole)
        while deinterlaced:
            own = woven.popleft()
            yield own, before, deinterlaced.popleft()
            before = woven.popleft() if woven else None


class _Filters:
    """ffmpeg's filters that make all candidates for pictures like a given one."""

    def __init__(self, picture: av.VideoFrame, parity: str) -> None:
        import av.filter

        self.graph = av.filter.Graph()
        self.source = self.graph.add_buffer(
            width=picture.width,
            height=picture.height,
            format=picture.format,
            time_base=Fraction(1, 1000),
        )
        flagged, split = self.graph.add("setfield", parity), self.graph.add("split")
        self.source.link_to(flagged)
        flagged.link_to(split)
        first = {"tff": "top", "bff": "bottom"}[parity]
        # Weaves each field with the one before it, so every second picture is one of the input.
        fields, woven = self.graph.add("separatefields"), self.graph.add("doubleweave", first)
        split.link_to(fields, output_idx=0)
        fields.link_to(woven)
        last, output = split, 1
        for name, options in deinterlacing(parity, Look.of(picture, Fraction(1))):
            node = self.graph.add(name, options)
            last.link_to(node, output_idx=output)
            last, output = node, 0
        self.sinks = [self.graph.add("buffersink") for _ in range(2)]
        woven.link_to(self.sinks[0])
        last.link_to(self.sinks[1])
        self.graph.configure()

    def push(self, picture: av.VideoFrame | None) -> list[list[av.VideoFrame]]:
        """Add a picture (None: no more come), and return the woven and deinterlaced ones."""
        self.source.push(picture)
        return [list(_pull(sink)) for sink in self.sinks]


def _pull(sink: FilterContext) -> Iterator[av.VideoFrame]:
    """Yield the pictures that are ready."""
    import av

    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield sink.pull()  # type: ignore[misc]


def _luma(picture: av.VideoFrame) -> np.ndarray:
    return picture.to_ndarray(format="gray")


def roughness(luma: np.ndarray) -> float:
    """Return how much the lines of a picture differ from the mean of those above and below."""
    lines = luma.astype(np.int16)
    return float(np.abs(lines[:-2] + lines[2:] - 2 * lines[1:-1]).mean())


def _change(before: np.ndarray | None, luma: np.ndarray, side: int = 16) -> float:
    """Return how much the block that changes most differs from the picture before."""
    if before is None:
        return float("inf")
    import cv2

    apart = cv2.absdiff(before, luma)
    size = max(luma.shape[1] // side, 1), max(luma.shape[0] // side, 1)
    return float(cv2.resize(apart.astype(np.float32), size, interpolation=cv2.INTER_AREA).max())

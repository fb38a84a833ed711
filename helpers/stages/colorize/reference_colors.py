"""Propagate the colours of frames that a person coloured through their shots, for `Colorize`.

    seen = carry_references(prepare_frames(shot, ...), references, reach, matrix)
    seen = color_by_references(seen, references, matrix)
    # or: composite_references(paint_frames(seen, palette))

A frame gets colours from the nearest reference before it and the nearest after it, if it is within
their reach. Frames before a reference must wait for it, so the frames of up to one reach are kept
in memory, at their full size.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from helpers.clip import Clip
from helpers.imaging.optical_flow import FINE, measure_both_flows
from helpers.stages.colorize.consistency import measure_trust
from helpers.stages.colorize.propagation import (
    Carried,
    Carrier,
    Source,
    composite,
    fade,
    fill_colors,
    fill_gaps,
    match_directly,
    mix_carried,
)
from helpers.stages.colorize.reference_files import read_planes
from helpers.stages.colorize.references import Reference
from helpers.stages.colorize.temporal import Painted


def reference_window(
    source: Clip, references: Sequence[Reference], reach: Fraction, start: int, stop: int
) -> tuple[int, int]:
    """Return the range of frames, half-open, needed to colour start..stop-1 by references.

    Args:
        source: the clip that is coloured.
        references: the references of the clip.
        reach: the reach of a reference before and after its frame, in seconds.
        start, stop: the range of the result, half-open.
    """
    times, first, last = source.times, start, stop
    for reference in references:
        begin = max(reference.begin, reference.time - reach)
        end = min(reference.end, reference.time + reach)
        if start < bisect_right(times, end) and bisect_left(times, begin) < stop:
            number = bisect_left(times, reference.time)
            first, last = min(first, number), max(last, number + 1)
    return first, last


def carry_references(
    frames: Iterable[Painted], references: Sequence[Reference], reach: Fraction, matrix: str
) -> Iterator[Painted]:
    """Propagate the colours of references to the frames of one shot.

    Args:
        frames: the frames of the shot, in order.
        references: the references of the shot, in order of time.
        reach: the reach of a reference before and after its frame, in seconds.
        matrix: the matrix of luma.
    """
    here = {reference.time: reference for reference in references}
    times = sorted(here)
    waiting: list[tuple[Painted, Motion]] = []  # frames within the reach of the next reference
    carrier: Carrier | None = None
    since: Fraction | None = None  # the time of the previous reference
    last: Painted | None = None
    for seen in frames:
        link = None
        if last is not None and (carrier or waiting):
            link = Motion.measure(last.luma, seen.luma)
        if waiting and link is not None:
            waiting[-1] = (waiting[-1][0], link)
        last = seen
        if seen.time in here:
            size = (seen.luma.shape[1], seen.luma.shape[0])
            _, chroma, known = read_planes(here[seen.time].path, matrix, size)
            back = Carrier(seen.luma, chroma, known)
            yield from _carry_backwards(waiting, back, since, seen.time, reach)
            waiting = []
            carrier, since = Carrier(seen.luma, chroma, known), seen.time
            yield replace(seen, carried=Carried(chroma, known))
            continue
        if since is not None and seen.time - since > reach:
            carrier = None
        if carrier and link is not None and since is not None:
            carrier.step(seen.luma, *link.backward)
            seen.carried = fade(carrier.colours(), float((seen.time - since) / reach))
        following = bisect_right(times, seen.time)
        if following < len(times) and times[following] - seen.time <= reach:
            waiting.append((seen, _NOWHERE))
        else:
            yield seen
    yield from (seen for seen, _ in waiting)


def _carry_backwards(
    waiting: Sequence[tuple[Painted, Motion]],
    carrier: Carrier,
    since: Fraction | None,
    time: Fraction,
    reach: Fraction,
) -> list[Painted]:
    """Propagate the colours of a reference to the frames before it.

    Args:
        waiting: the frames before it, each with the motion to the next frame.
        carrier: the colours of the reference.
        since: the time of the previous reference, if there is one.
        time: the time of the reference.
        reach: the reach of a reference, in seconds.
    """
    found = []
    for seen, link in reversed(waiting):
        carrier.step(seen.luma, *link.forward)
        after = fade(carrier.colours(), float((time - seen.time) / reach))
        if seen.carried is not None and since is not None:
            after = mix_carried(seen.carried, after, float((seen.time - since) / (time - since)))
        found.append(replace(seen, carried=after))
    return found[::-1]


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion between two neighbours, in half precision, since many are kept in memory.

    Attributes:
        onward, back: the flow from the earlier to the later frame, and back.
        there, here: the trust in each of them.
    """

    onward: np.ndarray
    back: np.ndarray
    there: np.ndarray
    here: np.ndarray

    @classmethod
    def measure(cls, one: np.ndarray, other: np.ndarray) -> Motion:
        """Measure the motion between two frames, from their luma, uint8 (h, w)."""
        onward, back = measure_both_flows(one, other, FINE)
        there, here = (
            measure_trust(one, other, onward, back),
            measure_trust(other, one, back, onward),
        )
        return cls(*(plane.astype(np.float16) for plane in (onward, back, there, here)))

    @property
    def forward(self) -> tuple[np.ndarray, np.ndarray]:
        """The flow from the earlier frame to the later one, and the trust in it."""
        return self.onward.astype(np.float32), self.there.astype(np.float32)

    @property
    def backward(self) -> tuple[np.ndarray, np.ndarray]:
        """The flow from the later frame to the earlier one, and the trust in it."""
        return self.back.astype(np.float32), self.here.astype(np.float32)


_NOWHERE = Motion(*(np.zeros((1, 1), np.float16) for _ in range(4)))
"""Stands for the motion to a frame that has not been read yet."""


def match_references(
    frames: Iterable[Painted], references: Sequence[Reference], matrix: str
) -> Iterator[Painted]:
    """Match frames directly with their references, to fill gaps of the propagated colours.

    So objects that were hidden for some time, and frames beyond the reach of any reference, get the
    right colours if they look similar enough.

    Args:
        frames: the frames of one shot, in order.
        references: the references of the shot, in order of time.
        matrix: the matrix of luma.
    """
    for seen in frames:
        leaps = [
            (match_directly(seen.luma, source), share)
            for source, share in _find_sources(seen, references, matrix)
            if share > 0
        ]
        if seen.kept or not leaps:
            yield seen
            continue
        leap = leaps[0][0]
        if len(leaps) == 2:
            leap = mix_carried(leap, leaps[1][0], leaps[1][1])
        yield replace(seen, carried=fill_gaps(seen.carried, leap))


def composite_references(frames: Iterable[Painted]) -> Iterator[Painted]:
    """Blend propagated colours over the colours of a model."""
    for seen in frames:
        if seen.carried is None or seen.kept or seen.chroma is None:
            yield seen
        else:
            yield replace(seen, chroma=composite(seen.carried, seen.chroma))


def color_by_references(
    frames: Iterable[Painted], references: Sequence[Reference], matrix: str
) -> Iterator[Painted]:
    """Colour the frames of one shot only by its references.

    Gaps are filled with the colours of pixels of similar brightness, in the frame itself and in the
    references before and after it, even beyond their reach.

    Args:
        frames: the frames of one shot, in order.
        references: the references of the shot, in order of time.
        matrix: the matrix of luma.
    """
    for seen in frames:
        if seen.kept:
            yield seen
        else:
            sources = [
                replace(source, weight=source.weight * np.float32(share))
                for source, share in _find_sources(seen, references, matrix)
            ]
            yield replace(seen, chroma=fill_colors(seen.luma, seen.carried, sources))


def _find_sources(
    seen: Painted, references: Sequence[Reference], matrix: str
) -> list[tuple[Source, float]]:
    """Return the references before and after a frame, each with its weight."""
    size = (seen.luma.shape[1], seen.luma.shape[0])
    number = bisect_right([reference.time for reference in references], seen.time)
    around = references[max(number - 1, 0) : number + 1]
    shares = [1.0]
    if len(around) == 2:
        one, other = (reference.time for reference in around)
        share = float((seen.time - one) / (other - one))
        shares = [1 - share, share]
    pictures = [read_planes(reference.path, matrix, size) for reference in around]
    return [(Source(*picture), share) for picture, share in zip(pictures, shares, strict=False)]

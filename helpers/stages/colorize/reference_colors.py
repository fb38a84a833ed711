"""Propagate the colours of frames that a person coloured through their shots, for `Colorize`.

    painted = carry_references(prepare_frames(shot, ...), references, reach, matrix)
    painted = color_by_references(painted, references, matrix)
    # or: composite_references(paint_frames(painted, palette))

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
    for painted in frames:
        motion = None
        if last is not None and (carrier or waiting):
            motion = Motion.measure(last.luma, painted.luma)
        if waiting and motion is not None:
            waiting[-1] = (waiting[-1][0], motion)
        last = painted
        if painted.time in here:
            size = (painted.luma.shape[1], painted.luma.shape[0])
            _, chroma, known = read_planes(here[painted.time].path, matrix, size)
            backwards = Carrier(painted.luma, chroma, known)
            yield from _carry_backwards(waiting, backwards, since, painted.time, reach)
            waiting = []
            carrier, since = Carrier(painted.luma, chroma, known), painted.time
            yield replace(painted, carried=Carried(chroma, known))
            continue
        if since is not None and painted.time - since > reach:
            carrier = None
        if carrier and motion is not None and since is not None:
            carrier.step(painted.luma, *motion.backward)
            painted.carried = fade(carrier.colours(), float((painted.time - since) / reach))
        following = bisect_right(times, painted.time)
        if following < len(times) and times[following] - painted.time <= reach:
            waiting.append((painted, _NOWHERE))
        else:
            yield painted
    yield from (painted for painted, _ in waiting)


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
    for painted, motion in reversed(waiting):
        carrier.step(painted.luma, *motion.forward)
        after = fade(carrier.colours(), float((time - painted.time) / reach))
        if painted.carried is not None and since is not None:
            after = mix_carried(
                painted.carried, after, float((painted.time - since) / (time - since))
            )
        found.append(replace(painted, carried=after))
    return found[::-1]


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion between two neighbours, in half precision, since many are kept in memory.

    Attributes:
        forward_flow, backward_flow: the flow from the earlier frame to the later one, and back.
        forward_trust, backward_trust: the trust in each of them.
    """

    forward_flow: np.ndarray
    backward_flow: np.ndarray
    forward_trust: np.ndarray
    backward_trust: np.ndarray

    @classmethod
    def measure(cls, one: np.ndarray, other: np.ndarray) -> Motion:
        """Measure the motion between two frames, from their luma, uint8 (h, w)."""
        forward, backward = measure_both_flows(one, other, FINE)
        trusts = (
            measure_trust(one, other, forward, backward),
            measure_trust(other, one, backward, forward),
        )
        return cls(*(plane.astype(np.float16) for plane in (forward, backward, *trusts)))

    @property
    def forward(self) -> tuple[np.ndarray, np.ndarray]:
        """The flow from the earlier frame to the later one, and the trust in it."""
        return self.forward_flow.astype(np.float32), self.forward_trust.astype(np.float32)

    @property
    def backward(self) -> tuple[np.ndarray, np.ndarray]:
        """The flow from the later frame to the earlier one, and the trust in it."""
        return self.backward_flow.astype(np.float32), self.backward_trust.astype(np.float32)


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
    for painted in frames:
        leaps = [
            (match_directly(painted.luma, source), share)
            for source, share in _find_sources(painted, references, matrix)
            if share > 0
        ]
        if painted.kept or not leaps:
            yield painted
            continue
        leap = leaps[0][0]
        if len(leaps) == 2:
            leap = mix_carried(leap, leaps[1][0], leaps[1][1])
        yield replace(painted, carried=fill_gaps(painted.carried, leap))


def composite_references(frames: Iterable[Painted]) -> Iterator[Painted]:
    """Blend propagated colours over the colours of a model."""
    for painted in frames:
        if painted.carried is None or painted.kept or painted.chroma is None:
            yield painted
        else:
            yield replace(painted, chroma=composite(painted.carried, painted.chroma))


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
    for painted in frames:
        if painted.kept:
            yield painted
        else:
            sources = [
                replace(source, weight=source.weight * np.float32(share))
                for source, share in _find_sources(painted, references, matrix)
            ]
            yield replace(painted, chroma=fill_colors(painted.luma, painted.carried, sources))


def _find_sources(
    painted: Painted, references: Sequence[Reference], matrix: str
) -> list[tuple[Source, float]]:
    """Return the references before and after a frame, each with its weight."""
    size = (painted.luma.shape[1], painted.luma.shape[0])
    number = bisect_right([reference.time for reference in references], painted.time)
    around = references[max(number - 1, 0) : number + 1]
    shares = [1.0]
    if len(around) == 2:
        one, other = (reference.time for reference in around)
        share = float((painted.time - one) / (other - one))
        shares = [1 - share, share]
    pictures = [read_planes(reference.path, matrix, size) for reference in around]
    return [(Source(*picture), share) for picture, share in zip(pictures, shares, strict=False)]

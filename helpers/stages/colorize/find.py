"""Find out whether a film is in colour or tinted, and how steady its colours are.

found = find_colours(clip)         # measures a few frames of every shot
found.kind, found.words            # "tinted", "The film is tinted, like sepia, ..."
chroma_flicker(clip).level         # how much the colours of objects change from frame to frame
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np

from helpers.clip import Clip, ClipInfo, Frame
from helpers.imaging.color_matrix import (
    measure_cast,
    resize_planes,
    small_luma,
    working_size,
)
from helpers.imaging.matrices import choose_matrix
from helpers.imaging.optical_flow import FAST, measure_both_flows, warp
from helpers.stages.colorize.consistency import measure_trust

_TINTED = 2.5
"""A film counts as tinted above this many levels of 255. This number and the next were chosen by
trial; the films were not noted."""

_LOOKS = 240
"""About the largest number of frames that are measured to find the shots in colour."""

_WIDTH = 240
"""Frames are reduced to this width in pixels to measure how steady their colours are."""

_JUMP = 4.0
"""The difference of a and b (of CIELAB) between neighbours above which the colours jump."""


@dataclass(frozen=True, repr=False)
class Colours:
    """The colours of a film.

    Attributes:
        kind: "grey", "tinted" or "colour": what most of the film is.
        tint: the strength of its tint, in levels of 255.
        coloured: (begin, end) of each shot in colour, in seconds.
        share: the share of these shots in the film, 0 to 1.
    """

    kind: Literal["grey", "tinted", "colour"]
    tint: float
    coloured: tuple[tuple[Fraction, Fraction], ...]
    share: float

    def __post_init__(self) -> None:
        spans = tuple((Fraction(begin), Fraction(end)) for begin, end in self.coloured)
        object.__setattr__(self, "coloured", spans)

    def __repr__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """A description in sentences."""
        if self.kind == "colour":
            whole = "The film" if self.share > 0.99 else f"{self.share:.0%} of the film"
            return f"{whole} is in colour already."
        tinted = f"The film is tinted, like sepia, by {self.tint:.0f} levels of 255."
        said = tinted if self.kind == "tinted" else "The film is black and white."
        count = len(self.coloured)
        are = "is" if count == 1 else "are"
        return said + (f" {count} of its shots {are} in colour already." if count else "")


def find_colours(clip: Clip) -> Colours:
    """Find out whether a film is grey, tinted or in colour, and which of its shots are in colour.

    Args:
        clip: a film whose shots are marked. Three frames of every shot are measured, or one if it
            has many shots.
    """
    matrix = clip_matrix(clip.info)
    starts = [bisect_left(clip.times, cut) for cut in clip.cuts]
    each = 3 if 3 * len(starts) <= _LOOKS else 1
    tints: list[float] = []
    weights: list[float] = []
    coloured: list[tuple[Fraction, Fraction]] = []
    for first, stop in zip(starts, [*starts[1:], len(clip)], strict=True):
        places = np.linspace(first, stop - 1, each + 2)[1:-1].round().astype(int)
        casts = [measure_cast(clip[int(number)].image, matrix) for number in np.unique(places)]
        tint, sure = np.median(casts, axis=0)
        begin, end = clip.times[first], clip.times[stop] if stop < len(clip) else clip.end
        if sure > 1:
            coloured.append((begin, end))
        else:
            tints.append(float(tint))
            weights.append(float(end - begin))
    share = measure_share(clip, coloured)
    tint = round(float(np.average(tints, weights=weights)), 1) if tints else 0.0
    kind = "colour" if share > 0.5 else "tinted" if tint > _TINTED else "grey"
    return Colours(kind, tint, tuple(coloured), round(share, 4))


def measure_share(clip: Clip, spans: Iterable[tuple[Fraction, Fraction]]) -> float:
    """Return the share of a film, 0 to 1, within spans of time, (begin, end) in seconds."""
    start, stop = clip.times[0], clip.end
    lengths = (min(end, stop) - max(begin, start) for begin, end in spans)
    return float(sum(max(length, Fraction(0)) for length in lengths) / clip.duration)


def clip_matrix(info: ClipInfo) -> str:
    """Return the name of the matrix for the luma of a film."""
    return choose_matrix(info.colour.matrix, info.width, info.height)


@dataclass(frozen=True, repr=False)
class ChromaFlicker:
    """How steady the colours of a film are.

    Attributes:
        level: the mean difference of a and b (CIELAB) between neighbouring frames of a shot, along
            the motion. With noise and compression, a steady film has about 0.5; above 2, flicker
            is visible.
        jumps: the times of frames whose colours differ strongly from the frames before and after.
        pairs: the number of pairs of neighbours that were compared.
    """

    level: float
    jumps: tuple[Fraction, ...]
    pairs: int

    def __repr__(self) -> str:
        said = f"colours change by {self.level:.2f} from frame to frame (a and b of CIELAB)"
        if not self.jumps:
            return f"{said}, without jumps"
        return (
            f"{said}, and jump in {len(self.jumps)} frames, the first at "
            f"{float(self.jumps[0]):.2f} s"
        )


def chroma_flicker(clip: Clip, stretches: int = 8, length: int = 13) -> ChromaFlicker:
    """Measure how much the colours of objects change from frame to frame, within shots.

    Neighbours are aligned by optical flow, and compared where the flow can be trusted. This is the
    warping error of blind video consistency (Lai et al., ECCV 2018), on colours only.

    Args:
        clip: a film whose shots are marked.
        stretches: the number of stretches that are measured, spread evenly over the film.
        length: the number of frames in a stretch.
    """
    begins = np.linspace(0, max(len(clip) - length, 0), stretches).round().astype(int)
    if len(clip) <= stretches * length:
        begins, length = np.array([0]), len(clip)
    matrix = clip_matrix(clip.info)
    differences: list[float] = []
    jumps: set[Fraction] = set()
    for begin in np.unique(begins):
        steps: list[np.ndarray | None] = []  # the mean change of colour to each next frame
        frames = clip.frames(int(begin), min(int(begin) + length, len(clip)))
        with closing(frames):
            seen = [_reduce(frame, matrix) for frame in frames]
        for (one, before), (other, after) in pairwise(seen):
            if after.cut:
                steps.append(None)
                continue
            difference, step = _compare_colors(one, other)
            differences.append(difference)
            steps.append(step)
            if len(steps) > 1 and _is_jump(steps[-2], step):
                jumps.add(before.time)
    level = float(np.mean(differences)) if differences else 0.0
    return ChromaFlicker(round(level, 3), tuple(sorted(jumps)), len(differences))


def _reduce(frame: Frame, matrix: str) -> tuple[tuple[np.ndarray, np.ndarray], Frame]:
    """Return a frame's small luma, uint8, and its a and b, float32 (h, w, 2)."""
    height, width = frame.image.shape[:2]
    size = working_size(width, height, _WIDTH)
    unit = np.float32(1 / np.iinfo(frame.image.dtype).max)
    small = resize_planes(frame.image.astype(np.float32) * unit, size)
    return (small_luma(small, matrix, size), cv2.cvtColor(small, cv2.COLOR_RGB2Lab)[..., 1:]), frame


def _compare_colors(
    one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]
) -> tuple[float, np.ndarray]:
    """Return the mean distance of the colours of two aligned frames, and their mean difference."""
    forward, backward = measure_both_flows(one[0], other[0], FAST)
    trust = measure_trust(one[0], other[0], forward, backward) + np.float32(1e-6)
    difference = warp(np.ascontiguousarray(other[1]), forward) - one[1]
    lengths = np.hypot(difference[..., 0], difference[..., 1])
    mean = np.average(difference.reshape(-1, 2), axis=0, weights=trust.ravel())
    return float(np.average(lengths, weights=trust)), mean


def _is_jump(step: np.ndarray | None, following: np.ndarray) -> bool:
    """Tell whether the second of two changes of colour reverses the first."""
    if step is None or min(np.hypot(*step), np.hypot(*following)) < _JUMP:
        return False
    return float(np.hypot(*(step + following))) < 0.5 * float(np.hypot(*step))

"""What is to be known of a film's colours: whether it has some, is tinted, and how steady they are.

found = find_colours(clip)         # a few frames of every shot
found.kind, found.words            # "tinted", "It is tinted by 21 levels ..."
chroma_flicker(clip).level         # how much the colours of things jump from frame to frame
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from helpers.clip import Clip, ClipInfo
from helpers.engines.chroma import cast_of, matrix_for

TINTED = 2.5
"""Levels of 255 from which on a tint is told of."""

LOOKS = 240
"""About how many frames are looked at, at most, to tell which shots are in colour."""

WIDTH = 240
"""Pixels to which frames are narrowed to measure how steady their colours are."""

JUMP = 4.0
"""Difference of a and b (of CIELAB) between neighbours from which on the colours jump."""


@dataclass(frozen=True)
class Colours:
    """What was found of a film's colours.

    Attributes:
        kind: "grey", "tinted" or "colour", whatever most of the film is.
        tint: how strong its tint is, in levels of 255.
        coloured: when those shots begin and end that are in colour, in seconds.
        share: the part of the film that they are, 0 to 1.
    """

    kind: Literal["grey", "tinted", "colour"]
    tint: float
    coloured: tuple[tuple[Fraction, Fraction], ...]
    share: float

    @property
    def words(self) -> str:
        """The same in a sentence."""
        if self.kind == "colour":
            whole = "It" if self.share > 0.99 else f"{self.share:.0%} of it"
            return f"{whole} is in colour already."
        tinted = f"It is tinted by {self.tint:.0f} levels of 255"
        said = f"{tinted}, as sepia is." if self.kind == "tinted" else "It is black and white."
        count = len(self.coloured)
        return said + (f" {count} of its shots are in colour already." if count else "")


def find_colours(clip: Clip) -> Colours:
    """Tell whether a film is grey, tinted or in colour, and which of its shots are in colour.

    Args:
        clip: a film that knows its shots. Up to three frames of every shot are looked at, in a
            film of many shots one.
    """
    matrix = clip_matrix(clip.info)
    starts = [bisect_left(clip.times, cut) for cut in clip.cuts]
    each = 3 if 3 * len(starts) <= LOOKS else 1
    tints: list[float] = []
    weights: list[float] = []
    coloured: list[tuple[Fraction, Fraction]] = []
    for first, stop in zip(starts, [*starts[1:], len(clip)], strict=True):
        places = np.linspace(first, stop - 1, each + 2)[1:-1].round().astype(int)
        casts = [cast_of(clip[int(number)].image, matrix) for number in np.unique(places)]
        tint, sure = np.median(casts, axis=0)
        begin, end = clip.times[first], clip.times[stop] if stop < len(clip) else clip.end
        if sure > 1:
            coloured.append((begin, end))
        else:
            tints.append(float(tint))
            weights.append(float(end - begin))
    share = float(sum(end - begin for begin, end in coloured) / clip.duration)
    tint = round(float(np.average(tints, weights=weights)), 1) if tints else 0.0
    kind = "colour" if share > 0.5 else "tinted" if tint > TINTED else "grey"
    return Colours(kind, tint, tuple(coloured), round(share, 4))


def clip_matrix(info: ClipInfo) -> str:
    """Return the name of the matrix that the luma of a film's pictures is counted in."""
    return matrix_for(info.colour.matrix, info.width, info.height)

"""Hold the picture still: the weave of old film in its gate, or a hand that shook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import StageError
from helpers.run import RunContext
from helpers.stage import Stage
from helpers.stages.stabilize.find import Path, ShakePath, exact_path, find_shake
from helpers.stages.stabilize.tracking import Motion, shift


@dataclass(frozen=True)
class Preset:
    """A kind of shaking: seconds over which the path is smoothed, and the farthest that a frame may
    be moved, in parts of the picture's width."""

    seconds: float
    reach: float


PRESETS = {"weave": Preset(0.4, 0.02), "handheld": Preset(1.2, 0.08)}
"""Chosen by trial; benchmarks/quality/picture.py measures the effect of the first."""

BORDERS = ("zoom", "crop", "fill")


@dataclass(frozen=True)
class Stabilize(Stage):
    """Move every frame to where a smooth camera would have had it, within its shot.

    Only quick motion is taken out: a pan or a drift over more than the preset's seconds stays.

    Why not vid.stab: its two passes hand a file from one to the next, count frames where this
    package counts times, and give a range by itself another result than the whole.

    Attributes:
        path: what `find_shake` found; `analyse` finds it if None. A frame whose time is not in it
            is left where it is.
        preset: "weave" (small, quick: film in a gate) or "handheld" (larger and slower).
        strength: how much of the way a frame is moved, 0 to 1. It is a part of the way and not a
            mix of two pictures, which would show everything twice.
        border: what becomes of the edge that moves in: "zoom" enlarges each shot by just enough to
            hide it, "crop" makes the picture smaller by just enough for the whole film, "fill"
            keeps everything and repeats the edge.
    """

    path: Path | None = field(default=None, repr=False)
    preset: str = "weave"
    strength: float = 1.0
    border: str = "zoom"

    def __post_init__(self) -> None:
        self._within(strength=(0, 1))
        if self.preset not in PRESETS:
            raise StageError(f"There is no preset {self.preset!r}; allowed are {[*PRESETS]}.")
        if self.border not in BORDERS:
            raise StageError(f"There is no border {self.border!r}; allowed are {BORDERS}.")
        if self.path is not None:
            object.__setattr__(self, "path", exact_path(self.path))

    @property
    def unknown(self) -> tuple[str, ...]:
        """The path, until it was looked for."""
        return ("path",) if self.path is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Stabilize:
        """Return the stage with the path of the background through the whole clip."""
        if self.path is not None:
            return self
        run = run or RunContext()
        found = run.keep("Stabilize", clip, ShakePath, lambda: ShakePath(find_shake(clip, run)))
        return replace(self, path=found.path)

    def crop(self, source: Clip) -> float:
        """Return the part of each side that is lost at its worst; 0 for "fill"."""
        return 0.0 if self.border == "fill" else self._table(source.info).margin

    def describe(self, source: Clip) -> str:
        """Say what it does to a clip, for a person."""
        moves = [move for move, _ in self._table(source.info).moves.values()]
        if not moves:
            return "Nothing is known of this clip's shake, and nothing is moved."
        ways = [float(np.hypot(move.x, move.y)) for move in moves]
        turn = max(abs(np.degrees(move.angle)) for move in moves)
        lost = {
            "zoom": f"at most {self.crop(source):.1%} of each edge is cut off",
            "crop": f"{self.crop(source):.1%} of each edge is cut off",
            "fill": "nothing is cut off; edges are repeated",
        }[self.border]
        return (
            f"Frames are moved by {np.median(ways):.1f} pixels, at most {max(ways):.1f}, and "
            f"turned by at most {turn:.2f} degrees; {lost}."
        )

    def info(self, source: Clip) -> ClipInfo:
        """The source's; smaller if it is cropped."""
        if self.border != "crop":
            return source.info
        rows, columns = self._table(source.info).edges
        width, height = source.info.width - 2 * columns, source.info.height - 2 * rows
        return source.info.replace(width=width, height=height)

    def recipe(self) -> dict[str, Any]:
        """The fields; the path, which is as long as the film, by its length and sha256."""
        shots = self.path or ()
        words = " ".join(str(place) for shot in shots for entry in shot for place in entry)
        digest = sha256(words.encode()).hexdigest()
        count = sum(map(len, shots))
        fields = {"preset": self.preset, "strength": self.strength, "border": self.border}
        path = f"{count} frames, sha256 {digest}"
        return {"stage": type(self).__name__, **fields, "path": path}

    def process(
        self, frames: Iterator[Frame], times: Sequence[Fraction], run: RunContext
    ) -> Iterator[Frame]:
        """Move the frames one by one."""
        table = None
        for frame in frames:
            height, width = frame.image.shape[:2]
            # Once for all frames: of a long film the path alone takes a while to compare.
            table = table or _table(self, width, height)
            move, zoom = table.moves.get(frame.time, (Motion(), 1.0))
            image = shift(frame.image, move, zoom if self.border == "zoom" else 1.0)
            if self.border == "crop":
                rows, columns = table.edges
                image = image[rows : height - rows, columns : width - columns]
                image = np.ascontiguousarray(image)
            yield Frame(image, frame.time)

    def _table(self, info: ClipInfo) -> Table:
        return _table(self, info.width, info.height)


@dataclass(frozen=True)
class Table:
    """What is done to a clip of one size.

    Attributes:
        moves: for the time of every frame, how it is moved, and how much its shot is enlarged.
        margin: the part of each side beyond which some frame would show its edge.
        edges: rows and columns of that.
    """

    moves: dict[Fraction, tuple[Motion, float]]
    margin: float
    edges: tuple[int, int]


@lru_cache(maxsize=4)
def _table(stage: Stabilize, width: int, height: int) -> Table:
    moves: dict[Fraction, tuple[Motion, float]] = {}
    worst = 0.0
    for shot in stage.path or ():
        ways = _smooth(shot, PRESETS[stage.preset], width, stage.strength)
        margin = _margin(ways.values(), width, height)
        worst = max(worst, margin)
        moves |= {time: (way, 1 / (1 - 2 * margin)) for time, way in ways.items()}
    # At least a pixel stays, also of a picture that moves by more than it is large.
    edges = [min(int(np.ceil(worst * side)), (side - 1) // 2) for side in (height, width)]
    return Table(moves, worst, (edges[0], edges[1]))


def _smooth(
    shot: Sequence[tuple[Fraction, float, float, float]],
    preset: Preset,
    width: int,
    strength: float,
) -> dict[Fraction, Motion]:
    """Return the way from each place to the smooth path.

    The smooth path at a time is that of a straight line through the places around it, the nearer
    the heavier: a pan at constant speed is such a line, and is kept, at the ends of a shot too.
    """
    times = np.array([float(place[0]) for place in shot])
    places = np.array([place[1:] for place in shot], np.float64)
    limits = np.array([preset.reach * width, preset.reach * width, preset.reach])
    moves: dict[Fraction, Motion] = {}
    for number, place in enumerate(shot):
        first, last = np.searchsorted(
            times, (times[number] - 2.5 * preset.seconds, times[number] + 2.5 * preset.seconds)
        )
        ahead = times[first:last] - times[number]
        near = np.exp(-0.5 * (ahead / preset.seconds) ** 2)
        middle = (near * ahead).sum() / near.sum()
        spread = (near * (ahead - middle) ** 2).sum() + 1e-9
        weights = near / near.sum() - middle * near * (ahead - middle) / spread
        way = weights @ places[first:last] - places[number]
        way = strength * limits * np.tanh(way / limits)  # held softly within the preset's reach
        moves[place[0]] = Motion(*(float(value) for value in way))
    return moves


def _margin(moves: Iterable[Motion], width: int, height: int) -> float:
    """Return the part of each side beyond which no frame of a shot shows its edge, 0 to 0.4."""
    worst = 0.0
    for move in moves:
        turn = abs(np.sin(move.angle)) / 2
        worst = max(
            worst,
            (abs(move.x) + turn * height) / width,
            (abs(move.y) + turn * width) / height,
        )
    return float(min(worst, 0.4))

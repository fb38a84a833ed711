"""Stabilise the picture: the weave of old film in its gate, or a hand-held camera."""

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
    """A kind of shake: the seconds over which the path is smoothed, and the most by which a frame
    may be moved, as a share of the picture's width."""

    seconds: float
    reach: float


PRESETS = {"weave": Preset(0.4, 0.02), "handheld": Preset(1.2, 0.08)}
"""Chosen by trial; benchmarks/quality/picture.py measures the effect of the first."""

BORDERS = ("zoom", "crop", "fill")


@dataclass(frozen=True)
class Stabilize(Stage):
    """Move every frame onto a smooth camera path, within its shot.

    Only fast motion is removed: a pan or a drift over more than the preset's seconds is kept.

    Why not vid.stab: its two passes exchange a file, it counts frames where this package uses
    times, and a range by itself has another result than in the whole film.

    Attributes:
        path: the path from `find_shake`; `analyse` finds it if None. A frame whose time is not in
            the path is not moved.
        preset: "weave" (small and fast: film in a gate) or "handheld" (larger and slower).
        strength: the share of the way by which a frame is moved, 0 to 1. It is not a blend of two
            pictures, which would show everything twice.
        border: what is done about the edges that become visible: "zoom" enlarges each shot by just
            enough to hide them, "crop" crops the picture by just enough for the whole film, "fill"
            repeats the edge.
    """

    path: Path | None = field(default=None, repr=False)
    preset: str = "weave"
    strength: float = 1.0
    border: str = "zoom"

    def __post_init__(self) -> None:
        self._check_ranges(strength=(0, 1))
        if self.preset not in PRESETS:
            raise StageError(
                f"There is no preset {self.preset!r}. Choose one of {', '.join(PRESETS)}."
            )
        if self.border not in BORDERS:
            raise StageError(
                f"There is no border {self.border!r}. Choose one of {', '.join(BORDERS)}."
            )
        if self.path is not None:
            object.__setattr__(self, "path", exact_path(self.path))

    @property
    def unknown(self) -> tuple[str, ...]:
        """`path`, if it is None."""
        return ("path",) if self.path is None else ()

    def analyse(self, clip: Clip, run: RunContext | None = None) -> Stabilize:
        """Return the stage with the path of the background in the whole clip."""
        if self.path is not None:
            return self
        run = run or RunContext()
        found = run.keep("Stabilize", clip, ShakePath, lambda: ShakePath(find_shake(clip, run)))
        return replace(self, path=found.path)

    def crop(self, source: Clip) -> float:
        """Return the largest share of a side that is lost; 0 for "fill"."""
        return 0.0 if self.border == "fill" else self._table(source.info).margin

    def describe(self, source: Clip) -> str:
        """Describe in a sentence what the stage does to a clip."""
        moves = [move for move, _ in self._table(source.info).moves.values()]
        if not moves:
            return "The path of the picture is not known, so no frame is moved."
        ways = [float(np.hypot(move.x, move.y)) for move in moves]
        turn = max(abs(np.degrees(move.angle)) for move in moves)
        lost = {
            "zoom": f"at most {self.crop(source):.1%} is cropped on each side",
            "crop": f"{self.crop(source):.1%} is cropped on each side",
            "fill": "nothing is cropped, and edges are repeated",
        }[self.border]
        return (
            f"Frames are moved by {np.median(ways):.1f} pixels (at most {max(ways):.1f}) and "
            f"rotated by at most {turn:.2f} degrees; {lost}."
        )

    def info(self, source: Clip) -> ClipInfo:
        """Return the source's properties; the size is smaller for "crop"."""
        if self.border != "crop":
            return source.info
        rows, columns = self._table(source.info).edges
        width, height = source.info.width - 2 * columns, source.info.height - 2 * rows
        return source.info.replace(width=width, height=height)

    def recipe(self) -> dict[str, Any]:
        """Return the fields; for the path, its length and sha256."""
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
            # Looked up once, because comparing the path of a long film takes time.
            table = table or _make_table(self, width, height)
            move, zoom = table.moves.get(frame.time, (Motion(), 1.0))
            image = shift(frame.image, move, zoom if self.border == "zoom" else 1.0)
            if self.border == "crop":
                rows, columns = table.edges
                image = image[rows : height - rows, columns : width - columns]
                image = np.ascontiguousarray(image)
            yield Frame(image, frame.time)

    def _table(self, info: ClipInfo) -> Table:
        return _make_table(self, info.width, info.height)


@dataclass(frozen=True)
class Table:
    """How the frames of a clip of one size are moved.

    Attributes:
        moves: for the time of every frame, its motion, and how much its shot is enlarged.
        margin: the share of each side within which edges may become visible.
        edges: the same in rows and columns.
    """

    moves: dict[Fraction, tuple[Motion, float]]
    margin: float
    edges: tuple[int, int]


@lru_cache(maxsize=4)
def _make_table(stage: Stabilize, width: int, height: int) -> Table:
    moves: dict[Fraction, tuple[Motion, float]] = {}
    worst = 0.0
    for shot in stage.path or ():
        ways = _smooth_path(shot, PRESETS[stage.preset], width, stage.strength)
        margin = _find_margin(ways.values(), width, height)
        worst = max(worst, margin)
        moves |= {time: (way, 1 / (1 - 2 * margin)) for time, way in ways.items()}
    # At least one pixel is kept, even if the picture moves by more than its size.
    edges = [min(int(np.ceil(worst * side)), (side - 1) // 2) for side in (height, width)]
    return Table(moves, worst, (edges[0], edges[1]))


def _smooth_path(
    shot: Sequence[tuple[Fraction, float, float, float]],
    preset: Preset,
    width: int,
    strength: float,
) -> dict[Fraction, Motion]:
    """Return the motion from each place to the smooth path.

    The smooth path is a straight line fitted to the places around each time; nearer places have
    more weight. A pan at constant speed is such a line, so it is kept, also at the ends of a shot.
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
        way = strength * limits * np.tanh(way / limits)  # a soft limit at the preset's reach
        moves[place[0]] = Motion(*(float(value) for value in way))
    return moves


def _find_margin(moves: Iterable[Motion], width: int, height: int) -> float:
    """Return the share of each side within which a shot may show edges, 0 to 0.4."""
    worst = 0.0
    for move in moves:
        turn = abs(np.sin(move.angle)) / 2
        worst = max(
            worst,
            (abs(move.x) + turn * height) / width,
            (abs(move.y) + turn * width) / height,
        )
    return float(min(worst, 0.4))

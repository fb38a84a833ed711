"""What the files of a project may say. Whoever reads one gets these types, or a ProjectError.

A project outlasts the program that wrote it, travels over network drives and may come from somebody
else, so nothing in its files is believed before it fits: numbers are finite and positive, frames
follow each other, and names are those of files in the same folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal, TypedDict, TypeVar

from msgspec import Meta

from helpers.clip import ClipInfo
from helpers.runtime.schema import Positive, Sha256, Whole
from helpers.video.index import Index
from helpers.video.stretches import Stretch

N = TypeVar("N", int, Fraction)

VERSION = 1
"""The version of the files in a project's folder."""

LARGEST = 1 << 16
"""The largest width or height in pixels that is believed."""

SegmentName = Annotated[str, Meta(pattern=r"^[0-9]{6,9}\.mkv\Z")]
"""The name of a segment's file: digits, so that it cannot lead to another folder."""


BackendName = Annotated[str, Meta(pattern=r"^(winograd|compiled|openvino)\Z")]
"""A way to run a network, one of `nn.backends.BACKENDS`."""


@dataclass(frozen=True)
class Versioned:
    """The part of a file that every version of this package writes."""

    version: int


class SegmentRow(TypedDict):
    """A finished segment in `done.json`."""

    bytes: Whole
    sha256: Sha256


class _Machine(TypedDict):
    device: str
    precision: str
    memory: Whole


class MachineRow(_Machine, total=False):
    """The machine that a stage was begun on: what decides the tiles and the rounding."""

    # Version 0.1.0 did not keep these.
    encoder: str
    backends: dict[str, BackendName]


@dataclass(frozen=True)
class StageFile:
    """`stage.json`; see `manifest.StageManifest`."""

    version: int
    recipe: list[dict[str, Any]]
    codec: Literal["ffv1", "near-lossless", "h264", "h265", "prores"]
    info: ClipInfo
    first: Fraction
    units: Positive
    pts: list[int]
    end: Fraction
    cuts: tuple[Fraction, ...]
    segments: list[tuple[int, int]]
    machine: MachineRow
    # Version 0.1.0 did not keep this.
    frame_bytes: Annotated[float, Meta(gt=0, le=1e12)] | None = None

    def __post_init__(self) -> None:
        check_info(self.info)
        last = check_rising(self.pts, "frame")
        end = self.first + Fraction(last, self.units)
        check_cuts(self.cuts, self.first + Fraction(self.pts[0], self.units), end)
        _check_end(end, self.end)
        edges = [0, *(stop for _, stop in self.segments)]
        if [*pairwise(edges)] != self.segments or edges[-1] != len(self.pts):
            raise ValueError(f"its segments do not hold {len(self.pts)} frames one after another")
        check_rising(edges, "segment")


class SourceKey(TypedDict):
    """What a film is known by: its content, and how it was opened."""

    sha256: Sha256
    options: dict[str, str]


@dataclass(frozen=True)
class SourceFile:
    """`source.json`: the film, its index and its shots; see `reader.VideoClip`."""

    version: int
    key: SourceKey
    path: str
    cuts: tuple[Fraction, ...]
    info: ClipInfo
    index: Index
    stream: Whole | None
    bwdif: bool
    rotation: int
    notes: tuple[str, ...]
    # Version 0.1.0 did not keep these.
    mirrored: bool = False
    over_black: bool = False
    sars: tuple[tuple[Whole, Fraction], ...] = ()
    telecine: bool = False
    motion: bool = False
    stretches: tuple[Stretch, ...] = ()

    def __post_init__(self) -> None:
        check_info(self.info)
        index = self.index
        if index.time_base <= 0:
            raise ValueError("its unit of time is not above 0")
        check_rising(index.pts, "frame")
        _check_ranges(index)
        last = check_rising(index.times, "time")
        _check_end(last, index.end)
        check_cuts(self.cuts, index.times[0], last)
        if index.keys and not 0 <= index.keys[0] <= check_rising(index.keys, "key") < len(
            index.pts
        ):
            raise ValueError("it names key frames that the film does not have")
        if self.rotation not in (0, 90, 180, 270) or any(sar <= 0 for _, sar in self.sars):
            raise ValueError(f"its pictures are turned by {self.rotation}, or have no shape")


@dataclass(frozen=True)
class FoundRow:
    """What was found by looking at a whole film: an entry of `found.json`."""

    about: Sha256
    version: int
    fields: dict[str, Any]


def check_info(info: ClipInfo) -> None:
    """Raise ValueError unless a film of this size and rate is possible."""
    if not (0 < info.width <= LARGEST and 0 < info.height <= LARGEST):
        raise ValueError(f"its pictures are {info.size}")
    if info.fps <= 0 or info.sar <= 0 or not 0 < info.depth <= 32:
        raise ValueError(f"it has {info.fps} frames a second, pixels of {info.sar} to 1 and "
                         f"{info.depth} bits")  # fmt: skip
    if not 1 <= info.enlarged <= LARGEST:
        raise ValueError(f"it was enlarged {float(info.enlarged):g} times")


def _check_ranges(index: Index) -> None:
    """Raise ValueError unless the frames whose times are corrected are frames of the film."""
    count = len(index.pts)
    evened = all(0 <= first < last <= count for first, last in index.pulldown)
    if not evened or not all(0 <= first < count for first, _ in index.moves):
        raise ValueError("it corrects the times of frames that the film does not have")


def check_rising(values: Sequence[N], what: str) -> N:
    """Return the last of some numbers; raise ValueError unless there are some and they rise."""
    if not values or any(a >= b for a, b in pairwise(values)):
        raise ValueError(f"no {what} comes after the one before it")
    return values[-1]


def check_cuts(cuts: Sequence[Fraction], first: Fraction, last: Fraction) -> None:
    """Raise ValueError unless shots begin one after another, from the first to the last frame."""
    if not cuts or cuts[0] < first or cuts[-1] > last or any(a >= b for a, b in pairwise(cuts)):
        raise ValueError("its shots do not follow each other")


def _check_end(last: Fraction, end: Fraction) -> None:
    if end <= last:
        raise ValueError(f"it ends at {float(end):.3f} s, before its last frame")

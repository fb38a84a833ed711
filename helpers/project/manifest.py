"""The description of a saved stage: its recipe, its timeline, and its division into segments.

It is kept in `stage.json` in the stage's folder, is written once, and never changes.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from helpers.clip import Clip, ClipInfo
from helpers.errors import ProjectError, ProjectLockedError
from helpers.project.files import VERSION, MachineRow, StageFile, Versioned
from helpers.project.words import contents
from helpers.runtime.machine import Runtime
from helpers.runtime.storage import read_json, refuse_link, require_json, retry, write_json
from helpers.video.timeline import exact_units

FILE = "stage.json"


@dataclass(frozen=True)
class Segment:
    """A run of frames in a file of its own: half-open frame numbers of the whole clip."""

    number: int
    start: int
    stop: int

    @property
    def file(self) -> str:
        """Its name: six digits, so that names sort."""
        return f"{self.number:06d}.mkv"


@dataclass(frozen=True, eq=False)
class StageManifest:
    """The description of a saved stage.

    Attributes:
        recipe: how it is made, from the source on.
        codec: the codec of its segments.
        info: the properties that all its frames share.
        first: the start of the first frame, in seconds.
        units: the number of units of `pts` in a second.
        pts: the start of every frame, counted from the first.
        end: when the last frame stops being shown, in seconds.
        cuts: when its shots begin, in seconds.
        segments: the half-open ranges of frames that it is divided into.
        machine: the device, precision and memory that it was begun with, and how its networks are
            run. With the same memory a network uses the same tiles, so that a resumed run is
            bit-identical to an uninterrupted one.
        frame_bytes: the size of a saved frame, as far as it was known at the beginning.
    """

    recipe: list[dict[str, Any]]
    codec: str
    info: ClipInfo
    first: Fraction
    units: int
    pts: Sequence[int]
    end: Fraction
    cuts: Sequence[Fraction]
    segments: Sequence[Segment]
    machine: MachineRow
    frame_bytes: float | None = None

    @classmethod
    def of(
        cls,
        clip: Clip,
        codec: str,
        length: Fraction,
        machine: Runtime,
        frame_bytes: float,
        encoder: str,
        backends: Mapping[str, str] | None = None,
    ) -> StageManifest:
        """Describe a clip that will be saved in segments of about `length` seconds."""
        units, pts = exact_units(clip.times)
        begun = MachineRow(
            device=machine.device,
            precision=machine.precision,
            memory=machine.free_memory(),
            encoder=encoder,
        )
        if backends:
            begun["backends"] = dict(backends)
        return cls(
            recipe=clip.recipe(),
            codec=codec,
            info=clip.info,
            first=clip.times[0],
            units=units,
            pts=pts,
            end=clip.end,
            cuts=tuple(clip.cuts),
            segments=cut_timeline(clip, length),
            machine=begun,
            frame_bytes=frame_bytes,
        )

    @classmethod
    def read(cls, folder: Path) -> StageManifest:
        """Read the description of the stage in a folder.

        Raises:
            ProjectError: the file is damaged, or was written by another version of this package.
        """
        refuse_link(folder)
        path = folder / FILE
        version = require_json(path, Versioned).version
        if version != VERSION:
            raise ProjectError(
                f"{folder.name} was begun by another version of this package (file version "
                f"{version}; this package uses {VERSION}). Finish it with that version, "
                f"or remove it with project.remove({folder.name!r}) and make it again."
            )
        file = require_json(path, StageFile)
        return cls(
            recipe=file.recipe,
            codec=file.codec,
            info=file.info,
            first=file.first,
            units=file.units,
            pts=file.pts,
            end=file.end,
            cuts=file.cuts,
            segments=[Segment(n, *pair) for n, pair in enumerate(file.segments)],
            machine=file.machine,
            frame_bytes=file.frame_bytes,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the description as JSON-able values, for `read`."""
        return {
            "version": VERSION,
            "recipe": self.recipe,
            "codec": self.codec,
            "info": self.info.to_json(),
            "first": str(self.first),
            "units": self.units,
            "pts": self.pts,
            "end": str(self.end),
            "cuts": [str(cut) for cut in self.cuts],
            "segments": [[segment.start, segment.stop] for segment in self.segments],
            "machine": self.machine,
            **({} if self.frame_bytes is None else {"frame_bytes": self.frame_bytes}),
        }

    @property
    def encoder(self) -> str | None:
        """The name of the encoder that it was begun with; None if that was not noted."""
        return self.machine.get("encoder")

    @property
    def times(self) -> tuple[Fraction, ...]:
        """The start of every frame, in exact seconds."""
        # In whole numbers of one unit, since the sum of two fractions takes six times as long.
        unit = math.lcm(self.units, self.first.denominator)
        start = self.first.numerator * unit // self.first.denominator
        scale = unit // self.units
        return tuple(Fraction(start + pts * scale, unit) for pts in self.pts)

    def is_made_of(self, recipe: list[dict[str, Any]], codecs: Container[str]) -> bool:
        """Tell whether it is made by this recipe, and saved with one of these codecs."""
        return self.codec in codecs and contents(self.recipe) == contents(recipe)


def read_begun(folder: Path, clip: Clip, codecs: Container[str]) -> StageManifest | None:
    """Read the description of the stage that a clip is saved in; None if it is not begun.

    Args:
        codecs: the stage is saved with one of these.

    Raises:
        ProjectLockedError: another run has begun another version in this folder just now.
    """
    if read_json(folder / FILE, Versioned) is None:
        return None
    manifest = StageManifest.read(folder)
    if not manifest.is_made_of(clip.recipe(), codecs):
        raise ProjectLockedError(
            f"Another run has just begun another version of {folder.name}. Run this again; its "
            "version will stand beside the other."
        )
    return manifest


def write_stage(folder: Path, manifest: StageManifest) -> None:
    """Write the description of a new stage."""
    # If the folder still lists segments, they belong to an earlier stage that was deleted.
    retry(folder.name, folder, lambda: (folder / "done.json").unlink(missing_ok=True))
    write_json(folder / FILE, manifest.to_json())


def cut_timeline(clip: Clip, length: Fraction) -> list[Segment]:
    """Cut a timeline into segments of about `length` seconds, at shot cuts where one is near."""
    times, edges = clip.times, [0]
    begins = set(clip.cuts)
    cuts = [number for number, time in enumerate(times) if time in begins]
    cut_times = [times[number] for number in cuts]
    while True:
        begun = times[edges[-1]]
        if clip.end - begun <= length * Fraction(3, 2):
            break
        # There may be ten thousand cuts, so those that are near are not searched for among all.
        first = bisect_left(cut_times, begun + length * Fraction(2, 3))
        stop = bisect_right(cut_times, begun + length * Fraction(4, 3))
        near = cuts[first:stop]
        if near:
            edge = min(near, key=lambda number: abs(times[number] - begun - length))
        else:
            edge = clip.number_at(begun + length)
        edge = max(edge, edges[-1] + 1)
        if edge >= len(times):
            break
        edges.append(edge)
    edges.append(len(times))
    return [Segment(n, *pair) for n, pair in enumerate(pairwise(edges))]

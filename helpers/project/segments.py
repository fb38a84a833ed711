"""What a saved stage's folder holds, and reading it.

`stage.json` says what the stage is: its recipe, its timeline, where it is cut into segments; it is
written once. `done.json` says which segments are whole, with their size and sha256; writing it is
the commit. The segments are FFV1 in Matroska (or near-lossless H.264), every frame a key frame.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import ProjectError, RecipeMismatchError, SegmentError
from helpers.runtime.machine import Runtime
from helpers.runtime.storage import damaged, fingerprint, read_json, retried, write_json
from helpers.video.codecs import CODECS
from helpers.video.index import make_index
from helpers.video.reader import VideoClip
from helpers.video.writer import output_colour

if TYPE_CHECKING:
    from helpers.run import RunContext

log = logging.getLogger("helpers")

VERSION = 1
"""Of the files in a project's folder."""


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


@dataclass(frozen=True, eq=False, repr=False)
class SavedClip(Clip):
    """A stage that was saved; its times come from the project, exactly, and not from the files."""

    folder: Path
    info: ClipInfo
    times: Sequence[Fraction]
    end: Fraction
    cuts: Sequence[Fraction]
    segments: Sequence[Segment]
    codec: str
    made: list[dict[str, Any]] = field(repr=False)

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.folder.name

    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Give a half-open range of frames, from as few segments as hold it."""
        start, stop = self.span(start, stop)
        done = read_done(self.folder)
        cuts = set(self.cuts)
        for segment in self.segments:
            first, last = max(segment.start, start), min(segment.stop, stop)
            if first >= last:
                continue
            check_segment(self.folder, segment, done)
            picture = segment_clip(self.folder / segment.file, self.info, self.codec)
            with closing(picture.frames(first - segment.start, last - segment.start)) as frames:
                for number, frame in enumerate(frames, first):
                    time = self.times[number]
                    yield Frame(frame.image, time, time in cuts)

    def recipe(self) -> list[dict[str, Any]]:
        """What it was made of; saving changes nothing, so it adds nothing."""
        return self.made


def begin(
    folder: Path, clip: Clip, codec: str, length: Fraction, machine: Runtime
) -> dict[str, Any]:
    """Read what a stage is, or write it down if it is new; refuse if it is something else."""
    recipe = clip.recipe()
    if read_json(folder / "stage.json") is not None:
        stage = read_stage(folder)
        difference = recipe_difference(stage["recipe"], recipe)
        if difference is None and stage["codec"] != codec:
            difference = (f"codec {stage['codec']}", f"codec {codec}")
        if difference is not None:
            raise RecipeMismatchError(
                f"{folder.name} was made with {difference[0]}, and now {difference[1]} is asked "
                f"for; they are never mixed. Take another project or name, or delete {folder} "
                f"(in a notebook: project.remove({folder.name!r}))."
            )
        return stage
    # Segments of a stage that is not there any more are not those of this one.
    retried(folder.name, folder, lambda: (folder / "done.json").unlink(missing_ok=True))
    units, pts = exact_units(clip.times)
    stage = {
        "version": VERSION,
        "recipe": recipe,
        "codec": codec,
        "info": clip.info.to_json(),
        "first": str(clip.times[0]),
        "units": units,
        "pts": pts,
        "end": str(clip.end),
        "cuts": [str(cut) for cut in clip.cuts],
        "segments": [[s.start, s.stop] for s in cut_timeline(clip, length)],
        # With the same memory a network cuts the same tiles, so that a resumed run gives the
        # same bits as an unbroken one.
        "machine": {
            "device": machine.device,
            "precision": machine.precision,
            "memory": machine.free_memory(),
        },
    }
    write_json(folder / "stage.json", stage)
    return stage


def recipe_difference(
    old: list[dict[str, Any]], new: list[dict[str, Any]]
) -> tuple[str, str] | None:
    """Return the first difference of two recipes, in words, old and new; None if there is none."""
    for step in range(max(len(old), len(new))):
        before = old[step] if step < len(old) else {}
        after = new[step] if step < len(new) else {}
        if _content(before) == _content(after):
            continue
        titles = [str(r.get("stage") or r.get("source") or "nothing more") for r in (before, after)]
        if before.get("stage") != after.get("stage"):
            return titles[0], titles[1]
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        told = [
            f"{title} ({', '.join(f'{key} {_short(row.get(key))}' for key in keys)})"
            for title, row in zip(titles, (before, after), strict=True)
        ]
        return told[0], told[1]
    return None


def _content(row: dict[str, Any]) -> dict[str, Any]:
    """Leave out a film's name where its sha256 is known: a renamed file is the same film."""
    return {k: v for k, v in row.items() if k != "source"} if "sha256" in row else row


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:16] + "..."


def exact_units(times: Sequence[Fraction]) -> tuple[int, list[int]]:
    """Return units a second, and the times since the first as whole numbers of them."""
    spans = [time - times[0] for time in times]
    units = math.lcm(*(span.denominator for span in spans))
    return units, [int(span * units) for span in spans]


def cut_timeline(clip: Clip, length: Fraction) -> list[Segment]:
    """Cut a timeline into segments of about `length` seconds, at shot cuts where one is near."""
    times, edges = clip.times, [0]
    begins = set(clip.cuts)
    cuts = [number for number, time in enumerate(times) if time in begins]
    while True:
        begun = times[edges[-1]]
        if clip.end - begun <= length * Fraction(3, 2):
            break
        near = [
            c
            for c in cuts
            if length * Fraction(2, 3) <= times[c] - begun <= length * Fraction(4, 3)
        ]
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


def segments_of(stage: dict[str, Any]) -> list[Segment]:
    """Return the segments that a stage is cut into."""
    return [Segment(n, *pair) for n, pair in enumerate(stage["segments"])]


def saved_clip(folder: Path, stage: dict[str, Any]) -> SavedClip:
    """Return a stage as the clip that it is."""
    first, units = Fraction(stage["first"]), stage["units"]
    return SavedClip(
        folder=folder,
        info=ClipInfo.from_json(stage["info"]),
        times=tuple(first + Fraction(pts, units) for pts in stage["pts"]),
        end=Fraction(stage["end"]),
        cuts=tuple(Fraction(cut) for cut in stage["cuts"]),
        segments=segments_of(stage),
        codec=stage["codec"],
        made=stage["recipe"],
    )


STAGE_KEYS = {"version", "recipe", "codec", "info", "first", "units", "pts", "end", "cuts",
              "segments", "machine"}  # fmt: skip


def read_stage(folder: Path) -> dict[str, Any]:
    """Return what a stage is.

    Raises:
        ProjectError: its description is damaged, or of another version of this package.
    """
    path = folder / "stage.json"
    stage = read_json(path)
    if not isinstance(stage, dict) or "version" not in stage:
        raise damaged(path, "it does not describe a stage")
    if stage["version"] != VERSION:
        raise ProjectError(
            f"{folder.name} was begun by another version of this package (its files are of version "
            f"{stage['version']}, here {VERSION}). Finish it there, or project.remove("
            f"{folder.name!r}) and make it again."
        )
    if missing := STAGE_KEYS - stage.keys():
        raise damaged(path, f"it lacks {', '.join(sorted(missing))}")
    return stage


def read_done(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what is known of each finished segment, by file name."""
    done = read_json(folder / "done.json")
    if done is not None and not isinstance(done, dict):
        raise damaged(folder / "done.json", "it does not list segments")
    return done or {}


def check_segment(folder: Path, segment: Segment, done: dict[str, dict[str, Any]]) -> None:
    """Raise SegmentError unless a segment's file is the one that was written."""
    row = done.get(segment.file)
    file = fingerprint(folder / segment.file) if row else None
    if row and file == row:
        return
    found = "is damaged (its sha256 is not the one noted)" if file else "is missing"
    raise SegmentError(
        f"Segment {segment.file} of {folder.name} {found}. Run the same save again: only that "
        "segment is made again."
    )


def missing_segments(folder: Path, segments: list[Segment]) -> list[Segment]:
    """Return the segments that are not there whole; damaged ones are struck off the list."""
    done, missing = read_done(folder), []
    for segment in segments:
        try:
            check_segment(folder, segment, done)
        except SegmentError as error:
            missing.append(segment)
            if done.pop(segment.file, None) is not None:
                log.warning("%s", error)
                write_json(folder / "done.json", done)
    return missing


def segment_clip(path: Path, info: ClipInfo, codec: str) -> VideoClip:
    """Open a segment as a clip of its own; only its pictures are of use."""
    index = make_index(path, None, "packets")
    pixels = CODECS[codec].formats[info.depth > 8]
    info = info.replace(colour=output_colour(info, pixels), field_order="progressive")
    times = tuple(pts * index.time_base for pts in index.pts)
    return VideoClip(path, info, times, index.end, index)

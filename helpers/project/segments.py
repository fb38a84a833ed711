"""The segments of a saved stage: which are whole, and reading them.

`done.json` says which segments are whole, with their size and sha256; writing it is the commit. The
segments are FFV1 in Matroska (or near-lossless H.264), every frame a key frame.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.clip import Clip, ClipInfo, Frame
from helpers.errors import SegmentError
from helpers.project.manifest import Segment, StageManifest
from helpers.runtime.storage import damaged, fingerprint, read_json, write_json
from helpers.video.codecs import CODECS
from helpers.video.index import make_index
from helpers.video.reader import VideoClip
from helpers.video.writer import output_colour

if TYPE_CHECKING:
    from helpers.run import RunContext

log = logging.getLogger("helpers")


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

    @classmethod
    def of(cls, folder: Path, manifest: StageManifest) -> SavedClip:
        """Return a stage as the clip that it is."""
        return cls(
            folder=folder,
            info=manifest.info,
            times=manifest.times,
            end=manifest.end,
            cuts=manifest.cuts,
            segments=manifest.segments,
            codec=manifest.codec,
            made=manifest.recipe,
        )

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


def missing_segments(folder: Path, segments: Sequence[Segment]) -> list[Segment]:
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

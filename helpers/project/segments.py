"""The segments of a saved stage: which of them are finished, and how to read them.

`done.json` lists the finished segments with their size and sha256; a segment counts as finished
once it is listed there. They are Matroska: FFV1 or near-lossless H.264, in which every frame is a
key frame; or, for the film of an end-to-end run, the codec that it will have. The film is then made
of them without encoding anything again.
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
from helpers.project.files import SegmentName, SegmentRow
from helpers.project.glimpses import load_glimpses
from helpers.project.manifest import Segment, StageManifest
from helpers.runtime.storage import fingerprint, read_json, refuse_link, write_json
from helpers.video import codecs
from helpers.video.encoder import output_colour, stored_size
from helpers.video.index import index_own
from helpers.video.reader import VideoClip
from helpers.video.splice import Parts

if TYPE_CHECKING:
    from helpers.run import RunContext

log = logging.getLogger("helpers")

LOSSLESS, SMALL = CODECS = ("ffv1", "near-lossless")
"""How the segments of a step are saved: so that the next step loses nothing."""


@dataclass(frozen=True, eq=False, repr=False)
class SavedClip(Clip):
    """A saved stage. Its exact times come from the stage's manifest, not from the segments."""

    folder: Path
    info: ClipInfo
    times: Sequence[Fraction]
    end: Fraction
    cuts: Sequence[Fraction]
    segments: Sequence[Segment]
    codec: str
    made: list[dict[str, Any]] = field(repr=False)
    encoder: str | None = None

    @classmethod
    def of(cls, folder: Path, manifest: StageManifest) -> SavedClip:
        """Return the stage in a folder as a clip."""
        return cls(
            folder=folder,
            info=manifest.info,
            times=manifest.times,
            end=manifest.end,
            cuts=manifest.cuts,
            segments=manifest.segments,
            codec=manifest.codec,
            made=manifest.recipe,
            encoder=manifest.encoder,
        )

    @property
    def name(self) -> str:
        """The stage's name, and for a version that is not its first, the start of its hash."""
        return self.folder.name

    def frames(
        self, start: int = 0, stop: int | None = None, run: RunContext | None = None
    ) -> Generator[Frame, None, None]:
        """Yield a half-open range of frames, reading only the segments that hold them."""
        start, stop = self.span(start, stop)
        done = read_done(self.folder)
        cuts = set(self.cuts)
        for segment in self.segments:
            first, last = max(segment.start, start), min(segment.stop, stop)
            if first >= last:
                continue
            _check_segment(self.folder, segment, done)
            picture = segment_clip(self.folder / segment.file, self.info, self.codec)
            with closing(picture.frames(first - segment.start, last - segment.start)) as frames:
                for number, frame in enumerate(frames, first):
                    time = self.times[number]
                    image = frame.image[: self.info.height, : self.info.width]
                    yield Frame(image, time, time in cuts)

    def recipe(self) -> list[dict[str, Any]]:
        """Return the recipe that it was made with; saving adds nothing to it."""
        return self.made

    @property
    def parts(self) -> Parts:
        """Its segments, to be joined.

        Raises:
            SegmentError: one is missing or damaged.
        """
        done = read_done(self.folder)
        for segment in self.segments:
            _check_segment(self.folder, segment, done)
        files = tuple(self.folder / segment.file for segment in self.segments)
        given = load_glimpses(self.folder, self.segments, len(self))
        return Parts(files, self.encoder or codecs.CODECS[self.codec].encoder, given)


def read_done(folder: Path) -> dict[str, SegmentRow]:
    """Return the size and sha256 of each finished segment, by file name."""
    return read_json(folder / "done.json", dict[SegmentName, SegmentRow]) or {}


def _check_segment(folder: Path, segment: Segment, done: dict[str, SegmentRow]) -> None:
    """Raise SegmentError if a segment's file is missing or was changed."""
    row = done.get(segment.file)
    refuse_link(folder / segment.file)
    file = fingerprint(folder / segment.file) if row else None
    if row and file == row:
        return
    found = "is damaged (its sha256 has changed)" if file else "is missing"
    raise SegmentError(
        f"Segment {segment.file} of {folder.name} {found}. Run the same save again; only this "
        "segment is made again."
    )


def missing_segments(folder: Path, segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments that are missing or damaged; damaged ones are removed from done.json."""
    done, missing = read_done(folder), []
    for segment in segments:
        try:
            _check_segment(folder, segment, done)
        except SegmentError as error:
            missing.append(segment)
            if done.pop(segment.file, None) is not None:
                log.warning("%s", error)
                write_json(folder / "done.json", done)
    return missing


def segment_clip(path: Path, info: ClipInfo, codec: str) -> VideoClip:
    """Open a segment as a clip; only its pictures are used, not its times."""
    index = index_own(path)
    pixels = codecs.CODECS[codec].formats[info.depth > 8]
    width, height = stored_size(info, codec)
    info = info.replace(
        width=width, height=height, colour=output_colour(info, pixels), field_order="progressive"
    )
    return VideoClip(path, info, index)

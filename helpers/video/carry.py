"""Decide which tracks of a film are carried into another file, before any work is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.runtime.machine import once_per_file
from helpers.video.describe import StreamName, name_streams
from helpers.video.open import open_container
from helpers.video.refuse import is_encrypted
from helpers.video.tracks import Track
from helpers.video.trial import choose

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream


@dataclass(frozen=True)
class Carried:
    """What a film's new file takes over from it.

    Attributes:
        tracks: in their order in the film.
        notes: what is changed or left out, in words.
    """

    tracks: tuple[Track, ...]
    notes: tuple[str, ...] = ()


@once_per_file
def read_tracks(source: Path, path: Path) -> Carried:
    """Decide which tracks of a film are carried into a file, and in which form.

    A run asks before its work and again when it writes; each track is tried only once.

    Raises:
        VideoOpenError: the film cannot be read.
    """
    tracks, notes = [], []
    with open_container(source) as container:
        names = _names(source, container)
        for stream, number in _numbered(container):
            track = _track(stream, number, names)
            if isinstance(track, str):
                notes.append(track)
            elif track is not None and is_encrypted(source, container, stream):
                notes.append(f"{track} is encrypted and was left out")
            elif track is not None:
                tracks.append(track)
    chosen, more = choose(source, tracks, path)
    return Carried(tuple(chosen), (*notes, *more))


def _names(source: Path, container: InputContainer) -> dict[int, StreamName]:
    """Return the names of the streams, if there are any that PyAV does not know."""
    known = (
        s.codec_context is not None or s.type in ("data", "attachment") for s in container.streams
    )
    return {} if all(known) else name_streams(source)


def _numbered(container: InputContainer) -> list[tuple[Stream, int]]:
    """Return the streams, each with its number among those of its type."""
    counts: dict[str, int] = {}
    found = []
    for stream in container.streams:
        found.append((stream, counts.get(stream.type, 0)))
        counts[stream.type] = counts.get(stream.type, 0) + 1
    return found


def _track(stream: Stream, number: int, names: dict[int, StreamName]) -> Track | str | None:
    """Return a stream as a track; a note if it is always left out; None if that needs no note."""
    from av.stream import Disposition

    context = stream.codec_context
    codec = context.codec.canonical_name if context is not None else ""
    codec = codec or str(names.get(stream.index, "unknown"))
    if stream.type == "video":
        cover = stream.disposition & Disposition.attached_pic
        return Track("cover", number, codec) if cover else None
    if stream.type in ("audio", "subtitle", "attachment"):
        return Track(stream.type, number, codec, getattr(context, "channels", 0) or 0)
    if stream.type == "data" and stream.container.chapters() and stream.name == "bin_data":
        return None  # the chapters of an MP4 are also a track; they are copied as chapters
    if stream.type == "data":
        return f"data track {number + 1} (such as a time code) was left out"
    return f"track {stream.index + 1} is of an unknown kind and was left out"

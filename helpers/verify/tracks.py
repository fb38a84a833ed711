"""Are all tracks, chapters and tags of the film in the result, or does a note say why not?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.verify.contents import Contents, Stream
from helpers.verify.promise import Promise
from helpers.verify.verdict import Check

ALONE = "nothing but the picture"
"""How a note begins that says that no track of the film could be taken over."""

TAGS = ("title", "artist", "comment", "copyright")
"""The tags of a file that MP4, MOV and Matroska all hold."""


def kept_tracks(seen: Contents, kind: str, promise: Promise) -> list[int]:
    """Return the numbers of the film's tracks of a kind, without those that a note names."""
    return [
        number
        for number, _ in enumerate(seen.of(kind))
        if not any(_left_out(note, kind, number) for note in promise.notes)
    ]


def _left_out(note: str, kind: str, number: int) -> bool:
    """Tell whether a note says that a track is left out."""
    if note.startswith(ALONE):
        return True
    named = re.search(rf"\b{kind} track {number + 1}\b", note)
    return bool(named) and "left out" in note


def check_tracks(made: Contents, seen: Contents, promise: Promise, shift: float) -> Iterator[Check]:
    """Yield a check of the subtitles, the languages, the chapters and the metadata.

    Args:
        shift: by how many seconds the film's own clock is ahead of the promise's.
    """
    wanted = [seen.of("subtitle")[n] for n in kept_tracks(seen, "subtitle", promise)]
    found = made.of("subtitle")
    if len(found) < len(wanted):
        yield Check("subtitles", "note", (
            f"the film has {len(wanted)} subtitle tracks and the result {len(found)}"
        ))  # fmt: skip
    elif wanted:
        yield _check_subtitles(found, wanted, promise)
    yield from _check_languages(made, seen, promise)
    yield from _check_chapters(made, seen, promise, shift)
    if lost := [
        name for name in TAGS if _text(seen, name) and _text(made, name) != _text(seen, name)
    ]:
        yield Check("metadata", "note", f"the film's {' and '.join(lost)} is not in the result")


def _check_subtitles(found: tuple[Stream, ...], wanted: list[Stream], promise: Promise) -> Check:
    empty = [n for n, stream in enumerate(found) if not len(stream.times)]
    lost = [
        n + 1 for n in empty if n < len(wanted) and len(wanted[n].times) and not promise.trimmed
    ]
    if lost:
        return Check("subtitles", "note", f"subtitle track {lost[0]} is empty in the result")
    return Check("subtitles", "right", f"{len(found)} tracks")


def _check_languages(made: Contents, seen: Contents, promise: Promise) -> Iterator[Check]:
    """Compare the languages of the tracks that are copied, in their order."""
    for kind in ("audio", "subtitle"):
        if kind == "audio" and promise.sound:
            continue  # new tracks stand between the copied ones
        wanted = [seen.of(kind)[n].language for n in kept_tracks(seen, kind, promise)]
        found = [stream.language for stream in made.of(kind)]
        if len(wanted) == len(found) and found != wanted:
            words = (
                f"the {kind} tracks are {', '.join(found)} where the film's are {', '.join(wanted)}"
            )
            yield Check("languages", "note", words)


def _check_chapters(
    made: Contents, seen: Contents, promise: Promise, shift: float
) -> Iterator[Check]:
    """Compare the chapters, of which a stretch of a film has only some."""
    if not seen.chapters:
        return
    start, stop = (float(time) + shift for time in (promise.times[0], promise.end))
    inside = [c for c in seen.chapters if c[0] < stop and c[1] > start]
    wanted = len(inside) if promise.trimmed else len(seen.chapters)
    if len(made.chapters) < wanted:
        words = f"the film has {wanted} chapters and the result {len(made.chapters)}"
        yield Check("chapters", "note", words)
    else:
        yield Check("chapters", "right", f"{len(made.chapters)} chapters")


def _text(contents: Contents, name: str) -> str:
    return " ".join(contents.metadata.get(name, "").split())

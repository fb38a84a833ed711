"""Look at a written film before it is called done, with eyes that had no part in making it.

found = verify(Path("restored.mp4"), promise, Path("tape.mp4"))
found.wrong, found.notes    # in words; both are empty if the result is right

The pictures and the sound are decoded by the ffmpeg program and compared with what the encoder was
given, and with the film, which ffmpeg decodes by its own rules. docs/verify.md lists all checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from helpers.errors import VerificationError
from helpers.verify.contents import Contents, read_contents
from helpers.verify.ffmpeg import UncheckableError, is_damaged
from helpers.verify.film import Film
from helpers.verify.picture import (
    check_encoded,
    check_film,
    check_frames,
    check_shape,
    check_tags,
    look_at,
)
from helpers.verify.promise import Promise
from helpers.verify.sound import check_sound, pair_tracks
from helpers.verify.tolerances import is_known
from helpers.verify.tracks import check_tracks, kept_tracks
from helpers.verify.verdict import Check, Verification

SECONDS = 10.0
"""The time that a look may take, whatever the run took."""


def verify(
    output: Path, promise: Promise, source: Path | None = None, seconds: float = SECONDS
) -> Verification:
    """Compare a written film with what it was promised to be, and with its source.

    Args:
        output: the file.
        source: the film that it was made from; None for a clip that comes from no file.
        seconds: about how long this may take. A longer film is looked at in some places only.

    Raises:
        UncheckableError: ffmpeg cannot read the output.
    """
    return Verification(tuple(_look(output, promise, source, seconds)))


def require_right(
    output: Path, promise: Promise, source: Path | None, seconds: float = SECONDS
) -> Verification:
    """Look at a written film as `verify` does.

    Raises:
        VerificationError: it is wrong, or cannot be read.
    """
    try:
        checks = verify(output, promise, source, seconds)
    except UncheckableError as error:
        raise VerificationError(str(error), output) from error
    if checks.wrong:
        raise VerificationError(checks.wrong, output)
    return checks


def _look(output: Path, promise: Promise, source: Path | None, seconds: float) -> Iterator[Check]:
    made = read_contents(output)
    stream = made.picture()
    if not len(stream.times):
        yield Check("frames", "wrong", "there is no picture in the file")
        return
    yield check_frames(stream, promise)
    if promise.colour:
        yield check_tags(stream, promise.colour)
    seen = look_at(made, stream, promise, seconds / 3)
    if seen.whole and len(seen.look.times) != len(stream.times):
        yield Check("decoding", "wrong", (
            f"of {len(stream.times)} pictures in the file, {len(seen.look.times)} can be decoded"
        ))  # fmt: skip
    if len(seen.look.pictures) and promise.given:
        yield check_encoded(seen, stream, promise)
    if source is None:
        if len(seen.look.pictures):
            yield check_shape(seen, stream, promise, None)
        return
    comparable = promise.pictures and is_known(promise.steps)
    try:
        film_contents = read_contents(source)
        film = Film.open(film_contents, promise.stream, promise.film)
        if len(seen.look.pictures):
            if comparable:
                yield from _forgive(check_film(seen, promise, film, seconds / 3), source)
            yield check_shape(seen, stream, promise, film if comparable else None)
    except UncheckableError as error:
        yield Check("picture", "unknown", str(error))
        return
    yield from _compare_tracks(made, film_contents, film, promise)


def _forgive(checks: Iterable[Check], source: Path) -> Iterator[Check]:
    """Make a note of what differs from a damaged film; no two programs repair damage alike."""
    for check in checks:
        if check.verdict == "wrong" and is_damaged(source):
            words = f"{check.found}; the film is damaged, and programs repair damage differently"
            yield replace(check, verdict="note", found=words)
        else:
            yield check


def _compare_tracks(
    made: Contents, seen: Contents, film: Film, promise: Promise
) -> Iterator[Check]:
    sounds = len(made.of("audio"))
    pairs = pair_tracks(sounds, kept_tracks(seen, "audio", promise), promise)
    if pairs is None:
        yield Check("sound", "wrong", (
            f"the result has {sounds} sound tracks; the film has {len(seen.of('audio'))}, and no "
            "note says why they differ"
        ))  # fmt: skip
    else:
        yield from _forgive(check_sound(made, seen, film, promise, pairs), seen.path)
    yield from check_tracks(made, seen, promise, film.shift)

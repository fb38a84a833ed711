"""Find the key frames at which decoding may start: those that give the same pictures as the whole.

A key frame is only what a file says it is. Here some are reached by seeking, and compared with the
same pictures from the film's beginning, or from the key frame before.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from helpers.video.decode import REORDER, Damage, decode, decode_from
from helpers.video.open import open_container, pick_stream

if TYPE_CHECKING:
    import av

QUICK = 60_000_000
"""A group of pictures with fewer pixels in all is decoded in about a quarter of a second."""

Digests = dict[int, int]
"""Checksums of pictures, by the frames' numbers."""

MOST = 200
"""Key frames that are tried one by one; each takes about ten milliseconds."""

FROM_START = "the film is always read from its beginning"

T = TypeVar("T")


def digest(frame: av.VideoFrame) -> int:
    """Return a checksum of a picture, of all its planes."""
    value = 0
    for number, plane in enumerate(frame.planes):
        seen = np.frombuffer(plane, np.uint8)  # type: ignore[arg-type]
        if plane.line_size:  # a palette has none
            # It is negative where the rows are stored from the bottom up.
            seen = seen.reshape(-1, abs(plane.line_size))[:, : _row_bytes(frame, number)]
        value = zlib.crc32(np.ascontiguousarray(seen), value)  # type: ignore[arg-type]
    return value


def _row_bytes(frame: av.VideoFrame, number: int) -> int:
    """Return how many bytes of a plane's rows are seen; the rest of them may hold anything."""
    if len(frame.planes) == 1:
        return -(-frame.width * frame.format.padded_bits_per_pixel // 8)
    parts = [part for part in frame.format.components if part.plane == number]
    return sum(-(-part.bits // 8) * part.width for part in parts)


def find_entries(
    path: Path, wanted: int | None, pts: Sequence[int], digests: Digests, damage: Damage
) -> tuple[list[int], list[str]]:
    """Return the key frames from which decoding gives the same pictures, and what was unusual.

    Three of them are tried; up to `MOST` if the film is damaged or one of the three is another
    picture.

    Args:
        wanted: which stream; see `pick_stream`.
        pts: the timestamp of every frame.
        digests: those of the key frames when decoded from the beginning, by their numbers.
        damage: what was found on the way.
    """
    keys = list(digests)
    if not damage.faults and all(
        _read_key(path, wanted, pts[key], pts[key]) in (None, digests[key])
        for key in _spread(keys[1:])
    ):
        return keys, []
    # A decoder conceals damage with earlier pictures.
    whole = [
        key
        for key, following in pairwise([*keys, len(pts)])
        if damage.suspects.isdisjoint(range(key, following))
    ]
    whole = whole[:: len(whole) // MOST + 1]
    kept = [key for key in whole if _read_key(path, wanted, pts[key], pts[key]) == digests[key]]
    if damage.faults:
        return kept, []
    so = f"seeking is limited to {len(kept)} of {len(keys)} key frames" if kept else FROM_START
    return kept, [f"the decoder gives other pictures after a seek than from the beginning; {so}"]


def seeking_is_exact(
    path: Path, wanted: int | None, pts: Sequence[int], keys: Sequence[int], pixels: int
) -> bool:
    """Tell whether three key frames are the same pictures when they are decoded with those before.

    For the first of them, decoding begins with the film. A group of pictures that is too long to be
    decoded quickly is left out.

    Args:
        wanted: which stream; see `pick_stream`.
        pts: the timestamp of every frame.
        keys: the numbers of the key frames.
        pixels: those of a picture.
    """
    groups = [group for group in pairwise(keys) if (group[1] - group[0]) * pixels < QUICK]
    for before, key in _spread(groups):
        whole = _read_key(path, wanted, pts[before] if before else None, pts[key], key - before)
        again = _read_key(path, wanted, pts[key], pts[key])
        if None not in (whole, again) and whole != again:
            return False
    return True


def _spread(items: Sequence[T]) -> list[T]:
    """Return at most three: the first, the middle one, and that at three quarters."""
    return [items[at] for at in sorted({len(items) * part // 4 for part in (0, 2, 3)}) if items]


def _read_key(
    path: Path, wanted: int | None, entry: int | None, stamp: int, behind: int = 0
) -> int | None:
    """Return the checksum of the frame with a timestamp; None if it does not come soon.

    Args:
        entry: the timestamp of the key frame to begin at; None for the film's beginning.
        behind: how many frames later the frame comes.
    """
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        frames = (
            decode(container, stream) if entry is None else decode_from(container, stream, entry)
        )
        return _find_digest(frames, stamp, behind)


def _find_digest(
    frames: Generator[av.VideoFrame, None, None], stamp: int, behind: int = 0
) -> int | None:
    with closing(frames), suppress(OSError):  # ffmpeg cannot seek in this file
        for frame in islice(frames, behind + 2 * REORDER):
            if frame.pts == stamp:
                return digest(frame)
    return None

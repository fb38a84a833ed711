"""Find where every frame of a video file is, before any picture is needed.

The packets of the container are read first. Where they look wrong, or the film is small, everything
is decoded once, and the decoder's answer is used. Then a few frames are read after a seek, to see
whether they are the same pictures.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.video.clock import EVEN, Clock, find_clock
from helpers.video.decode import Damage, decode
from helpers.video.entries import Digests, digest, find_entries, seeking_is_exact
from helpers.video.open import check_film, no_frames, open_container, pick_stream
from helpers.video.packets import Packets, read_packets
from helpers.video.timeline import FILM, find_pulldown, make_timeline, usual_step

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

SMALL = 3_000_000_000
"""A film of fewer pixels in all is always decoded once, which takes about ten seconds."""


@dataclass(frozen=True)
class Index:
    """Where every frame of a stream is.

    Attributes:
        pts: the decoder's presentation timestamps in units of `time_base`, all different; if
            `counted`, corrected ones that rise.
        keys: numbers of the frames at which decoding can start.
        time_base: seconds in a unit.
        end: when the last frame stops being shown, in seconds from `zero`.
        counted: true if frames have no usable timestamps and can only be counted from the start.
        damaged: true if some packets cannot be decoded. Such a stream is decoded in one thread,
            because with several the result differs from run to run.
        notes: what was unusual, in words.
        zero: what a player calls 0, in seconds on the file's clock.
        moves: the first frames after a jump of the clock, and by how many units they and those
            after them are moved.
        pulldown: the half-open ranges of frames that are spaced evenly, `FILM` apart.
    """

    pts: tuple[int, ...] = field(repr=False)
    keys: tuple[int, ...] = field(repr=False)
    time_base: Fraction
    end: Fraction
    counted: bool = False
    damaged: bool = False
    notes: tuple[str, ...] = ()
    zero: Fraction = Fraction(0)
    moves: tuple[tuple[int, int], ...] = ()
    pulldown: tuple[tuple[int, int], ...] = ()

    @cached_property
    def times(self) -> tuple[Fraction, ...]:
        """When each frame is shown, in seconds from `zero`, strictly rising."""
        return _space_evenly(_shown(self), self.pulldown)

    @cached_property
    def _numbers(self) -> dict[int, int]:
        return {pts: number for number, pts in enumerate(self.pts)}

    def number(self, pts: int | None, count: int) -> int | None:
        """Return the number of the frame with this timestamp, which is the count-th decoded."""
        if self.counted:
            return count if count < len(self.pts) else None
        return None if pts is None else self._numbers.get(pts)

    def entries(self, number: int) -> Iterator[int | None]:
        """Yield the key frames to start decoding from, the nearest first; the start (None) last."""
        if not self.counted:
            at = bisect_right(self.keys, number)
            for key in reversed(self.keys[max(at - 2, 0) : at]):
                if key > 0:
                    yield key
        yield None


def _shown(index: Index) -> list[Fraction]:
    """Return when each frame is shown by its timestamp, in seconds from zero."""
    base, zero = index.time_base, index.zero
    # In whole numbers of one unit, since fractions take six times as long.
    unit = lcm(base.denominator, zero.denominator)
    scale = base.numerator * unit // base.denominator
    start = zero.numerator * unit // zero.denominator
    bounds = [(0, 0), *index.moves, (len(index.pts), 0)]
    return [
        Fraction((pts + units) * scale - start, unit)
        for (first, units), (last, _) in pairwise(bounds)
        for pts in index.pts[first:last]
    ]


def _space_evenly(
    times: list[Fraction], ranges: tuple[tuple[int, int], ...]
) -> tuple[Fraction, ...]:
    """Space ranges of frames `FILM` apart, each from its first frame on."""
    for first, last in ranges:
        times[first:last] = [times[first] + number * FILM for number in range(last - first)]
    return tuple(times)


def make_index(path: Path, wanted: int | None, scan: str) -> Index:
    """Find every frame of a stream.

    Raises:
        VideoOpenError: the file cannot be read, or has no frame that can be decoded.
    """
    check_film(path, wanted)
    packets, clock = read_packets(path, wanted), EVEN
    if packets.jumps:
        clock = find_clock(path)
        packets = read_packets(path, wanted, clock)
    large = len(packets.stamps) * packets.pixels >= SMALL
    if packets.reliable and (scan == "packets" or (scan == "auto" and large)):
        index = _index_packets(packets, clock)
        if seeking_is_exact(path, wanted, index.pts, index.keys, packets.pixels):
            return index
    return _scan_frames(path, wanted, packets, clock)


def index_own(path: Path) -> Index:
    """Take the timeline of a file that this package wrote from its packets.

    Nothing in it has to be doubted, and it is read often: a saved stage is made of such files.
    """
    return _index_packets(read_packets(path, None), EVEN)


def _index_packets(packets: Packets, clock: Clock) -> Index:
    """Take the timeline from the packets."""
    pts = sorted(packets.stamps)
    end = max(pts[-1] + (packets.durations[pts[-1]] or packets.step), packets.until)
    keys = [number for number, stamp in enumerate(pts) if stamp in packets.keys]
    return _build(pts, keys, end, packets, notes=[*clock.notes, *_note_empty(packets.empty)])


def _build(
    pts: list[int],
    keys: Sequence[int],
    end: int,
    packets: Packets,
    counted: bool = False,
    damaged: bool = False,
    notes: Sequence[str] = (),
) -> Index:
    """Return the index of frames with these timestamps, of which the last is shown until `end`."""
    base, zero = packets.base, packets.zero
    raw, moves = pts, []
    if packets.raw and not counted:
        raw = [packets.raw.get(stamp, stamp) for stamp in pts]
        units = [stamp - own for stamp, own in zip(pts, raw, strict=True)]
        moves = [(n, b) for n, (a, b) in enumerate(pairwise([0, *units])) if a != b]
    pulldown = find_pulldown(np.array(pts) * float(base))
    finish = end * base - zero
    if pulldown:
        evened = sum(last - first for first, last in pulldown)
        notes = [
            *notes,
            f"{evened} of {len(pts)} frames were stored for television with 3 and 2 "
            f"fields in turn (soft telecine); they are spaced evenly, {float(FILM):.4f} s apart",
        ]
    index = Index(
        tuple(raw),
        tuple(keys),
        base,
        finish,
        counted,
        damaged,
        tuple(notes),
        zero,
        tuple(moves),
        pulldown,
    )
    if pulldown and pulldown[-1][1] == len(pts):
        return replace(index, end=index.times[-1] + FILM)
    return index


def _scan_frames(path: Path, wanted: int | None, packets: Packets, clock: Clock) -> Index:
    """Decode everything once to find the timeline.

    In one thread, because with several a decoder does not report damaged pictures reliably.
    """
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        found: list[tuple[int | None, int | None]] = []
        digests: Digests = {}
        damage = Damage()
        last_duration = 0
        frames = decode(container, stream, threads=False, damage=damage, clock=clock)
        with closing(frames):
            for number, frame in enumerate(frames):
                found.append((frame.pts, frame.dts))
                last_duration = frame.duration or 0
                if frame.key_frame:
                    digests[number] = digest(frame)
        if not found:
            raise no_frames(container, stream)
        pts, usable, notes = make_timeline(found, stream)
        step = usual_step(pts, stream)
        end = max(pts[-1] + (last_duration or step), packets.until)
        notes += [*clock.notes, *_note_empty(packets.empty)]
        if not clock.breaks:
            least = Fraction(0) if damage.faults else step * packets.base
            span = pts[0] * packets.base, end * packets.base
            notes += _note_missing(container, stream, len(pts), packets.empty, *span, least)
    counted = not usable or not packets.seekable
    index = _build(pts, (), end, packets, counted, damage.faults > 0)
    keys = ()
    if not counted:
        keys, more = find_entries(path, wanted, index.pts, digests, damage)
        notes += more
    if damage.faults:
        notes.append(
            f"the file is damaged ({damage.faults} packets or pictures); damaged pictures are "
            "shown as far as the decoder can"
        )
    return replace(index, keys=tuple(keys), notes=(*notes, *index.notes))


def _note_empty(count: int) -> list[str]:
    """Note the pictures that were not taken."""
    if not count:
        return []
    return [
        f"{count} pictures were not taken (their packets are empty); the one before each is shown "
        "longer"
    ]


def _note_missing(
    container: InputContainer,
    stream: VideoStream,
    frames: int,
    empty: int,
    start: Fraction,
    end: Fraction,
    least: Fraction,
) -> list[str]:
    """Note how much of an incomplete file could be read.

    Args:
        empty: the number of pictures that were not taken.
        least: a shorter difference in seconds is no sign of missing frames, since an edit list
            hides some of the frames that the file counts.
    """
    from av.format import Flags

    stated, own = _stated_duration(container, stream, start)
    seconds = end - start
    guessed = container.format.flags & Flags.ts_discont.value
    missing = stated - seconds
    if stream.frames > frames + empty and missing >= least:
        whole = f"{stream.frames} frames ({float(stated):.1f} s)"
    elif not guessed and missing > (min(1, stated / 10) if own else max(1, stated / 20)):
        whole = f"{float(stated):.1f} s"
    else:
        return []
    return [
        f"the file should have {whole}, but only {frames} frames ({float(seconds):.1f} s) can be "
        "read; it is incomplete or damaged, and the rest is lost"
    ]


def _stated_duration(
    container: InputContainer, stream: VideoStream, start: Fraction
) -> tuple[Fraction, bool]:
    """Return the duration that the file states, and whether it is that of the video stream."""
    if stream.duration:
        return stream.duration * Fraction(stream.time_base), True  # type: ignore[arg-type]
    try:
        # Matroska files state the end of a track: "00:01:02.500000000".
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        end, own = Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds), True
    except (KeyError, ValueError):
        end, own = Fraction(container.duration or 0, 1_000_000), False
    return end - max(start, Fraction(0)), own

"""Where every frame of a video file is, known before its pictures are wanted.

The container is asked first, and where its answer looks wrong, or the film is small, everything is
decoded once and the decoder's answer wins.
"""

from __future__ import annotations

import os
import zlib
from bisect import bisect_right
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from helpers.errors import VideoOpenError

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

ALLOWED = "Allowed is any video that ffmpeg reads (mp4, mkv, mov, avi, webm, mpg, gif ...)"

SMALL = 3_000_000_000
"""Pixels in a whole film below which it is always decoded once: some ten seconds of work."""


@dataclass(frozen=True)
class Index:
    """Where every frame of a stream is.

    Attributes:
        pts: presentation timestamps in units of `time_base`, strictly rising.
        keys: numbers of the frames at which decoding can start.
        time_base: seconds a unit.
        end: when the last frame stops being shown, in seconds.
        counted: true when frames have no usable timestamps of their own and can only be counted
            from the start.
        damaged: true when some packets cannot be decoded; such a stream is decoded in one thread,
            because in several it comes out differently every time.
        notes: what was odd, in words.
    """

    pts: tuple[int, ...] = field(repr=False)
    keys: tuple[int, ...] = field(repr=False)
    time_base: Fraction
    end: Fraction
    counted: bool = False
    damaged: bool = False
    notes: tuple[str, ...] = ()

    @cached_property
    def _numbers(self) -> dict[int, int]:
        return {pts: number for number, pts in enumerate(self.pts)}

    def number(self, pts: int | None, count: int) -> int | None:
        """Return the number of the frame with this timestamp, the count-th since the start."""
        if self.counted:
            return count if count < len(self.pts) else None
        return None if pts is None else self._numbers.get(pts)

    def entries(self, number: int) -> Iterator[int | None]:
        """Give where to start decoding for this frame: the best place first, the start last."""
        if not self.counted:
            at = bisect_right(self.keys, number)
            for key in reversed(self.keys[max(at - 2, 0) : at]):
                if key > 0:
                    yield key
        yield None


def open_container(path: Path) -> InputContainer:
    """Open a file for reading, or say in one sentence why not."""
    import av

    if not path.exists():
        raise VideoOpenError(
            f"There is no file {path}. Check the name, or mount the drive it is on."
        )
    if path.is_dir():
        raise VideoOpenError(f"{path} is a folder, not a file. Name the video file inside it.")
    if not os.access(path, os.R_OK):
        raise VideoOpenError(f"{path} may not be read by this user. Change its permissions.")
    if path.stat().st_size == 0:
        raise VideoOpenError(f"{path} is empty (0 bytes). Copy or download it again.")
    try:
        # "file:", because "12:30.mp4" would be taken for the address of a protocol "12".
        container = av.open(f"file:{path}", "r", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if _lacks_moov(path):
            raise VideoOpenError(
                f"{path} is an MP4 that was cut off before the end of its index ('moov'), so "
                "nothing in it can be found. Get the whole file, or repair it with a tool such as "
                "untrunc and a good file from the same camera."
            ) from error
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise VideoOpenError(
            f"{path} is not a video ({reason}). {ALLOWED}; if it is one, it is damaged: copy or "
            "download it again."
        ) from error
    kind = container.format.name
    if kind in {"tty", "image2", "srt", "ass", "webvtt"} or kind.endswith("_pipe"):
        container.close()
        found = "a text" if kind in {"tty", "srt", "ass", "webvtt"} else "a single picture"
        raise VideoOpenError(f"{path} is {found} ({kind}), not a video. {ALLOWED}.")
    return container


def _lacks_moov(path: Path) -> bool:
    """Tell whether a file begins as an MP4 and ends before the index of one is complete."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if at == 0 and kind != b"ftyp":
                return False
            if length == 1:  # a box over 4 GiB has its length behind its name
                length = int.from_bytes(head[8:], "big")
            if kind == b"moov" and at + length <= size:
                return False
            if length < 8:  # this box reaches to the end
                return True
            at += length
    return at > 0


def pick_stream(container: InputContainer, wanted: int | None = None) -> VideoStream:
    """Return the wanted video stream, or the file's default one."""
    from av.stream import Disposition

    name = container.name.removeprefix("file:")
    streams = [s for s in container.streams.video if s.codec_context is not None]
    films = [s for s in streams if not s.disposition & Disposition.attached_pic]
    if not films:
        others = sorted({s.type for s in container.streams if s.type != "video"})
        found = " and ".join(others + ["a cover picture"] * bool(streams)) or "nothing"
        raise VideoOpenError(f"{name} has no video stream, only {found}. {ALLOWED}.")
    if wanted is None:
        defaults = [s for s in films if s.disposition & Disposition.default]
        return (defaults or films)[0]
    if not 0 <= wanted < len(films):
        raise VideoOpenError(
            f"{name} has {len(films)} video streams and no number {wanted}; count them from 0."
        )
    return films[wanted]


@dataclass
class Tally:
    """The damage that was met while decoding.

    Attributes:
        faults: packets and pictures that are damaged.
        suspects: numbers of the frames that came damaged, or came next to a damaged packet.
    """

    faults: int = 0
    suspects: set[int] = field(default_factory=set)

    def fault(self, number: int, reach: int = 0) -> None:
        """Count a fault at a frame, and suspect it and `reach` frames after it."""
        self.faults += 1
        self.suspects.update(range(number, number + reach + 1))


REORDER = 16
"""Frames that a decoder may hold back to put them in order: no codec allows more."""


def decode(
    container: InputContainer,
    stream: VideoStream,
    *,
    threads: bool = True,
    tally: Tally | None = None,
) -> Generator[av.VideoFrame, None, None]:
    """Give every frame the decoder can make; damaged packets are passed over, as players do.

    Args:
        threads: whether the decoder may work on several frames at once.
        tally: what is met is added to it.
    """
    import av

    tally = Tally() if tally is None else tally
    if not stream.codec_context.is_open:
        stream.thread_type = "AUTO" if threads else "NONE"
    packets = container.demux(stream)
    count = 0
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except (av.error.FFmpegError, OSError):
            # The file stops being readable here; what the decoder still holds is asked for.
            tally.fault(count, REORDER)
            packet = None
        last = packet is None or packet.size == 0
        damaged = packet is not None and packet.is_corrupt
        try:
            for frame in stream.decode(packet):
                if frame.is_corrupt:
                    tally.fault(count)
                count += 1
                yield frame
        except av.error.EOFError:
            pass
        except av.error.FFmpegError:
            damaged = True
        if damaged:
            tally.fault(count, REORDER)
        if last:
            return


def make_index(path: Path, wanted: int | None, scan: str) -> Index:
    """Find every frame of a stream.

    Raises:
        VideoOpenError: the file cannot be read, or holds no frame.
    """
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        pixels = stream.width * stream.height
        packets = _scan_packets(container, stream) if scan != "decode" else None
    if packets is None or (scan == "auto" and len(packets.pts) * pixels < SMALL):
        return _scan_frames(path, wanted)
    return packets


def _scan_packets(container: InputContainer, stream: VideoStream) -> Index | None:
    """Read the timeline off the packets; None if they do not tell a straight story."""
    import av

    stamps: list[int] = []
    durations: dict[int, int] = {}
    keys: set[int] = set()
    skipped = 0
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            if packet.pts is None or packet.is_corrupt:
                return None
            if packet.is_discard:
                skipped += 1
                continue
            stamps.append(packet.pts)
            durations[packet.pts] = packet.duration or 0
            if packet.is_keyframe:
                keys.add(packet.pts)
    except (av.error.FFmpegError, OSError):
        return None
    pts = sorted(stamps)
    # Where frames are stored in another order than they are shown in (B-frames), timestamps that
    # rise all the same are not the frames' own: AVI has none.
    made_up = stream.codec_context.has_b_frames and pts == stamps and len(keys) < len(pts)
    # Of what an edit list hides, the demuxer gives only what the decoder needs to have seen.
    whole = stream.frames in (0, len(pts)) or (skipped and stream.frames >= len(pts) + skipped)
    honest = whole and len(durations) == len(pts)
    if not pts or not honest or made_up or not (skipped or pts[0] in keys):
        return None
    numbers = tuple(number for number, at in enumerate(pts) if at in keys)
    base = Fraction(stream.time_base)  # type: ignore[arg-type]
    end = pts[-1] + (durations[pts[-1]] or _step(pts, stream))
    return Index(tuple(pts), numbers, base, end * base)


def _scan_frames(path: Path, wanted: int | None) -> Index:
    """Decode everything once and believe the decoder.

    In one thread, because in several a decoder does not reliably tell which pictures are damaged.
    """
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        found: list[tuple[int | None, int | None]] = []
        keys: dict[int, int] = {}
        tally = Tally()
        last_duration = 0
        with closing(decode(container, stream, threads=False, tally=tally)) as frames:
            for number, frame in enumerate(frames):
                found.append((frame.pts, frame.dts))
                last_duration = frame.duration or 0
                if frame.key_frame:
                    keys[number] = _digest(frame)
        if not found:
            raise no_frames(container, stream)
        pts, straight, notes = _timeline(found, stream)
        base = Fraction(stream.time_base)  # type: ignore[arg-type]
        step = _step(pts, stream) * base
        end = pts[-1] * base + (last_duration * base or step)
        notes += _shortfall(
            container, stream, len(pts), pts[0] * base, end, Fraction(0) if tally.faults else step
        )
        entries = list(keys)
        if tally.faults:
            notes.append(
                f"it is damaged ({tally.faults} packets or pictures); there the decoder shows what "
                "it can"
            )
            sound = _sound_keys(entries, len(pts), tally.suspects)
            entries = _reached(container, stream, {pts[key]: key for key in sound}, keys)
    damaged = tally.faults > 0
    return Index(tuple(pts), tuple(entries), base, end, not straight, damaged, tuple(notes))


def _digest(frame: av.VideoFrame) -> int:
    """Return a number that differs where pictures do."""
    return zlib.crc32(frame.planes[0])  # type: ignore[arg-type]


def _reached(
    container: InputContainer, stream: VideoStream, numbers: dict[int, int], digests: dict[int, int]
) -> list[int]:
    """Return the key frames that seeking to them finds.

    In a damaged AVI, counting from the start gives other timestamps than jumping to the middle.

    Args:
        numbers: the key frames' numbers by their timestamps.
        digests: their pictures' digests.
    """
    reached = []
    for pts, number in numbers.items():
        try:
            container.seek(pts, stream=stream, backward=True)
        except OSError:  # a file that cannot be sought in
            return []
        with closing(decode(container, stream, threads=False)) as frames:
            for frame in islice(frames, 2 * REORDER):
                if frame.pts == pts:
                    reached += [number] if _digest(frame) == digests[number] else []
                    break
    return reached


def no_frames(container: InputContainer, stream: VideoStream) -> VideoOpenError:
    """Say that nothing of a stream can be decoded."""
    return VideoOpenError(
        f"{container.name.removeprefix('file:')} has a video stream ({stream.codec_context.name}, "
        f"{stream.width}x{stream.height}) but not one frame of it can be decoded; the file is "
        "damaged or cut off. Copy or download it again."
    )


def _sound_keys(keys: list[int], count: int, suspects: set[int]) -> list[int]:
    """Return the key frames from which nothing is damaged until the next.

    A decoder patches damage with pictures that it saw before. Where it starts at an undamaged
    stretch, it has seen the same ones as if it had started at the film's beginning.
    """
    return [
        key
        for key, following in pairwise([*keys, count])
        if suspects.isdisjoint(range(key, following))
    ]


def _timeline(
    found: list[tuple[int | None, int | None]], stream: VideoStream
) -> tuple[list[int], bool, list[str]]:
    """Return rising timestamps, whether they are the frames' own, and what was odd."""
    shown, stored = ([pair[which] for pair in found] for which in (0, 1))
    # ffmpeg's rule: the time of storing counts where the time of showing is wrong more often.
    stamps = stored if _faults(stored) < _faults(shown) else shown
    known = [stamp for stamp in stamps if stamp is not None]
    if stamps is shown and not _faults(shown):
        return known, True, []
    step = _step(known, stream)
    pts, bent = _straighten(stamps, step)
    lost = sum(stamp is None for stamp in shown)
    seconds = float(step * stream.time_base)  # type: ignore[operator]
    notes = []
    if lost or stamps is stored:
        notes.append(
            f"{_faults(shown)} of {len(found)} frames have no usable timestamp; they are placed "
            f"evenly between the others, {seconds:.4f} s apart"
        )
    if bent:
        notes.append(
            f"its clock is set back {bent} times (joined files?); each time the film goes on "
            f"{seconds:.4f} s after the frame before"
        )
    return pts, False, notes


def _faults(stamps: list[int | None]) -> int:
    """Count the timestamps that are missing or do not rise."""
    rising = (b is not None and (a is None or a < b) for a, b in pairwise(stamps))
    return len(stamps) - sum(rising) - (stamps[0] is not None)


def _step(pts: list[int], stream: VideoStream) -> int:
    """Return the usual distance between frames, in the stream's units, at least 1."""
    steps = [b - a for a, b in pairwise(sorted(pts)) if b > a]
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return max(round(median(steps) if steps else 1 / (rate * stream.time_base)), 1)  # type: ignore[operator]


def _straighten(stamps: list[int | None], step: int) -> tuple[list[int], int]:
    """Make timestamps rise and fill in the missing ones; return how often they had gone back."""
    anchors: list[tuple[int, int]] = []  # (frame number, timestamp)
    bent, shift = 0, 0
    for number, stamp in enumerate(stamps):
        if stamp is None:
            continue
        if anchors:
            earlier, at = anchors[-1]
            if stamp + shift < at + number - earlier:
                # The clock was set back: what follows moves along.
                bent += 1
                shift = at + (number - earlier) * step - stamp
        anchors.append((number, stamp + shift))
    first, last = (anchors[0], anchors[-1]) if anchors else ((0, 0), (0, 0))
    pts = [first[1] - (first[0] - number) * step for number in range(first[0] + 1)]
    for (a, start), (b, stop) in pairwise(anchors):
        pts += [start + (stop - start) * (number - a) // (b - a) for number in range(a + 1, b + 1)]
    pts += [last[1] + number * step for number in range(1, len(stamps) - last[0])]
    return pts, bent


def _shortfall(
    container: InputContainer,
    stream: VideoStream,
    frames: int,
    start: Fraction,
    end: Fraction,
    least: Fraction,
) -> list[str]:
    """Say how much of a file that was cut off could be read.

    Args:
        least: seconds that must be missing before frames are missed: an edit list hides some of
            those that the file counts.
    """
    from av.format import Flags

    promised, own = _promise(container, stream, start)
    seconds = end - start
    guessed = container.format.flags & Flags.ts_discont.value
    missing = promised - seconds
    if stream.frames > frames and missing >= least:
        whole = f"{stream.frames} frames ({float(promised):.1f} s)"
    elif not guessed and missing > (min(1, promised / 10) if own else max(1, promised / 20)):
        whole = f"{float(promised):.1f} s"
    else:
        return []
    return [
        f"the file promises {whole} but holds {frames} frames that can be read "
        f"({float(seconds):.1f} s); it was cut off or damaged, and the rest is lost"
    ]


def _promise(
    container: InputContainer, stream: VideoStream, start: Fraction
) -> tuple[Fraction, bool]:
    """Return how many seconds the file claims to have, and whether that is the picture's own."""
    if stream.duration:
        return stream.duration * Fraction(stream.time_base), True  # type: ignore[arg-type]
    try:
        # What Matroska files say of a track: "00:01:02.500000000".
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        end, own = Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds), True
    except (KeyError, ValueError):
        end, own = Fraction(container.duration or 0, 1_000_000), False
    return end - max(start, Fraction(0)), own

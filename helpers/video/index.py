"""Find where every frame of a video file is, before any picture is needed.

The packets of the container are read first. Where they look wrong, or the film is small, everything
is decoded once, and the decoder's answer is used.
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
from helpers.video.colour import colour_state, set_colour_state
from helpers.video.playlists import film_options, refuse_playlist
from helpers.video.refuse import check_kind, encrypted, is_encrypted, is_scrambled, no_decoder

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

ALLOWED = "Any video that ffmpeg can read is supported (mp4, mkv, mov, avi, webm, mpg, gif ...)"

SMALL = 3_000_000_000
"""A film of fewer pixels in all is always decoded once, which takes about ten seconds."""


@dataclass(frozen=True)
class Index:
    """Where every frame of a stream is.

    Attributes:
        pts: presentation timestamps in units of `time_base`, strictly rising.
        keys: numbers of the frames at which decoding can start.
        time_base: seconds in a unit.
        end: when the last frame stops being shown, in seconds.
        counted: true if frames have no usable timestamps and can only be counted from the start.
        damaged: true if some packets cannot be decoded. Such a stream is decoded in one thread,
            because with several the result differs from run to run.
        notes: what was unusual, in words.
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


def open_container(path: Path) -> InputContainer:
    """Open a file for reading.

    Raises:
        VideoOpenError: it is missing, unreadable, or not a video; the message says which.
    """
    import av

    if not path.exists():
        raise VideoOpenError(
            f"There is no file {path}. Check the name, or mount the drive it is on."
        )
    if path.is_dir():
        raise VideoOpenError(f"{path} is a folder. Give the path of the video file inside it.")
    check_kind(path)
    if not os.access(path, os.R_OK):
        raise VideoOpenError(
            f"You do not have permission to read {path}. Change the file's permissions."
        )
    if path.stat().st_size == 0:
        raise VideoOpenError(f"{path} is empty (0 bytes). Copy or download it again.")
    refuse_playlist(path)
    try:
        # With "file:", since ffmpeg would take "12:30.mp4" for an address of the protocol "12".
        container = av.open(f"file:{path}", "r", metadata_errors="replace", options=film_options())
    except (av.error.FFmpegError, OSError, ValueError) as error:
        if _lacks_moov(path):
            raise VideoOpenError(
                f"{path} is an incomplete MP4: it ends before its index ('moov'), so no picture in "
                "it can be found. Get the complete file, or repair this one with a tool such as "
                "untrunc and an undamaged file from the same camera."
            ) from error
        if is_scrambled(path):
            raise encrypted(path) from error
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise VideoOpenError(
            f"{path} cannot be read as a video ({reason}). {ALLOWED}. If it is a video, the file "
            "is damaged: copy or download it again."
        ) from error
    kind = container.format.name
    if kind in {"tty", "image2", "srt", "ass", "webvtt"} or kind.endswith("_pipe"):
        container.close()
        found = "a text file" if kind in {"tty", "srt", "ass", "webvtt"} else "a single picture"
        raise VideoOpenError(f"{path} is {found} ({kind}), not a video. {ALLOWED}.")
    return container


def _lacks_moov(path: Path) -> bool:
    """Tell whether a file begins as an MP4 but ends before its index is complete."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(16)
            length, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if at == 0 and kind != b"ftyp":
                return False
            if length == 1:  # the length of a box over 4 GiB follows its name
                length = int.from_bytes(head[8:], "big")
            if kind == b"moov" and at + length <= size:
                return False
            if length < 8:  # this box reaches to the end of the file
                return True
            at += length
    return at > 0


def pick_stream(container: InputContainer, wanted: int | None = None) -> VideoStream:
    """Return the wanted video stream, counted from 0, or the file's default one.

    Raises:
        VideoOpenError: there is no such stream, or no video stream at all.
    """
    from av.stream import Disposition

    name = container.name.removeprefix("file:")
    streams = [s for s in container.streams.video if s.codec_context is not None]
    films = [s for s in streams if not s.disposition & Disposition.attached_pic]
    if not films:
        if unknown := [s for s in container.streams.video if s.codec_context is None]:
            raise no_decoder(container, unknown[0])
        others = sorted({s.type for s in container.streams if s.type != "video"})
        found = " and ".join(others + ["a cover picture"] * bool(streams)) or "nothing"
        raise VideoOpenError(f"{name} has no video stream, only {found}. Choose a video file.")
    if wanted is None:
        defaults = [s for s in films if s.disposition & Disposition.default]
        return (defaults or films)[0]
    if not 0 <= wanted < len(films):
        raise VideoOpenError(
            f"{name} has no video stream {wanted}. It has {len(films)}, counted from 0: choose one "
            f"from 0 to {len(films) - 1}."
        )
    return films[wanted]


@dataclass
class Damage:
    """The damage found while decoding.

    Attributes:
        faults: number of damaged packets and pictures.
        suspects: numbers of the frames that are damaged or close to a damaged packet.
    """

    faults: int = 0
    suspects: set[int] = field(default_factory=set)

    def add(self, number: int, reach: int = 0) -> None:
        """Count a fault at a frame, and suspect it and the next `reach` frames."""
        self.faults += 1
        self.suspects.update(range(number, number + reach + 1))


REORDER = 16
"""The most frames that a decoder holds back to reorder them, in any codec."""


def decode(
    container: InputContainer,
    stream: VideoStream,
    *,
    threads: bool = True,
    damage: Damage | None = None,
    changing: bool = False,
) -> Generator[av.VideoFrame, None, None]:
    """Yield every frame that can be decoded; damaged packets are skipped, as players do.

    Args:
        threads: whether the decoder may work on several frames at once.
        damage: the damage that is found is added to it.
        changing: whether the colour tags change midway. A decoder keeps those of an earlier part
            for one that states none; here they are forgotten at each key frame, as after seeking.
            Only possible in one thread.
    """
    import av

    damage = Damage() if damage is None else damage
    tags = colour_state(stream.codec_context)
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
            # The rest of the file cannot be read; flush what the decoder still holds.
            damage.add(count, REORDER)
            packet = None
        last = packet is None or packet.size == 0
        damaged = packet is not None and packet.is_corrupt
        if changing and packet is not None and packet.is_keyframe:
            set_colour_state(stream.codec_context, tags)
        try:
            for frame in stream.decode(packet):
                if frame.is_corrupt:
                    damage.add(count)
                count += 1
                yield frame
        except av.error.EOFError:
            pass
        except av.error.FFmpegError:
            damaged = True
        if damaged:
            damage.add(count, REORDER)
        if last:
            return


def check_film(path: Path, wanted: int | None = None) -> None:
    """Raise VideoOpenError if a file holds no film that can be opened; no picture is decoded."""
    with open_container(path) as container:
        if is_encrypted(path, container, pick_stream(container, wanted)):
            raise encrypted(path)


def make_index(path: Path, wanted: int | None, scan: str) -> Index:
    """Find every frame of a stream.

    Raises:
        VideoOpenError: the file cannot be read, or has no frame that can be decoded.
    """
    check_film(path, wanted)
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        pixels = stream.width * stream.height
        packets = _scan_packets(container, stream) if scan != "decode" else None
    if packets is None or (scan == "auto" and len(packets.pts) * pixels < SMALL):
        return _scan_frames(path, wanted)
    return packets


def _scan_packets(container: InputContainer, stream: VideoStream) -> Index | None:
    """Read the timeline from the packets; None if it does not look reliable."""
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
    # With B-frames, the order of storing differs from that of showing. Timestamps that rise all
    # the same were made up by the demuxer, since AVI stores none.
    made_up = stream.codec_context.has_b_frames and pts == stamps and len(keys) < len(pts)
    # Of the frames that an edit list hides, the demuxer returns only those the decoder needs.
    complete = stream.frames in (0, len(pts)) or (skipped and stream.frames >= len(pts) + skipped)
    consistent = complete and len(durations) == len(pts)
    if not pts or not consistent or made_up or not (skipped or pts[0] in keys):
        return None
    numbers = tuple(number for number, at in enumerate(pts) if at in keys)
    base = Fraction(stream.time_base)  # type: ignore[arg-type]
    end = pts[-1] + (durations[pts[-1]] or _usual_step(pts, stream))
    return Index(tuple(pts), numbers, base, end * base)


def _scan_frames(path: Path, wanted: int | None) -> Index:
    """Decode everything once to find the timeline.

    In one thread, because with several a decoder does not report damaged pictures reliably.
    """
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        found: list[tuple[int | None, int | None]] = []
        keys: dict[int, int] = {}
        damage = Damage()
        last_duration = 0
        with closing(decode(container, stream, threads=False, damage=damage)) as frames:
            for number, frame in enumerate(frames):
                found.append((frame.pts, frame.dts))
                last_duration = frame.duration or 0
                if frame.key_frame:
                    keys[number] = _digest(frame)
        if not found:
            raise no_frames(container, stream)
        pts, usable, notes = _make_timeline(found, stream)
        base = Fraction(stream.time_base)  # type: ignore[arg-type]
        step = _usual_step(pts, stream) * base
        end = pts[-1] * base + (last_duration * base or step)
        least = Fraction(0) if damage.faults else step
        notes += _note_missing(container, stream, len(pts), pts[0] * base, end, least)
        entries = list(keys)
        if damage.faults:
            notes.append(
                f"the file is damaged ({damage.faults} packets or pictures); damaged pictures are "
                "shown as far as the decoder can"
            )
            undamaged = _undamaged_keys(entries, len(pts), damage.suspects)
            entries = _seekable_keys(container, stream, {pts[key]: key for key in undamaged}, keys)
    damaged = damage.faults > 0
    return Index(tuple(pts), tuple(entries), base, end, not usable, damaged, tuple(notes))


def _digest(frame: av.VideoFrame) -> int:
    """Return a checksum of a picture's first plane."""
    return zlib.crc32(frame.planes[0])  # type: ignore[arg-type]


def _seekable_keys(
    container: InputContainer, stream: VideoStream, numbers: dict[int, int], digests: dict[int, int]
) -> list[int]:
    """Return the key frames that are found by seeking to their timestamps.

    In a damaged AVI, decoding from the start gives other timestamps than seeking to the middle.

    Args:
        numbers: the key frames' numbers by their timestamps.
        digests: their pictures' digests.
    """
    reached = []
    for pts, number in numbers.items():
        try:
            container.seek(pts, stream=stream, backward=True)
        except OSError:  # ffmpeg cannot seek in this file
            return []
        with closing(decode(container, stream, threads=False)) as frames:
            for frame in islice(frames, 2 * REORDER):
                if frame.pts == pts:
                    reached += [number] if _digest(frame) == digests[number] else []
                    break
    return reached


def no_frames(container: InputContainer, stream: VideoStream) -> VideoOpenError:
    """Return the error that no frame of a stream can be decoded."""
    return VideoOpenError(
        f"{container.name.removeprefix('file:')} has a video stream ({stream.codec_context.name}, "
        f"{stream.width}x{stream.height}), but no frame of it can be decoded. The file is damaged "
        "or incomplete: copy or download it again."
    )


def _undamaged_keys(keys: list[int], count: int, suspects: set[int]) -> list[int]:
    """Return the key frames with no damage before the next key frame.

    A decoder conceals damage with earlier pictures. From a key frame before an undamaged stretch it
    gives the same pictures as from the film's beginning.
    """
    return [
        key
        for key, following in pairwise([*keys, count])
        if suspects.isdisjoint(range(key, following))
    ]


def _make_timeline(
    found: list[tuple[int | None, int | None]], stream: VideoStream
) -> tuple[list[int], bool, list[str]]:
    """Return rising timestamps, whether they are those of the file, and what was unusual.

    Args:
        found: the presentation and the decoding timestamp of each frame.
    """
    shown, stored = ([pair[which] for pair in found] for which in (0, 1))
    # As in ffmpeg: decoding timestamps are used where those of presentation have more faults.
    stamps = stored if _count_faults(stored) < _count_faults(shown) else shown
    known = [stamp for stamp in stamps if stamp is not None]
    if stamps is shown and not _count_faults(shown):
        return known, True, []
    step = _usual_step(known, stream)
    pts, resets = _straighten(stamps, step)
    lost = sum(stamp is None for stamp in shown)
    seconds = float(step * stream.time_base)  # type: ignore[operator]
    notes = []
    if lost or stamps is stored:
        notes.append(
            f"{_count_faults(shown)} of {len(found)} frames have no usable timestamp; they are "
            f"spaced evenly between the others, {seconds:.4f} s apart"
        )
    if resets:
        notes.append(
            f"places where the timestamps go back (joined files?): {resets}; there the film "
            f"continues {seconds:.4f} s after the frame before"
        )
    return pts, False, notes


def _count_faults(stamps: list[int | None]) -> int:
    """Count the timestamps that are missing or do not rise."""
    rising = (b is not None and (a is None or a < b) for a, b in pairwise(stamps))
    return len(stamps) - sum(rising) - (stamps[0] is not None)


def _usual_step(pts: list[int], stream: VideoStream) -> int:
    """Return the usual time between frames, in the stream's units, at least 1."""
    steps = [b - a for a, b in pairwise(sorted(pts)) if b > a]
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return max(round(median(steps) if steps else 1 / (rate * stream.time_base)), 1)  # type: ignore[operator]


def _straighten(stamps: list[int | None], step: int) -> tuple[list[int], int]:
    """Make timestamps rise and fill in the missing ones; also return how often they went back."""
    anchors: list[tuple[int, int]] = []  # (frame number, timestamp)
    resets, shift = 0, 0
    for number, stamp in enumerate(stamps):
        if stamp is None:
            continue
        if anchors:
            earlier, at = anchors[-1]
            if stamp + shift < at + number - earlier:
                # The clock was set back: shift all that follows.
                resets += 1
                shift = at + (number - earlier) * step - stamp
        anchors.append((number, stamp + shift))
    first, last = (anchors[0], anchors[-1]) if anchors else ((0, 0), (0, 0))
    pts = [first[1] - (first[0] - number) * step for number in range(first[0] + 1)]
    for (a, start), (b, stop) in pairwise(anchors):
        pts += [start + (stop - start) * (number - a) // (b - a) for number in range(a + 1, b + 1)]
    pts += [last[1] + number * step for number in range(1, len(stamps) - last[0])]
    return pts, resets


def _note_missing(
    container: InputContainer,
    stream: VideoStream,
    frames: int,
    start: Fraction,
    end: Fraction,
    least: Fraction,
) -> list[str]:
    """Note how much of an incomplete file could be read.

    Args:
        least: a shorter difference in seconds is no sign of missing frames, since an edit list
            hides some of the frames that the file counts.
    """
    from av.format import Flags

    stated, own = _stated_duration(container, stream, start)
    seconds = end - start
    guessed = container.format.flags & Flags.ts_discont.value
    missing = stated - seconds
    if stream.frames > frames and missing >= least:
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

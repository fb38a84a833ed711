"""What a video file holds, found before its pictures are wanted: timeline, colours, fields.

Two questions are answered here for `video.py`. Where is every frame (`make_index`)? The container
is asked first, and where its answer looks wrong, or the film is small, everything is decoded once
and the decoder's answer wins. What do the pictures look like (`inspect`)? Some are decoded and
looked at, because flags lie.
"""

from __future__ import annotations

import os
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

import numpy as np

from helpers.clip import ClipInfo, ColourTags
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
            because a frame-threaded decoder loses good frames beside the bad ones.
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


@dataclass(frozen=True)
class Look:
    """What some pictures of the file look like."""

    info: ClipInfo
    rotation: int  # degrees counter-clockwise to turn a decoded picture upright
    notes: tuple[str, ...]


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
        container = av.open(str(path), "r", metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        head = path.open("rb").read(64 * 1024)
        if b"ftyp" in head[:16] and b"moov" not in head:
            raise VideoOpenError(
                f"{path} is an MP4 that was cut off before its index was written (no 'moov'), so "
                "nothing in it can be found. Get the whole file, or repair it with a tool such as "
                "untrunc and a good file from the same camera."
            ) from error
        reason = str(error).split("]")[-1].strip().rstrip(".") or type(error).__name__
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


def pick_stream(container: InputContainer, wanted: int | None = None) -> VideoStream:
    """Return the wanted video stream, or the file's default one."""
    from av.stream import Disposition

    name = container.name
    streams = [s for s in container.streams.video if s.codec_context is not None]
    films = [s for s in streams if not s.disposition & Disposition.attached_pic]
    if not films:
        others = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
        cover = " and a cover picture" if streams else ""
        raise VideoOpenError(f"{name} has no video stream, only {others}{cover}. {ALLOWED}.")
    if wanted is None:
        defaults = [s for s in films if s.disposition & Disposition.default]
        return (defaults or films)[0]
    if not 0 <= wanted < len(films):
        raise VideoOpenError(
            f"{name} has {len(films)} video streams and no number {wanted}; count them from 0."
        )
    return films[wanted]


def decode(
    container: InputContainer,
    stream: VideoStream,
    *,
    threads: bool = True,
    faults: list[Exception] | None = None,
) -> Generator[av.VideoFrame, None, None]:
    """Give every frame the decoder can make; damaged packets are passed over, as players do.

    Args:
        threads: whether the decoder may work on several frames at once.
        faults: what went wrong is appended to this list.
    """
    import av

    faults = [] if faults is None else faults
    if not stream.codec_context.is_open:
        stream.thread_type = "AUTO" if threads else "SLICE"
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except av.error.FFmpegError as error:
            # The file stops being readable here; what the decoder still holds is asked for.
            faults.append(error)
            packet = None
        last = packet is None or packet.size == 0
        damaged = packet is not None and packet.is_corrupt
        try:
            yield from stream.decode(packet)
        except av.error.EOFError:
            pass
        except (av.error.InvalidDataError, av.error.ArgumentError):
            damaged = True
        if damaged:
            faults.append(av.error.InvalidDataError(0, "a packet cannot be decoded"))
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

    pts: list[int] = []
    keys: set[int] = set()
    last, step = -1, 0
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if packet.pts is None or packet.is_corrupt:
                return None
            pts.append(packet.pts)
            if packet.is_keyframe:
                keys.add(packet.pts)
            if packet.pts > last:
                last, step = packet.pts, packet.duration or 0
    except av.error.FFmpegError:
        return None
    pts.sort()
    honest = stream.frames in (0, len(pts)) and len(set(pts)) == len(pts)
    if not pts or not honest or pts[0] not in keys:
        return None
    numbers = tuple(number for number, at in enumerate(pts) if at in keys)
    base = Fraction(stream.time_base)  # type: ignore[arg-type]
    return Index(tuple(pts), numbers, base, (last + (step or _step(pts, stream))) * base)


def _scan_frames(path: Path, wanted: int | None, threads: bool = True) -> Index:
    """Decode everything once and believe the decoder."""
    with open_container(path) as container:
        index, faults = _count_frames(container, pick_stream(container, wanted), threads)
    if faults and threads:
        return _scan_frames(path, wanted, threads=False)
    return index


def _count_frames(
    container: InputContainer, stream: VideoStream, threads: bool
) -> tuple[Index, list[Exception]]:
    base = Fraction(stream.time_base)  # type: ignore[arg-type]
    found: list[int | None] = []
    keys: list[int] = []
    faults: list[Exception] = []
    last_duration = 0
    with closing(decode(container, stream, threads=threads, faults=faults)) as frames:
        for number, frame in enumerate(frames):
            found.append(frame.pts)
            last_duration = frame.duration or 0
            if frame.key_frame:
                keys.append(number)
    if faults and threads:
        return Index((), (), base, Fraction(0)), faults
    if not found:
        raise VideoOpenError(
            f"{container.name} has a video stream ({stream.codec_context.name}, {stream.width}x"
            f"{stream.height}) but not one frame of it can be decoded; the file is damaged or cut "
            "off. Copy or download it again."
        )
    notes = []
    straight = all(b is not None and a is not None and a < b for a, b in pairwise(found))
    known = [pts for pts in found if pts is not None]
    step = _step(known, stream)
    if straight and found[0] is not None:
        pts = known
    else:
        pts, bent = _straighten(found, step)
        notes.append(
            f"{bent} of {len(found)} frames have no timestamp or one that goes backwards; they "
            f"follow the frame before by {float(step * base):.4f} s"
        )
    end = (pts[-1] + (last_duration or step)) * base
    notes += _shortfall(container, stream, len(pts), end - pts[0] * base)
    if faults:
        notes.append(
            f"{len(faults)} of its packets are damaged; around them the decoder shows what it can"
        )
    index = Index(tuple(pts), tuple(keys), base, end, not straight, bool(faults), tuple(notes))
    return index, faults


def _step(pts: list[int], stream: VideoStream) -> int:
    """Return the usual distance between frames, in the stream's units, at least 1."""
    steps = [b - a for a, b in pairwise(sorted(pts)) if b > a]
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return max(round(median(steps) if steps else 1 / (rate * stream.time_base)), 1)  # type: ignore[operator]


def _straighten(found: list[int | None], step: int) -> tuple[list[int], int]:
    """Make timestamps rise; return them and how many had to be made up or moved."""
    pts: list[int] = []
    bent, shift = 0, 0
    for stamp in found:
        due = pts[-1] + step if pts else 0
        if stamp is None:
            bent += 1
            pts.append(due)
            continue
        if pts and stamp + shift <= pts[-1]:
            # The clock was set back (a joined file, a broken recorder): what follows moves along.
            bent += 1
            shift = due - stamp
        pts.append(stamp + shift)
    return pts, bent


def _shortfall(
    container: InputContainer, stream: VideoStream, frames: int, seconds: Fraction
) -> list[str]:
    """Say how much of a file that was cut off could be read."""
    promised = stream.duration * stream.time_base if stream.duration else None  # type: ignore[operator]
    if promised is None and container.duration:
        promised = Fraction(container.duration, 1_000_000)
    if stream.frames and stream.frames > frames:
        whole = f"{stream.frames} frames"
        whole += f" ({float(promised):.1f} s)" if promised else ""
    elif promised and seconds < promised * Fraction(9, 10) and promised - seconds > 1:
        whole = f"{float(promised):.1f} s"
    else:
        return []
    return [
        f"the file promises {whole} but holds {frames} that can be read ({float(seconds):.1f} s); "
        "it was probably cut off, and the rest is lost"
    ]


def inspect(path: Path, wanted: int | None, index: Index) -> Look:
    """Decode a few stretches of the film and find out what its pictures are like."""
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        pictures = list(_samples(container, stream, index))
        first = pictures[0][0]
        colour, notes = _colour(stream, first)
        rotation = round(first.rotation / 90) * 90 % 360
        flags = _flagged_order(stream, first)
        width, height = first.width, first.height
        sar = Fraction(stream.sample_aspect_ratio or first_sar(stream) or 1)
        field_order, said = _field_order(flags, pictures)
        notes += said
        if rotation % 180:
            width, height, sar = height, width, 1 / sar
        depth = max(c.bits for c in first.format.components)
        info = ClipInfo(
            width=width,
            height=height,
            fps=_average_rate(stream, index),
            sar=sar,
            colour=colour,
            depth=min(depth, 16),
            grey=all(_is_grey(run[0]) for run in pictures),
            field_order=field_order,
        )
        if len(container.streams.video) > 1:
            films = container.streams.video
            notes.append(
                f"it has {len(films)} video streams ("
                + ", ".join(f"{s.width}x{s.height}" for s in films)
                + f"); number {films.index(stream)} is used"
            )
    return Look(info, rotation, tuple(notes))


def first_sar(stream: VideoStream) -> Fraction | None:
    """Return the sample aspect ratio that the codec states, if any."""
    sar = stream.codec_context.sample_aspect_ratio
    return sar if sar else None


def _samples(
    container: InputContainer, stream: VideoStream, index: Index, run: int = 40
) -> Iterator[list[av.VideoFrame]]:
    """Give the film's first frames, and some from its middle and near its end."""
    with closing(decode(container, stream, threads=not index.damaged)) as frames:
        yield list(islice(frames, run))
    if index.counted or len(index.pts) < 4 * run:
        return
    for at in (len(index.pts) // 2, len(index.pts) * 9 // 10):
        key = index.keys[max(bisect_right(index.keys, at) - 1, 0)]
        container.seek(index.pts[key], stream=stream, backward=True)
        with closing(decode(container, stream, threads=not index.damaged)) as frames:
            found = list(islice(frames, run))
        if found:
            yield found


def _average_rate(stream: VideoStream, index: Index) -> Fraction:
    """Return the average frame rate; the stated one where it is the measured one, but rounder."""
    span = index.end - index.pts[0] * index.time_base
    measured = len(index.pts) / span
    stated = stream.average_rate
    if stated and abs(measured / stated - 1) < Fraction(1, 500):
        return Fraction(stated)
    return measured.limit_denominator(100_000)


def _colour(stream: VideoStream, frame: av.VideoFrame) -> tuple[ColourTags, list[str]]:
    """Read the colour tags; guess the matrix by the picture's size where the file is silent."""
    from helpers.video import RGB_FORMATS

    codes = [int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace)]
    primaries, transfer, matrix = (
        names.get(code) for names, code in zip((PRIMARIES, TRANSFERS, MATRICES), codes, strict=True)
    )
    name = frame.format.name
    span = {1: "tv", 2: "pc"}.get(int(frame.color_range)) or ("pc" if "yuvj" in name else "tv")
    if name in RGB_FORMATS:
        return ColourTags(primaries, transfer, "gbr", "pc"), []
    if matrix is None or matrix == "gbr":
        # What players do: high-definition pictures are taken for BT.709, others for BT.601.
        high = frame.width >= 1280 or frame.height > 576
        matrix = "bt709" if high else "smpte170m"
    return ColourTags(primaries, transfer, matrix, span), []


PRIMARIES = {
    1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film",
    9: "bt2020", 11: "smpte431", 12: "smpte432",
}  # fmt: skip
TRANSFERS = {
    1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear",
    13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67",
}  # fmt: skip
MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m",
    9: "bt2020nc", 10: "bt2020c",
}  # fmt: skip
"""ISO/IEC 23091-2 code points and ffmpeg's names for them; 2 (unspecified) is left out."""


def _is_grey(frame: av.VideoFrame) -> bool:
    """Tell whether a picture has no colour beyond what compression adds."""
    image = frame.to_ndarray(format="rgb24").astype(np.int16)
    spread = image.max(axis=2) - image.min(axis=2)
    return bool(spread.mean() < 4 and np.percentile(spread, 99) < 16)


def _flagged_order(stream: VideoStream, frame: av.VideoFrame) -> str:
    """Return the field order that the file states."""
    if frame.interlaced_frame:
        order = getattr(stream.codec_context, "field_order", 0)
        return "bff" if int(order) in (3, 5) else "tff"  # AV_FIELD_BB, AV_FIELD_BT
    return "progressive"


def _field_order(flagged: str, runs: list[list[av.VideoFrame]]) -> tuple[str, list[str]]:
    """Return the field order the pictures show; the flags' where the pictures are unclear.

    Interlaced film is combed wherever something moves, progressive film nowhere. ffmpeg's idet
    tells which field came first, but takes coarse compression blocks for combs, so combs are also
    counted. Still pictures say nothing: only frames about which idet is sure are counted.
    """
    counts = {"tff": 0, "bff": 0, "progressive": 0}
    combs: list[float] = []
    for run in runs:
        for verdict, frame in zip(_idet(run), run, strict=False):
            if verdict in counts:
                counts[verdict] += 1
                combs.append(_combed(frame))
    woven, sure = counts["tff"] + counts["bff"], sum(counts.values())
    if woven >= 5 and woven > sure * 0.3 and np.percentile(combs, 90) > COMBED:
        seen = "tff" if counts["tff"] >= counts["bff"] else "bff"
    elif counts["progressive"] >= 5 and woven < sure * 0.05:
        seen = "progressive"
    else:
        return flagged, []
    if seen == flagged:
        return seen, []
    if "progressive" not in (seen, flagged):
        return seen, ["its flags name the wrong field first; the pictures are believed"]
    word = "progressive" if seen == "progressive" else "interlaced"
    other = "interlaced" if seen == "progressive" else "progressive"
    return seen, [f"it is flagged {other} but its pictures are {word}"]


COMBED = 0.002
"""Part of a picture's blocks combed above which it counts as woven from two fields."""


def _combed(frame: av.VideoFrame, side: int = 16) -> float:
    """Return the part of a picture's blocks in which neighbouring lines differ more than every
    other line does, as only pictures woven from two moments do."""
    luma = frame.to_ndarray(format="gray").astype(np.int16)
    near = np.abs(luma[:-2] - luma[1:-1])
    far = np.abs(luma[:-2] - luma[2:])
    rows, columns = near.shape[0] // side, near.shape[1] // side
    blocks = [
        a[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
        for a in (near, far)
    ]
    return float(((blocks[0] > 1.3 * blocks[1]) & (blocks[0] > 6)).mean())


def _idet(run: list[av.VideoFrame]) -> Iterator[str]:
    """Give idet's verdict on each frame of a run: "tff", "bff", "progressive", "undetermined"."""
    import av
    import av.filter

    if len(run) < 3 or run[0].height < 120:
        return
    graph = av.filter.Graph()
    first = run[0]
    buffer = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=Fraction(1, 1000)
    )
    idet, sink = graph.add("idet"), graph.add("buffersink")
    buffer.link_to(idet)
    idet.link_to(sink)
    graph.configure()
    for frame in [*run, None]:
        graph.push(frame)
        while True:
            try:
                seen = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
            yield seen.metadata.get("lavfi.idet.multiple.current_frame", "undetermined")  # type: ignore[union-attr]

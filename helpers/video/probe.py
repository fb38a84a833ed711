"""What the pictures of a video file are like: size, colours, fields.

Some are decoded and looked at, because flags lie.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import ClipInfo, ColourTags
from helpers.video.index import Index, decode, no_frames, open_container, pick_stream

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream


@dataclass(frozen=True)
class Look:
    """What some pictures of the file look like."""

    info: ClipInfo
    rotation: int  # degrees counter-clockwise to turn a decoded picture upright
    notes: tuple[str, ...]


def inspect(path: Path, wanted: int | None, index: Index) -> Look:
    """Decode a few stretches of the film and find out what its pictures are like."""
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        pictures = list(_samples(container, stream, index))
        if not pictures[0]:
            raise no_frames(container, stream)
        first = pictures[0][0]
        colour = _colour(first)
        rotation = round(first.rotation / 90) * 90 % 360
        flags = _flagged_order(stream, first)
        width, height = first.width, first.height
        sar = Fraction(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
        field_order, notes = _field_order(flags, pictures)
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


def _samples(
    container: InputContainer, stream: VideoStream, index: Index, run: int = 40
) -> Iterator[list[av.VideoFrame]]:
    """Give the film's first frames, and some from its middle and near its end."""
    with closing(decode(container, stream, threads=not index.damaged)) as frames:
        yield list(islice(frames, run))
    if index.counted or not index.keys or len(index.pts) < 4 * run:
        return
    for at in (len(index.pts) // 2, len(index.pts) * 9 // 10):
        key = index.keys[max(bisect_right(index.keys, at) - 1, 0)]
        try:
            container.seek(index.pts[key], stream=stream, backward=True)
        except OSError:  # a file that cannot be sought in
            return
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


def _colour(frame: av.VideoFrame) -> ColourTags:
    """Read the colour tags; guess the matrix by the picture's size where the file is silent."""
    codes = [int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace)]
    primaries, transfer, matrix = (
        names.get(code) for names, code in zip((PRIMARIES, TRANSFERS, MATRICES), codes, strict=True)
    )
    full = "pc" if frame.format.name.startswith("yuvj") else "tv"
    span = {1: "tv", 2: "pc"}.get(int(frame.color_range), full)
    if has_rgb(frame):
        return ColourTags(primaries, transfer, "gbr", "pc")
    if matrix is None or matrix == "gbr":
        # What players do: high-definition pictures are taken for BT.709, others for BT.601.
        high = frame.width >= 1280 or frame.height > 576
        matrix = "bt709" if high else "smpte170m"
    return ColourTags(primaries, transfer, matrix, span)


def has_rgb(frame: av.VideoFrame) -> bool:
    """Tell whether a picture is stored in red, green and blue, not in luma and chroma."""
    return frame.format.is_rgb or frame.format.has_palette


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

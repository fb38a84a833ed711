"""Find the properties of the pictures of a video file: size, colours, field order.

Some frames are decoded and examined, because the flags of a file can be wrong.
"""

from __future__ import annotations

import re
import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing, suppress
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
class PictureInfo:
    """The properties of a file's pictures, found by decoding some of them."""

    info: ClipInfo
    rotation: int  # degrees counter-clockwise to turn a decoded picture upright
    notes: tuple[str, ...]


def probe_pictures(path: Path, wanted: int | None, index: Index) -> PictureInfo:
    """Decode a few stretches of the film to find the properties of its pictures."""
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        pictures = list(_samples(container, stream, index))
        if not pictures[0]:
            raise no_frames(container, stream)
        first = pictures[0][0]
        colour = _read_colour_tags(first)
        rotation = round(first.rotation / 90) * 90 % 360
        flagged = _flagged_order(stream, first)
        width, height = first.width, first.height
        sar = Fraction(stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1)
        field_order, notes = _find_field_order(flagged, pictures)
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
                f"the file has {len(films)} video streams ("
                + ", ".join(f"{s.width}x{s.height}" for s in films)
                + f"); stream {films.index(stream)} (counted from 0) is used"
            )
    return PictureInfo(info, rotation, tuple(notes))


def _samples(
    container: InputContainer, stream: VideoStream, index: Index, run: int = 40
) -> Iterator[list[av.VideoFrame]]:
    """Yield the film's first frames, and some from its middle and near its end."""
    with closing(decode(container, stream, threads=not index.damaged)) as frames:
        yield list(islice(frames, run))
    if index.counted or not index.keys or len(index.pts) < 4 * run:
        return
    for at in (len(index.pts) // 2, len(index.pts) * 9 // 10):
        key = index.keys[max(bisect_right(index.keys, at) - 1, 0)]
        try:
            container.seek(index.pts[key], stream=stream, backward=True)
        except OSError:  # ffmpeg cannot seek in this file
            return
        with closing(decode(container, stream, threads=not index.damaged)) as frames:
            found = list(islice(frames, run))
        if found:
            yield found


def _average_rate(stream: VideoStream, index: Index) -> Fraction:
    """Return the average frame rate: the stated one if the measured one is close to it."""
    span = index.end - index.pts[0] * index.time_base
    measured = len(index.pts) / span
    stated = stream.average_rate
    if stated and abs(measured / stated - 1) < Fraction(1, 500):
        return Fraction(stated)
    return measured.limit_denominator(100_000)


def _read_colour_tags(frame: av.VideoFrame) -> ColourTags:
    """Read the colour tags; guess an untagged matrix from the size of the picture."""
    codes = [int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace)]
    primaries, transfer, matrix = (
        names.get(code) for names, code in zip((PRIMARIES, TRANSFERS, MATRICES), codes, strict=True)
    )
    full = "pc" if frame.format.name.startswith("yuvj") else "tv"
    span = {1: "tv", 2: "pc"}.get(int(frame.color_range), full)
    if has_rgb(frame):
        return ColourTags(primaries, transfer, "gbr", "pc")
    if matrix is None or matrix == "gbr":
        # As players do: BT.709 for high definition, BT.601 for smaller pictures.
        high = frame.width >= 1280 or frame.height > 576
        matrix = "bt709" if high else "smpte170m"
    return ColourTags(primaries, transfer, matrix, span)


def has_rgb(frame: av.VideoFrame) -> bool:
    """Tell whether a picture is stored as red, green and blue, not as luma and chroma."""
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


def _find_field_order(flagged: str, runs: list[list[av.VideoFrame]]) -> tuple[str, list[str]]:
    """Return the field order that the pictures show, or the flagged one where that is unclear.

    Interlaced pictures show combing wherever something moves, progressive pictures do not. ffmpeg's
    idet finds which field came first, but mistakes coarse compression blocks for combing, so
    combing is also measured here. Still pictures show nothing: only frames that idet is sure of are
    counted.
    """
    counts = {"tff": 0, "bff": 0, "progressive": 0}
    combs: list[float] = []
    for run in runs:
        for verdict, frame in zip(_idet(run), run, strict=False):
            if verdict in counts:
                counts[verdict] += 1
                combs.append(_measure_combing(frame))
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
        return seen, ["the field order is flagged wrong; the order that the pictures show is used"]
    word = "progressive" if seen == "progressive" else "interlaced"
    other = "interlaced" if seen == "progressive" else "progressive"
    return seen, [f"the file is flagged {other}, but its pictures are {word}"]


COMBED = 0.002
"""A picture counts as interlaced if a larger share of its blocks shows combing."""


def _measure_combing(frame: av.VideoFrame, side: int = 16) -> float:
    """Return the share of a picture's blocks that show combing.

    There, neighbouring lines differ more than lines two apart: they are from different moments.
    """
    luma = frame.to_ndarray(format="gray").astype(np.int16)
    near = np.abs(luma[:-2] - luma[1:-1])
    far = np.abs(luma[:-2] - luma[2:])
    rows, columns = near.shape[0] // side, near.shape[1] // side
    blocks = [
        a[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
        for a in (near, far)
    ]
    return float(((blocks[0] > 1.3 * blocks[1]) & (blocks[0] > 6)).mean())


IDET = "lavfi.idet.multiple.current_frame"
"""The name under which ffmpeg's idet notes its verdict on a frame."""


def _idet(run: list[av.VideoFrame]) -> list[str]:
    """Return idet's verdict on each frame of a run: tff, bff, progressive or undetermined."""
    if len(run) < 3 or run[0].height < 120:
        return []
    with tempfile.TemporaryDirectory() as folder:
        verdicts = Path(folder, "idet.txt")
        _write_verdicts(run, verdicts)
        return re.findall(rf"{IDET}=(\w+)", verdicts.read_text())


def _write_verdicts(run: list[av.VideoFrame], path: Path) -> None:
    """Have ffmpeg write down what idet notes on each frame.

    PyAV shows it on the frame itself, but only from version 18 on, which Python 3.10 does not have.
    """
    import av
    import av.filter

    graph, first = av.filter.Graph(), run[0]
    buffer = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=Fraction(1, 1000)
    )
    idet, sink = graph.add("idet"), graph.add("buffersink")
    writer = graph.add("metadata", mode="print", key=IDET, file=str(path), direct="1")
    buffer.link_to(idet)
    idet.link_to(writer)
    writer.link_to(sink)
    graph.configure()
    for frame in [*run, None]:
        graph.push(frame)
        with suppress(av.error.BlockingIOError, av.error.EOFError):
            while True:
                graph.pull()

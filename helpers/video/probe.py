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
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.clip import ClipInfo
from helpers.video.changes import describe_changes, find_runs, main_look
from helpers.video.colour import bits_of, clear_reserved_tags, has_alpha, note_unsupported_matrix
from helpers.video.decode import decode, decode_from
from helpers.video.hdr import read_hdr
from helpers.video.index import Index
from helpers.video.open import no_frames, open_container, pick_stream
from helpers.video.orientation import Orientation
from helpers.video.side_data import read_side_data
from helpers.video.telecine import COMBED, is_telecined, measure_combing

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream


@dataclass(frozen=True)
class PictureInfo:
    """The properties of a file's pictures, found by decoding some of them.

    Attributes:
        orientation: what makes a decoded picture upright.
        over_black: whether they are transparent, and are laid over black.
        sars: the sample aspect ratio of each run of pictures of one look; see `reader.VideoClip`.
    """

    info: ClipInfo
    orientation: Orientation
    over_black: bool
    sars: tuple[tuple[int, Fraction], ...]
    notes: tuple[str, ...]


def probe_pictures(path: Path, wanted: int | None, index: Index) -> PictureInfo:
    """Decode a few stretches of the film to find the properties of its pictures."""
    runs = find_runs(path, wanted, index)
    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        pictures = list(_samples(container, stream, index))
        if not pictures[0]:
            raise no_frames(container, stream)
        first = pictures[0][0]
        notes = note_unsupported_matrix(first) + _note_lost(pictures)
        for frame in chain.from_iterable(pictures):
            clear_reserved_tags(frame)
        main = main_look(runs, index.times, index.end)
        orientation = Orientation.of(first)
        over_black, seen = _find_transparency(pictures)
        field_order, found = _find_field_order(_flagged_order(stream, first), pictures)
        fps = _average_rate(stream, index)
        orders = ("tff", "bff") if field_order == "progressive" else (field_order,)
        telecined = len(runs) == 1 and is_telecined(pictures, orders, fps)
        notes += [*orientation.note, *describe_changes(runs, index.times, main), *seen, *found]
        width, height, sar = main.width, main.height, main.sar
        if orientation.rotation % 180:
            width, height, sar = height, width, 1 / sar
        info = ClipInfo(
            width=width,
            height=height,
            fps=fps,
            sar=sar,
            colour=main.colour,
            depth=max([bits_of(first), *(bits_of(run[0]) for run in pictures)]),
            grey=all(_is_grey(run[0]) for run in pictures),
            field_order=field_order,
            telecined=telecined,
            hdr=read_hdr(first),
        )
        notes += _note_streams(container, stream)
    sars = tuple((run.first, run.look.sar) for run in runs) if len(runs) > 1 else ()
    return PictureInfo(info, orientation, over_black, sars, tuple(notes))


LOST = {
    "A53_CC": "the closed captions that are stored inside the pictures",
    "DOVI_METADATA": "the Dolby Vision metadata, which describe each scene of the original",
    "DYNAMIC_HDR_PLUS": "the HDR10+ metadata, which describe each scene of the original",
    "SPHERICAL": "the mark of a spherical (360 degrees) film",
    "STEREO3D": "the mark of a stereoscopic (3D) film",
}
"""What may come with a picture and is not carried into a new one."""


def _note_lost(pictures: list[list[av.VideoFrame]]) -> list[str]:
    """Note what comes with the pictures and is left out of the result."""
    frames = [frame for run in pictures for frame in run]
    return [
        f"not carried into the result: {what}"
        for kind, what in LOST.items()
        if any(_has_mark(frame, kind) for frame in frames)
    ]


def _has_mark(frame: av.VideoFrame, kind: str) -> bool:
    """Tell whether something comes with a picture; "not stereoscopic" is no mark."""
    data = read_side_data(frame, kind)
    return data is not None and (kind != "STEREO3D" or any(data[:4]))


def _note_streams(container: InputContainer, stream: VideoStream) -> list[str]:
    """Note which of several video streams is used; a cover picture is none."""
    from av.stream import Disposition

    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if len(films) < 2:
        return []
    # A stream without a decoder has no size.
    sizes = (f"{s.width}x{s.height}" if s.codec_context else "not decodable" for s in films)
    number = [s.index for s in films].index(stream.index)
    return [
        f"the file has {len(films)} video streams ({', '.join(sizes)}); stream {number} (counted "
        "from 0) is used"
    ]


def _find_transparency(pictures: list[list[av.VideoFrame]]) -> tuple[bool, list[str]]:
    """Tell whether pictures must be laid over black, and note what was found.

    Some writers leave the alpha channel empty. A film whose pictures would all be invisible is
    shown without it.
    """
    if not any(has_alpha(run[0]) for run in pictures):
        return False, []
    alphas = [frame.to_ndarray(format="rgba")[..., 3] for run in pictures for frame in run[::8]]
    if not any(alpha.any() for alpha in alphas):
        return False, ["the pictures have an empty alpha channel, which was ignored"]
    clear = any((alpha < 255).any() for alpha in alphas)
    return True, ["parts of the pictures are transparent; they are laid over black"] * clear


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
        threads = not index.damaged
        frames = decode_from(container, stream, index.pts[key], threads=threads)
        with closing(frames), suppress(OSError):  # ffmpeg cannot seek in this file
            if found := list(islice(frames, run)):
                yield found


def _average_rate(stream: VideoStream, index: Index) -> Fraction:
    """Return the average frame rate: the stated one if the measured one is close to it."""
    span = index.end - index.times[0]
    measured = len(index.pts) / span
    stated = stream.average_rate
    if stated and abs(measured / stated - 1) < Fraction(1, 500):
        return Fraction(stated)
    return measured.limit_denominator(100_000)


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
                combs.append(measure_combing(frame.to_ndarray(format="gray")))
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

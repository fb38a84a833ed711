"""Copy a film whose clock jumps, with timestamps that run on, for programs that read it otherwise.

with even_film(film, folder) as even:    # the film itself, if its clock runs on
    ...
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import VideoWriteError
from helpers.video.clock import Clock, find_clock
from helpers.video.open import demux, open_container

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

FORMATS = {"mpegts": "mpegts", "mpeg": "vob", "flv": "flv", "mov": "mov", "ogg": "ogg"}
"""The formats that hold the tracks of their own kind best; Matroska holds most of the others."""


@contextmanager
def even_film(path: Path, folder: Path) -> Iterator[Path]:
    """Give a film whose clock runs on: the film itself, or a copy that is deleted afterwards.

    Nothing is encoded again. ffmpeg would follow each jump in its own way, and move sound and
    picture apart.

    Args:
        folder: where the copy is made.

    Raises:
        VideoWriteError: the copy cannot be written.
    """
    import av

    clock = find_clock(path)
    if not clock.breaks:
        yield path
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".even") as made:
        copy = Path(made, "film" + path.suffix)
        try:
            _copy(path, copy, clock)
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise VideoWriteError(
                f"The clock of {path.name} jumps, and a copy with an even clock, from which the "
                f"sound is taken, cannot be written ({error}). Check that the disk is not full."
            ) from error
        yield copy


def _copy(path: Path, copy: Path, clock: Clock) -> None:
    """Write the copy in the film's own format, or in another if the film breaks its rules."""

    with open_container(path) as source:
        own = FORMATS.get(source.format.name.split(",")[0], "matroska")
    try:
        _copy_as(own, path, copy, clock)
    except ValueError:  # also some of ffmpeg's errors, such as a header that cannot be written
        _copy_as("nut", path, copy, clock)  # which holds any codec


def _copy_as(form: str, path: Path, copy: Path, clock: Clock) -> None:
    import av

    with open_container(path) as source, av.open(f"file:{copy}", "w", format=form) as target:
        _copy_packets(source, target, clock)


def _copy_packets(source: InputContainer, target: OutputContainer, clock: Clock) -> None:
    streams = {
        stream.index: _add_stream(target, stream)
        for stream in source.streams
        if stream.type in ("video", "audio", "subtitle") and stream.codec_context is not None
    }
    target.metadata.update(source.metadata)
    last: dict[int, int] = {}
    for packet in clock.straighten(demux(source)):
        index = packet.stream_index
        if index in streams and _set_stamps(packet, last.get(index)):
            last[index] = packet.dts  # type: ignore[assignment]
            packet.stream = streams[index]
            target.mux(packet)


def _add_stream(target: OutputContainer, stream: Stream) -> Stream:
    made = target.add_stream_from_template(stream)  # type: ignore[arg-type]
    made.metadata.update(stream.metadata)
    made.time_base = stream.time_base
    return made


def _set_stamps(packet: Packet, last: int | None) -> bool:
    """Make sure that a packet is decoded after the last one; false if it cannot be placed."""
    stamp = packet.pts if packet.dts is None else packet.dts
    if stamp is None or not packet.size:
        return False
    packet.dts = stamp if last is None else max(stamp, last + 1)
    packet.pts = packet.dts if packet.pts is None else max(packet.pts, packet.dts)
    return True

"""Join the parts of a clip that are encoded already, without encoding anything anew.

    parts = Parts((Path("000000.mkv"), Path("000001.mkv")), "libx264")
    splice(parts, Path("silent.mp4"), Timestamps.of(clip))

Every part begins with a key frame and needs nothing of the one before it, and all are encoded
alike, so their packets can follow each other. The result does not depend on when the parts were
made, or on how often the run was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import SilkPurseError, VideoWriteError
from helpers.runtime.storage import sync_file
from helpers.verify.promise import Glimpses
from helpers.video.codecs import CONTAINERS
from helpers.video.encoder import Timestamps, writing_to
from helpers.video.open import demux, open_container
from helpers.video.packets import count_packets

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream


class UnlikePartsError(SilkPurseError):
    """Parts were not encoded alike, so they cannot follow each other in one file."""


@dataclass(frozen=True)
class Parts:
    """The frames of a clip, encoded already.

    Attributes:
        files: files that an `Encoder` wrote as parts; together they hold all frames, in order.
        encoder: ffmpeg's name of the encoder.
        given: what the encoder was given, as far as it was noted.
    """

    files: tuple[Path, ...]
    encoder: str
    given: Glimpses | None = None


def splice(parts: Parts, path: Path, stamps: Timestamps) -> Iterator[int]:
    """Write the pictures of all parts to one file, and yield the number of each when it is written.

    Args:
        path: the file; written in place, so give it a temporary name.
        stamps: the timestamps of the whole clip.

    Raises:
        UnlikePartsError: the parts were not encoded alike.
        VideoWriteError: a part has more or fewer pictures than it should.
    """
    import av

    count = 0
    made = av.open(f"file:{path}", "w", format=CONTAINERS[path.suffix[1:].lower()])
    try:
        for packet in _read(parts, made, stamps):
            with writing_to(path):
                made.mux(packet)
            yield count
            count += 1
    finally:
        with writing_to(path):
            made.close()
    found = count_packets(path)
    if not count == found == len(stamps.pts) - 1:
        raise VideoWriteError(
            f"{path.name} is incomplete: of {len(stamps.pts) - 1} frames, {count} are in the "
            f"segments and {found} in the file. Check that the disk of {path.parent} is not full, "
            "then run it again."
        )
    sync_file(path)


def _read(parts: Parts, made: OutputContainer, stamps: Timestamps) -> Iterator[Packet]:
    """Yield the packets of all parts with their times, for a stream that is added to `made`."""
    stream, first, count = None, None, 0
    for file in parts.files:
        with open_container(file) as part:
            source = part.streams.video[0]
            if stream is None:
                stream, first = made.add_stream_from_template(source), _look(source)
                stream.time_base = stamps.time_base
                stream.codec_context.framerate = stamps.rate  # type: ignore[attr-defined]
            elif _look(source) != first:
                raise UnlikePartsError(f"{file.name} was not encoded as {parts.files[0].name}.")
            packets = [packet for packet in demux(part, source) if packet.size]
            for packet in _number(packets, count, stamps):
                packet.stream = stream
                yield packet
            count += len(packets)


def _look(stream: VideoStream) -> tuple[object, ...]:
    """Return what must be the same in all parts: all that a decoder is set up with."""
    context = stream.codec_context
    return (
        context.name,
        context.width,
        context.height,
        context.pix_fmt,
        bytes(context.extradata or b""),
    )


def _number(packets: list[Packet], first: int, stamps: Timestamps) -> Iterator[Packet]:
    """Give the packets of a part their times.

    Args:
        first: the number of the part's first frame.
    """
    if first + len(packets) > len(stamps.pts) - 1:
        raise VideoWriteError(
            f"The segments hold more than the clip's {len(stamps.pts) - 1} frames. Delete the "
            "project's segments and run it again."
        )
    shown = {pts: number for number, pts in enumerate(sorted(p.pts for p in packets), first)}  # type: ignore[type-var]
    for number, packet in enumerate(packets, first):
        at = shown[packet.pts]
        packet.time_base = stamps.time_base
        packet.pts, packet.dts = stamps.pts[at], stamps.decoding(number)
        packet.duration = stamps.duration(at)
        yield packet

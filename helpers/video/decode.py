"""Decode the frames of a video stream, from its beginning or from a key frame."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from helpers.video.clock import EVEN, Clock
from helpers.video.colour import colour_state, set_colour_state
from helpers.video.open import demux

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream


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
    clock: Clock = EVEN,
) -> Generator[av.VideoFrame, None, None]:
    """Yield every frame that can be decoded; damaged packets are skipped, as players do.

    Args:
        threads: whether the decoder may work on several frames at once.
        damage: the damage that is found is added to it.
        changing: whether the colour tags change midway. A decoder keeps those of an earlier part
            for one that states none; here they are forgotten at each key frame, as after seeking.
            Only possible in one thread.
        clock: corrects the timestamps; only from the beginning of a file.
    """
    import av

    damage = Damage() if damage is None else damage
    tags = colour_state(stream.codec_context)
    _set_threads(stream, threads)
    count = 0

    def lose_rest() -> None:
        damage.add(count, REORDER)

    for packet in feed(container, stream, clock, lose_rest):
        damaged = packet is not None and packet.is_corrupt
        if changing and packet is not None and packet.is_keyframe:
            set_colour_state(stream.codec_context, tags)
        try:
            for frame in stream.decode(packet):
                frame.time_base = stream.time_base  # which PyAV leaves out at the end
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


def decode_from(
    container: InputContainer,
    stream: VideoStream,
    pts: int,
    *,
    threads: bool = True,
    changing: bool = False,
) -> Generator[av.VideoFrame, None, None]:
    """Yield the frames from the last key frame at or before a timestamp on, as `decode` does.

    The decoder sees the stream's first packet before. What stands only there may matter for all
    others: without the version of the encoder, which old x264 writes there, 4:4:4 comes out green.

    Args:
        pts: in the stream's units.
        threads, changing: as in `decode`.

    Raises:
        OSError: ffmpeg cannot seek in this file.
    """
    import av

    _set_threads(stream, threads)
    tags = colour_state(stream.codec_context)
    with suppress(av.error.FFmpegError, OSError, StopIteration):
        stream.decode(next(packet for packet in demux(container, stream) if packet.size))
    if changing:
        set_colour_state(stream.codec_context, tags)
    container.seek(pts, stream=stream, backward=True)
    yield from decode(container, stream, threads=threads, changing=changing)


def _set_threads(stream: VideoStream, threads: bool) -> None:
    if not stream.codec_context.is_open:
        stream.thread_type = "AUTO" if threads else "NONE"


def feed(
    container: InputContainer, stream: Stream, clock: Clock, on_break: Callable[[], object]
) -> Iterator[Packet | None]:
    """Yield the packets for a decoder, and at the end None, for what it still holds back.

    An empty packet is left out. It stands for a picture that was not taken, for which the one
    before it is shown longer, and a decoder would take it for the end of the film.

    Args:
        clock: corrects the timestamps; only from the beginning of a file.
        on_break: called if the rest of the file cannot be read.
    """
    import av

    try:
        for packet in clock.straighten(demux(container, stream)):
            if packet.size:
                yield packet
    except av.error.EOFError:
        pass
    except (av.error.FFmpegError, OSError):
        on_break()
    yield None

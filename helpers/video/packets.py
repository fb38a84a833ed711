"""Read the timestamps of a stream's packets, without decoding them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.errors import VideoOpenError
from helpers.video.breaks import jumps
from helpers.video.clock import EVEN, Clock
from helpers.video.open import demux, open_container, pick_stream, start_of
from helpers.video.timeline import usual_step

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


@dataclass
class Packets:
    """The packets of a video stream; timestamps are in units of `base`.

    Attributes:
        base: seconds in a unit.
        zero: what a player calls 0, in seconds on the file's clock.
        pixels: those of a picture.
        stamps: the presentation timestamps of the pictures, in the order of the file.
        raw: where the clock jumps, the file's own timestamps by the corrected ones.
        durations: how long pictures are shown, by their timestamps.
        step: the usual time between pictures.
        keys: the timestamps of the pictures at which decoding can start.
        empty: the number of pictures that were not taken, for which the packets are empty.
        until: when the last of these stops being shown.
        skipped: the number of pictures that an edit list hides.
        reliable: whether the timeline can be taken from them.
        jumps: whether the decoding timestamps jump.
    """

    base: Fraction
    zero: Fraction
    pixels: int
    stamps: list[int] = field(default_factory=list)
    raw: dict[int, int] = field(default_factory=dict)
    durations: dict[int, int] = field(default_factory=dict)
    step: int = 1
    keys: set[int] = field(default_factory=set)
    empty: int = 0
    until: int = 0
    skipped: int = 0
    reliable: bool = True
    jumps: bool = False

    def add(self, packet: Packet, own: int | None) -> None:
        """Add a packet, whose own timestamp in the file is `own`."""
        pts, duration = packet.pts, packet.duration or 0
        if packet.size == 0:
            self.empty += packet.dts is not None  # and not the end of the file
            self.until = max(self.until, (pts or 0) + duration)
        elif pts is None or own is None or packet.is_corrupt:
            self.reliable = False
        elif packet.is_discard:
            self.skipped += 1
        else:
            self.stamps.append(pts)
            self.durations[pts] = duration
            if own != pts:
                self.raw[pts] = own
            if packet.is_keyframe:
                self.keys.add(pts)

    @property
    def seekable(self) -> bool:
        """Whether the file's own timestamps rise too; where they go back, a seek may go astray."""
        if not self.raw:
            return True
        own = [self.raw.get(stamp, stamp) for stamp in sorted(self.durations)]
        return all(a < b for a, b in pairwise(own))

    def check(self, stream: VideoStream) -> bool:
        """Tell whether the timeline can be taken from them."""
        pts = sorted(self.stamps)
        # With B-frames, the order of storing differs from that of showing. Timestamps that rise all
        # the same were made up by the demuxer, since AVI stores none.
        reordered = stream.codec_context.has_b_frames and len(self.keys) < len(pts)
        made_up = reordered and pts == self.stamps
        # Of the frames that an edit list hides, the demuxer returns only those the decoder needs.
        found = len(pts) + self.empty
        complete = stream.frames in (0, found) or (
            self.skipped and stream.frames >= found + self.skipped
        )
        return bool(
            pts
            and self.reliable
            and complete
            and self.seekable
            and len(self.durations) == len(pts)
            and not made_up
            and (self.skipped or pts[0] in self.keys)
        )


def read_packets(path: Path, wanted: int | None, clock: Clock = EVEN) -> Packets:
    """Read all packets of a stream.

    Args:
        wanted: which stream; see `pick_stream`.
        clock: corrects the timestamps.
    """
    import av

    with open_container(path) as container:
        stream = pick_stream(container, wanted)
        base = Fraction(stream.time_base)  # type: ignore[arg-type]
        packets = Packets(base, start_of(container), stream.width * stream.height)
        decoded: list[int] = []
        own: list[int | None] = []
        try:
            for packet in clock.straighten(_note(demux(container, stream), own)):
                packets.add(packet, own.pop())
                if packet.dts is not None:
                    decoded.append(packet.dts)
        except (av.error.FFmpegError, OSError):
            packets.reliable = False
        packets.step = usual_step(packets.stamps, stream)
        packets.reliable = packets.check(stream)
        packets.jumps = bool(jumps(np.array(decoded) * float(base)).any())
    return packets


def _note(packets: Iterable[Packet], own: list[int | None]) -> Iterator[Packet]:
    """Yield packets, and add their presentation timestamps to a list."""
    for packet in packets:
        own.append(packet.pts)
        yield packet


def count_packets(path: Path, video: int = 0) -> int:
    """Return how many packets of a picture a file holds; 0 if it cannot be read.

    They are counted from the first key frame on, for ffmpeg copies nothing before it, and without
    damaged ones.
    """
    count = 0
    with suppress(VideoOpenError, OSError, LookupError), open_container(path) as container:
        for packet in demux(container, container.streams.video[video]):
            whole = packet.size > 0 and not packet.is_corrupt
            count += whole and bool(count or packet.is_keyframe)
    return count

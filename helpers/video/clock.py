"""One clock for all tracks of a film, also where its timestamps jump.

    clock = find_clock(path)
    for packet in clock.straighten(demux(container)):    # from the beginning of the file
        ...                                               # its timestamps run on without a jump

Recordings that were joined, and recorders whose clock was set, leave a break: from some packet on,
the timestamps of every track continue elsewhere. All tracks are moved by the same time there, so
sound stays with its picture. A track that alone has a gap, such as sound that pauses, is no break.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from helpers.runtime.machine import once_per_file
from helpers.video.breaks import NEAR, find_breaks, jumps, read_tracks
from helpers.video.open import open_container

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet


@dataclass(frozen=True)
class Clock:
    """By how much the timestamps of each stream are moved.

    Attributes:
        breaks: how many breaks there are.
        shifts: for each stream's index, the numbers of the packets from which on its timestamps are
            moved, counted from the beginning of the file, and by how many seconds.
    """

    breaks: int = 0
    shifts: dict[int, tuple[tuple[int, Fraction], ...]] = field(default_factory=dict)

    def straighten(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        """Yield the packets of a file, read from its beginning, with timestamps that run on."""
        if not self.shifts:
            yield from packets
            return
        counts: dict[int, int] = {}
        for packet in packets:
            moves = self.shifts.get(packet.stream_index, ())
            number = counts.get(packet.stream_index, 0)
            counts[packet.stream_index] = number + 1
            if moves:
                _move(packet, number, moves)
            yield packet

    @property
    def notes(self) -> list[str]:
        """What was unusual about the clock, in words."""
        if not self.breaks:
            return []
        return [
            f"places where the clock of the film jumps (joined recordings?): {self.breaks}; "
            "picture and sound go on there without a gap"
        ]


EVEN = Clock()
"""A clock that runs on from beginning to end, as nearly all do."""


def _move(packet: Packet, number: int, moves: tuple[tuple[int, Fraction], ...]) -> None:
    """Move the timestamps of a packet, which is the number-th of its stream."""
    shifts = [Fraction(0), *(shift for _, shift in moves)]
    at = bisect_right(moves, number, key=lambda move: move[0])
    units = [round(shift / packet.time_base) for shift in shifts]
    dts, pts, near = packet.dts, packet.pts, NEAR / packet.time_base
    if dts is not None:
        packet.dts = dts + units[at]
    if pts is not None:
        # A picture may be shown after the break although it is decoded before.
        late = at + 1 if dts is not None and at < len(moves) and abs(pts - dts) > near else at
        packet.pts = pts + units[late]


@once_per_file
def find_clock(path: Path) -> Clock:
    """Read all packets of a file once, and find where its clock jumps.

    A file that was looked at before is not read again.
    """
    from av.format import Flags

    with open_container(path) as container:
        if _is_even(container):
            return EVEN
        tracks = read_tracks(container)
        jumpy = bool(container.format.flags & Flags.ts_discont.value)
    shifts: dict[int, list[tuple[int, Fraction]]] = {track.index: [] for track in tracks}
    breaks = find_breaks(tracks, jumpy)
    for each in breaks:
        shift = each.find_shift()
        for track in tracks:
            number = each.first_packet(track)
            if number is not None:
                shifts[track.index].append((number, shift))
    return Clock(len(breaks), {index: tuple(moves) for index, moves in shifts.items() if moves})


def _is_even(container: InputContainer) -> bool:
    """Tell from the table of all packets, if a file begins with one, that its clock runs on."""
    streams = [*container.streams.video, *container.streams.audio]
    for stream in streams:
        if not 0 < len(stream.index_entries) == stream.frames:
            return False
        stamps = np.array([entry.timestamp for entry in stream.index_entries])
        if jumps(stamps * float(stream.time_base or 1)).any():
            return False
    return True

"""Find the breaks of a film's clock: the places where the timestamps of all its tracks jump."""

from __future__ import annotations

from array import array
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from helpers.video.open import demux

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

BACK = 0.1
"""Seconds by which the decoding timestamps of a track may go back without a break."""

AHEAD = 10
"""Seconds by which they may go ahead; ffmpeg's limit for the same question."""

ALONE = 600
"""Seconds by which they may go ahead in a film of one track, which may show a picture for long."""

NEAR = 5
"""Seconds by which tracks may differ in the same place of a file."""

LAG = 1
"""Seconds for which packets of one track may still come from before a break of another."""

AROUND = 100
"""Packets of a track among which a break is looked for that another track has in this place."""


def jumps(stamps: np.ndarray) -> np.ndarray:
    """Tell where decoding timestamps of a track, (N,) float in seconds, jump as at a break.

    Returns:
        (N,) bool; true for the first packet after a jump.
    """
    steps = np.diff(stamps, prepend=stamps[:1])
    return (steps < -BACK) | (steps > AHEAD)


def read_tracks(container: InputContainer) -> list[Track]:
    """Read the timestamps of all packets of a file, as far as it can be read."""
    import av

    rows = {stream.index: array("q") for stream in container.streams}
    counts = dict.fromkeys(rows, 0)
    try:
        for place, packet in enumerate(demux(container)):
            index, pts, dts = packet.stream_index, packet.pts, packet.dts
            counts[index] += 1
            if dts is not None and not packet.is_discard:
                shown, key = dts if pts is None else pts, packet.is_keyframe
                row = (counts[index] - 1, place, dts, shown, packet.duration or 0, key)
                rows[index].extend(row)
    except (av.error.FFmpegError, OSError):
        pass  # the rest of the file cannot be read, by whatever reads it next either
    return [Track(stream, rows[stream.index]) for stream in container.streams]


class Track:
    """The packets of a stream that have a decoding timestamp.

    Attributes:
        dense: whether it is picture or sound, of which packets come all the time.
        numbers: the number of each packet, counted from the beginning of the file.
        places: how many packets of all streams come before it in the file.
        decoded, shown, ends: when it is decoded and shown, and until when, in units of `base`.
        stamps: when it is decoded, in seconds.
        step: the usual time between packets, in seconds.
        jumps: which packets are the first after a jump of `stamps`.
        begin, shift: the first packet after the last break, and by how many seconds it is moved.
    """

    def __init__(self, stream: Stream, rows: array) -> None:
        from av.stream import Disposition

        table = np.frombuffer(rows, np.int64).reshape(-1, 6)
        self.numbers, self.places, self.decoded, self.shown, durations, self.keys = table.T
        self.index = stream.index
        cover = stream.disposition & Disposition.attached_pic
        self.dense = stream.type in ("video", "audio") and not cover
        self.base = Fraction(stream.time_base or 1)
        self.stamps = self.decoded * float(self.base)
        steps = np.diff(self.stamps)
        self.step = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
        # In an MP4 the last frame before a jump lasts until after it.
        usual = round(self.step / self.base)
        self.ends = self.shown + np.where(durations, np.minimum(durations, 4 * usual), usual)
        self.jumps = self._find_jumps()
        self.begin, self.shift = 0, Fraction(0)

    def _find_jumps(self) -> list[int]:
        """Return which packets are the first after a jump.

        One or two that stand apart, with the rest going on as before, are faults and no jump.
        """
        kept = np.arange(len(self.stamps))
        while True:
            times = self.stamps[kept]
            found = np.flatnonzero(jumps(times))
            # One that stands apart is before a jump back or after a jump ahead.
            back = times[found] < times[found - 1]
            apart = found - back
            if not len(alone := apart[_goes_on(times, apart)]):
                return kept[found].tolist()
            kept = np.delete(kept, alone)

    def stop(self, first: int) -> int:
        """Return where the stretch that holds a packet ends: at a jump, or with the track."""
        return next((jump for jump in self.jumps if jump > first), len(self.stamps))

    def find_overlap(self, first: int) -> Fraction:
        """Return for how many seconds the track before a break runs on after its start."""
        if not self.keys[first]:
            # The pictures around the break belong together; only the order of decoding rises.
            lap = self.decoded[first - 1] - self.decoded[first]
            return (int(lap) + round(self.step / self.base)) * self.base
        early, late = slice(self.begin, first), slice(first, self.stop(first))
        # A picture that is decoded before the break may be shown after it.
        beyond = np.abs(self.shown * float(self.base) - self.stamps) > NEAR
        end = self.ends[early][~beyond[early]].max(initial=self.shown[self.begin])
        starts = np.append(self.shown[early][beyond[early]], self.shown[late][~beyond[late]])
        return (int(end) - int(starts.min(initial=self.shown[first]))) * self.base

    def find_start(self, place: int, time: float) -> int | None:
        """Return the first packet from a place in the file on that is near a time, if any."""
        near = (self.places >= place) & (np.abs(self.stamps - time) <= NEAR)
        return int(near.argmax()) if near.any() else None

    def find_break(self, place: int, time: float) -> int | None:
        """Return which packet around a place in the file begins a stretch near a time.

        It is the one with the most uneven step before it; None if all steps are even.
        """
        at = int(np.searchsorted(self.places, place))
        first, last = max(at - AROUND, 1), min(at + AROUND, len(self.stamps))
        if first >= last:
            return None
        uneven = np.abs(np.diff(self.stamps[first - 1 : last]) - self.step)
        uneven[np.abs(self.stamps[first:last] - time) > NEAR] = 0
        best = int(uneven.argmax())
        return first + best if uneven[best] > max(BACK, self.step) else None


def _goes_on(times: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Tell for some packets whether one of the next two follows the one before as if they were not.

    Args:
        times: (N,) float, seconds.
        apart: (M,) int, numbers of packets.

    Returns:
        (M,) bool.
    """
    before = times[np.maximum(apart - 1, 0), None]
    steps = times[np.minimum(apart[:, None] + (1, 2), len(times) - 1)] - before
    inside = (apart > 0) & (apart < len(times) - 1)
    return inside & ((steps >= -BACK) & (steps <= AHEAD)).any(axis=1)


class Break:
    """A place where the clock jumps.

    Attributes:
        place: how many packets of the file come before it.
        time: the time after it, in seconds.
        firsts: the first packet of each track after it.
    """

    def __init__(self, track: Track, first: int) -> None:
        self.place = int(track.places[first])
        self.before, self.time = track.stamps[first - 1 : first + 1].tolist()
        self.firsts = {track: first}

    def fits(self, track: Track, first: int) -> bool:
        """Tell whether a jump of another track is the same break."""
        return track not in self.firsts and abs(track.stamps[first] - self.time) <= NEAR

    def holds(self, dense: list[Track], least: float) -> bool:
        """Tell whether it is a break of the film, and not a gap in one track while another runs on.

        Args:
            least: the shortest jump ahead that is taken for a break, in seconds.
        """
        for track in dense:
            first = None if track in self.firsts else track.find_break(self.place, self.time)
            if first is not None:
                self.firsts[track] = first
        if 0 < self.time - self.before <= least:
            return False
        return not any(self._runs_on(track) for track in dense if track not in self.firsts)

    def _runs_on(self, track: Track) -> bool:
        """Tell whether a track's timestamps go on regardless."""
        at = int(np.searchsorted(track.places, self.place)) - 1
        if at < 0:
            return False
        start = max((jump for jump in track.jumps if jump <= at), default=0)
        run, rest = (track.stamps[first : track.stop(at)] for first in (start, at))
        if self.time > self.before:
            return bool(((run > self.before + 1) & (run < self.time - 1)).any())
        return bool(rest[-1] - rest[0] > LAG)

    def find_shift(self) -> Fraction:
        """Return by how many seconds all tracks are moved from here on.

        It is the least with which no track goes on before it has ended.
        """
        moves = []
        for track, first in self.firsts.items():
            moves.append(track.shift + track.find_overlap(first))
        for track, first in self.firsts.items():
            track.begin, track.shift = first, max(moves)
        return max(moves)

    def first_packet(self, track: Track) -> int | None:
        """Return the number of a track's first packet after it; None if there is none."""
        first = self.firsts.get(track, track.find_start(self.place, self.time))
        return None if first is None else int(track.numbers[first])


def find_breaks(tracks: list[Track], jumpy: bool) -> list[Break]:
    """Return the places where the clock of a film jumps, in the order of the file.

    Args:
        jumpy: whether this kind of file has a clock that may be set while it runs.
    """
    dense = [track for track in tracks if track.dense and len(track.stamps)]
    least = AHEAD if jumpy or len(dense) > 1 else ALONE
    return [each for each in _find_jumps(dense) if each.holds(dense, least)]


def _find_jumps(dense: list[Track]) -> list[Break]:
    """Return the places where the clock of one track or several jumps."""
    found = sorted(
        (
            (int(track.places[first]), number, first)
            for number, track in enumerate(dense)
            for first in track.jumps
        )
    )
    breaks: list[Break] = []
    for _, number, first in found:
        track = dense[number]
        taken = max((n for n, each in enumerate(breaks) if track in each.firsts), default=-1)
        fitting = [each for each in breaks[taken + 1 :] if each.fits(track, first)]
        if fitting:
            fitting[0].firsts[track] = first
        else:
            breaks.append(Break(track, first))
    return breaks

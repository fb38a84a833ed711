"""Reading sound: every sample of a track, at its exact place on the film's timeline.

sound = read_sound("talk.mp4")  # its first track
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.audio.track import NoSoundError, Sound, SoundError, room_for, scratch
from helpers.video.index import open_container

if TYPE_CHECKING:
    import av

JUMP = Fraction(1, 20)
"""Seconds by which a clock may differ from the count of samples before it is believed: Matroska
counts milliseconds, and some writers round worse."""

RESET = 10
"""Seconds: a longer jump, in a stream whose clock may jump, is a new recording and no pause."""

PACKET = 4096
"""Samples of the longest packet there is."""

LONGEST = 6 * 3600
"""Seconds of silence that are put into a track at most: more is a broken clock."""

LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""ffmpeg's names of the usual places of so many loudspeakers."""


def track_count(path: str | Path) -> int:
    """Return how many sound tracks a file has."""
    with open_container(Path(path)) as container:
        return len(container.streams.audio)


def read_sound(path: str | Path, track: int = 0) -> Sound:
    """Decode a sound track: all of it, gaps filled with silence.

    Damaged stretches are passed over and become silence, so that what follows stays in its place.

    Args:
        track: its number among the file's sound tracks, from 0.

    Raises:
        SoundError: there is no such track, or nothing in it can be decoded.
        VideoOpenError: the file cannot be read.
    """
    path = Path(path)
    with open_container(path) as container:
        streams = container.streams.audio
        if not streams:
            raise NoSoundError(f"{path} has no sound; there is nothing to clean in it.")
        if not 0 <= track < len(streams):
            raise SoundError(
                f"{path} has {len(streams)} sound tracks, 0 to {len(streams) - 1}; "
                f"number {track} was asked for."
            )
        reading = _Reading("ts" in container.format.name or "mpeg" in container.format.name)
        for frame in _decode(container, streams[track], reading):
            reading.add(frame)
        reading.finish(container.format.name, streams[track])
        context = streams[track].codec_context
        codec = context.codec.canonical_name if context is not None else "unknown"
    return reading.sound(path, track, codec)


def _decode(container: Any, stream: Any, reading: _Reading) -> Iterator[av.AudioFrame]:
    """Give every frame that can be decoded."""
    import av

    if stream.codec_context is None:
        return
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError):
            return
        except (av.error.FFmpegError, OSError):
            reading.broken += 1  # the file stops being readable here
            return
        try:
            yield from stream.decode(packet)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            reading.broken += 1


class _Reading:
    """A track on its way from frames to one row of samples for each channel."""

    def __init__(self, jumpy: bool) -> None:
        self.jumpy = jumpy
        self.blocks: list[tuple[int, int, int]] = []  # place, channels, samples of each in the file
        self.rate = self.count = self.broken = self.resets = 0
        self.gaps = Fraction(0)
        self.start: Fraction | None = None
        self.zero = Fraction(0)
        self.layout: str = ""
        self.resampler: Any = None
        self.file = tempfile.TemporaryFile(dir=scratch())  # noqa: SIM115 (closed by `sound`)

    def add(self, frame: av.AudioFrame) -> None:
        """Lay a frame where its timestamp says."""
        if not frame.samples or not frame.sample_rate:
            return
        if not self.rate:
            self.rate, channels = frame.sample_rate, len(frame.layout.channels)
            name = frame.layout.name
            self.layout = str(LAYOUTS.get(channels, name) if "channels" in name else name)
            if channels > 8:
                raise SoundError(f"A track of {channels} channels came; allowed are 1 to 8.")
        self._place(frame)
        for part in self._converted(frame):
            samples = np.nan_to_num(part.to_ndarray()).astype(np.float32, copy=False)
            self.file.write(samples.tobytes())
            self.blocks.append((self.count, *samples.shape))
            self.count += samples.shape[1]

    def _place(self, frame: av.AudioFrame) -> None:
        """Make the next sample's place the one that the timestamp says, if that is later."""
        if frame.pts is None or frame.time_base is None:
            return
        time = frame.pts * Fraction(frame.time_base)
        if self.start is None:
            self.start = self.zero = time - Fraction(self.count, self.rate)
        late = time - self.zero - Fraction(self.count, self.rate)
        if abs(late) <= JUMP:
            return
        if late < 0 or (self.jumpy and late > RESET) or late > LONGEST:
            # A clock that goes back, or is set anew: what follows is heard when the rest is over.
            self.zero = time - Fraction(self.count, self.rate)
            self.resets += 1
            return
        self.gaps += late
        self.count += round(late * self.rate)

    def _converted(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        import av

        wanted = ("fltp", frame.layout.name, frame.sample_rate)
        if self.resampler is None or self.resampler[0] != wanted:
            # A track that changes on its way is made what it was at its beginning.
            layout = self.layout if self.resampler else frame.layout
            made = av.AudioResampler(format="fltp", layout=layout, rate=self.rate)
            self.resampler = (wanted, made)
        frame.pts = None
        return self.resampler[1].resample(frame)

    def finish(self, form: str, stream: Any) -> None:
        """Leave out what an encoder put behind the end to fill its last packet, as players do."""
        if "mov" not in form or not stream.duration or self.start is None or self.resets:
            return
        end = (Fraction(stream.start_time or 0) + stream.duration) * Fraction(stream.time_base)
        said = round((end - self.start) * self.rate)
        if self.count - PACKET <= said < self.count:
            self.count = said

    def sound(self, path: Path, track: int, codec: str) -> Sound:
        """Return the whole track."""
        if not self.blocks:
            raise SoundError(
                f"Nothing of sound track {track + 1} of {path} can be decoded ({codec}); "
                "it is damaged, or of a kind that this ffmpeg does not know."
            )
        samples = room_for(self.blocks[0][1], self.count)
        self.file.seek(0)
        for at, channels, length in self.blocks:
            block = np.frombuffer(self.file.read(channels * length * 4), np.float32)
            block = block.reshape(channels, length)[:, : max(self.count - at, 0)]
            samples[:, at : at + block.shape[1]] = block
        self.file.close()
        notes = []
        if self.broken:
            notes.append(f"{self.broken} damaged packets of its sound were passed over")
        if self.gaps:
            notes.append(f"{float(self.gaps):.2f} s were missing from its sound: silence there")
        if self.resets:
            notes.append(f"the clock of its sound jumps {self.resets} times")
        start = Fraction(0) if self.start is None else self.start
        return Sound(samples, self.rate, start, self.layout, track, codec, tuple(notes))

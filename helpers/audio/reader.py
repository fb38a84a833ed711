"""Read sound: every sample of a track, at its exact place on the film's timeline.

sound = read_sound("talk.mp4")  # its first track
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.audio.track import NoSoundError, Sound, SoundError, allocate, scratch_folder
from helpers.video.index import open_container

if TYPE_CHECKING:
    import av

_JUMP = Fraction(1, 20)
"""Seconds. Timestamps that differ from the count of samples by less are rounding errors: Matroska
counts milliseconds, and some writers round worse."""

_RESET = 10
"""Seconds. In a stream whose clock may jump, a longer jump is a new recording, not a pause."""

_PACKET = 4096
"""Samples of the longest packet in use."""

_LONGEST = 6 * 3600
"""Seconds. A longer gap in the timestamps is a broken clock, and is not filled with silence."""

_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""ffmpeg's name of the usual layout of so many channels."""


def track_count(path: str | Path) -> int:
    """Return how many sound tracks a file has."""
    with open_container(Path(path)) as container:
        return len(container.streams.audio)


def read_sound(path: str | Path, track: int = 0) -> Sound:
    """Decode a sound track: all of it, gaps filled with silence.

    Damaged packets are replaced with silence, so that what follows stays in its place.

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
            raise NoSoundError(f"{path} has no sound track, so there is nothing to clean.")
        if not 0 <= track < len(streams):
            raise SoundError(
                f"{path} has no sound track {track}. It has {len(streams)}, "
                f"numbered 0 to {len(streams) - 1}; choose one of them."
            )
        reading = _Reading("ts" in container.format.name or "mpeg" in container.format.name)
        for frame in _decode(container, streams[track], reading):
            reading.add(frame)
        reading.finish(container.format.name, streams[track])
        context = streams[track].codec_context
        codec = context.codec.canonical_name if context is not None else "unknown"
    return reading.sound(path, track, codec)


def _decode(container: Any, stream: Any, reading: _Reading) -> Iterator[av.AudioFrame]:
    """Yield every frame that can be decoded."""
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
            reading.broken += 1  # the rest of the file cannot be read
            return
        try:
            yield from stream.decode(packet)
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            reading.broken += 1


class _Reading:
    """Collects the decoded frames of a track into one row of samples for each channel."""

    def __init__(self, jumpy: bool) -> None:
        self.jumpy = jumpy
        self.blocks: list[tuple[int, int, int]] = []  # first sample, channels, samples of each
        self.rate = self.count = self.broken = self.resets = 0
        self.gaps = Fraction(0)
        self.start: Fraction | None = None
        self.zero = Fraction(0)
        self.layout: str = ""
        self.resampler: Any = None
        self.file = tempfile.TemporaryFile(dir=scratch_folder())  # noqa: SIM115 (closed by `sound`)

    def add(self, frame: av.AudioFrame) -> None:
        """Add a frame at the place that its timestamp gives."""
        if not frame.samples or not frame.sample_rate:
            return
        if not self.rate:
            self.rate, channels = frame.sample_rate, len(frame.layout.channels)
            name = frame.layout.name
            self.layout = str(_LAYOUTS.get(channels, name) if "channels" in name else name)
            if channels > 8:
                raise SoundError(
                    f"The sound track has {channels} channels; tracks of 1 to 8 can be cleaned."
                )
        self._place(frame)
        for part in self._convert(frame):
            samples = np.nan_to_num(part.to_ndarray()).astype(np.float32, copy=False)
            self.file.write(samples.tobytes())
            self.blocks.append((self.count, *samples.shape))
            self.count += samples.shape[1]

    def _place(self, frame: av.AudioFrame) -> None:
        """Leave a gap before the next sample where the timestamp is later than the count."""
        if frame.pts is None or frame.time_base is None:
            return
        time = frame.pts * Fraction(frame.time_base)
        if self.start is None:
            self.start = self.zero = time - Fraction(self.count, self.rate)
        late = time - self.zero - Fraction(self.count, self.rate)
        if abs(late) <= _JUMP:
            return
        if late < 0 or (self.jumpy and late > _RESET) or late > _LONGEST:
            # The clock went back or was set again: what follows is added right after the rest.
            self.zero = time - Fraction(self.count, self.rate)
            self.resets += 1
            return
        self.gaps += late
        self.count += round(late * self.rate)

    def _convert(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        import av

        wanted = ("fltp", frame.layout.name, frame.sample_rate)
        if self.resampler is None or self.resampler[0] != wanted:
            # A track whose format changes is converted to the format of its beginning.
            layout = self.layout if self.resampler else frame.layout
            made = av.AudioResampler(format="fltp", layout=layout, rate=self.rate)
            self.resampler = (wanted, made)
        frame.pts = None
        return self.resampler[1].resample(frame)

    def finish(self, form: str, stream: Any) -> None:
        """Drop the padding that an encoder added to fill its last packet, as players do."""
        if "mov" not in form or not stream.duration or self.start is None or self.resets:
            return
        end = (Fraction(stream.start_time or 0) + stream.duration) * Fraction(stream.time_base)
        declared = round((end - self.start) * self.rate)
        if self.count - _PACKET <= declared < self.count:
            self.count = declared

    def sound(self, path: Path, track: int, codec: str) -> Sound:
        """Return the whole track."""
        if not self.blocks:
            raise SoundError(
                f"Sound track {track + 1} of {path} cannot be decoded (codec {codec}). It is "
                "damaged, or this build of ffmpeg does not support its codec."
            )
        samples = allocate(self.blocks[0][1], self.count)
        self.file.seek(0)
        for at, channels, length in self.blocks:
            block = np.frombuffer(self.file.read(channels * length * 4), np.float32)
            block = block.reshape(channels, length)[:, : max(self.count - at, 0)]
            samples[:, at : at + block.shape[1]] = block
        self.file.close()
        notes = []
        if self.broken:
            notes.append(f"damaged packets of sound that were skipped: {self.broken}")
        if self.gaps:
            notes.append(
                f"{float(self.gaps):.2f} s of the sound are missing and were filled with silence"
            )
        if self.resets:
            notes.append(f"jumps in the timestamps of the sound: {self.resets}")
        start = Fraction(0) if self.start is None else self.start
        return Sound(samples, self.rate, start, self.layout, track, codec, tuple(notes))

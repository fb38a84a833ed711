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

from helpers.audio.track import (
    NoSoundError,
    Sound,
    SoundError,
    UnreadableSoundError,
    allocate,
    scratch_folder,
)
from helpers.video.clock import Clock, find_clock
from helpers.video.decode import feed
from helpers.video.open import open_container, start_of

if TYPE_CHECKING:
    import av
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_JUMP = Fraction(1, 20)
"""Seconds. Timestamps that differ from the count of samples by less are rounding errors: Matroska
counts milliseconds, and some writers round worse."""

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
    clock = find_clock(path)
    with open_container(path) as container:
        streams = container.streams.audio
        if not streams:
            raise NoSoundError(f"{path} has no sound track, so there is nothing to clean.")
        if not 0 <= track < len(streams):
            raise SoundError(
                f"{path} has no sound track {track}. It has {len(streams)}, "
                f"numbered 0 to {len(streams) - 1}; choose one of them."
            )
        reading = _Reading(start_of(container))
        for frame in _decode(container, streams[track], reading, clock):
            reading.add(frame)
        reading.finish()
        if "mov" in container.format.name and not clock.breaks:
            reading.drop_padding(streams[track])
        context = streams[track].codec_context
        codec = context.codec.canonical_name if context is not None else "unknown"
    return reading.sound(path, track, codec)


def _decode(
    container: InputContainer, stream: AudioStream, reading: _Reading, clock: Clock
) -> Iterator[av.AudioFrame]:
    """Yield every frame that can be decoded."""
    import av

    if stream.codec_context is None:
        return
    for packet in feed(container, stream, clock, reading.break_off):
        try:
            for frame in stream.decode(packet):
                frame.time_base = stream.time_base  # which PyAV leaves out at the end
                yield frame
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            reading.broken += 1


class _Reading:
    """Collects the decoded frames of a track into one row of samples for each channel."""

    def __init__(self, zero: Fraction) -> None:
        self.zero = zero  # what a player calls 0, in seconds on the file's clock
        self.blocks: list[tuple[int, int, int]] = []  # first sample, channels, samples of each
        self.waiting: av.AudioFrame | None = None
        self.rate = self.count = self.length = self.broken = self.resets = 0
        self.gaps = self.overlaps = Fraction(0)
        self.start: Fraction | None = None
        self.origin = Fraction(0)  # when the first sample is heard by the latest timestamps
        self.layout: str = ""
        self.resampler: Any = None
        self.file = tempfile.TemporaryFile(dir=scratch_folder())  # noqa: SIM115 (closed by `sound`)

    def add(self, frame: av.AudioFrame) -> None:
        """Add a frame at the place that its timestamp gives, as soon as the next one is known."""
        if not frame.samples or not frame.sample_rate:
            return
        if not self.rate:
            self._begin(frame)
        if self.waiting is not None:
            self._add(self.waiting, frame)
        self.waiting = frame

    def break_off(self) -> None:
        """Count that the rest of the file cannot be read."""
        self.broken += 1

    def finish(self) -> None:
        """Add the last frame."""
        if self.waiting is not None:
            self._add(self.waiting, None)

    def _begin(self, frame: av.AudioFrame) -> None:
        self.rate, channels = frame.sample_rate, len(frame.layout.channels)
        name = frame.layout.name
        self.layout = str(_LAYOUTS.get(channels, name) if "channels" in name else name)
        if channels > 8:
            raise UnreadableSoundError(
                f"The sound track has {channels} channels; tracks of 1 to 8 can be cleaned."
            )

    def _add(self, frame: av.AudioFrame, following: av.AudioFrame | None) -> None:
        self._place(frame, following)
        for part in self._convert(frame):
            samples = np.nan_to_num(part.to_ndarray()).astype(np.float32, copy=False)
            self.file.write(samples.tobytes())
            self.blocks.append((self.count, *samples.shape))
            self.count += samples.shape[1]
            self.length = max(self.length, self.count)

    def _place(self, frame: av.AudioFrame, following: av.AudioFrame | None) -> None:
        """Move on to the next sample's place where its timestamp differs from the count."""
        late = self._late(frame, self.count)
        if self.start is None and late is not None:
            self.start = self.origin = late
        elif late is None or abs(late) <= _JUMP:
            return
        elif self._fits(following, self.count + frame.samples):
            return  # this timestamp alone is wrong
        elif late > _LONGEST or self.count + late * self.rate < 0:
            # The clock is broken: what follows is added right after the rest.
            self.origin += late
            self.resets += 1
        else:
            self.gaps += max(late, Fraction(0))
            self.overlaps -= min(late, Fraction(0))
            self.count += round(late * self.rate)

    def _late(self, frame: av.AudioFrame, count: int) -> Fraction | None:
        """Return how much later a frame is heard than a sample with this number, in seconds."""
        if frame.pts is None or frame.time_base is None:
            return None
        rate = Fraction(self.rate)
        return frame.pts * Fraction(frame.time_base) - self.origin - count / rate

    def _fits(self, frame: av.AudioFrame | None, count: int) -> bool:
        """Tell whether a frame begins at this sample, by its timestamp."""
        late = None if frame is None else self._late(frame, count)
        return late is not None and abs(late) <= _JUMP

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

    def drop_padding(self, stream: AudioStream) -> None:
        """Drop the padding that an encoder added to fill its last packet, as players do."""
        if not stream.duration or self.start is None or self.resets:
            return
        end = (Fraction(stream.start_time or 0) + stream.duration) * Fraction(stream.time_base)  # type: ignore[arg-type]
        declared = round((end - self.start) * self.rate)
        if self.length - _PACKET <= declared < self.length:
            self.length = declared

    def sound(self, path: Path, track: int, codec: str) -> Sound:
        """Return the whole track."""
        if not self.blocks:
            raise UnreadableSoundError(
                f"Sound track {track + 1} of {path} cannot be decoded (codec {codec}). It is "
                "damaged, or this build of ffmpeg does not support its codec."
            )
        samples = allocate(self.blocks[0][1], self.length)
        self.file.seek(0)
        for at, channels, length in self.blocks:
            block = np.frombuffer(self.file.read(channels * length * 4), np.float32)
            block = block.reshape(channels, length)[:, : max(self.length - at, 0)]
            samples[:, at : at + block.shape[1]] = block
        self.file.close()
        notes = []
        if self.broken:
            notes.append(f"damaged packets of sound that were skipped: {self.broken}")
        if self.gaps:
            notes.append(
                f"{float(self.gaps):.2f} s of the sound are missing and were filled with silence"
            )
        if self.overlaps:
            notes.append(
                f"{float(self.overlaps):.2f} s of the sound are there twice; the second is kept"
            )
        if self.resets:
            notes.append(f"jumps in the timestamps of the sound: {self.resets}")
        start = Fraction(0) if self.start is None else self.start - self.zero
        return Sound(samples, self.rate, start, self.layout, track, codec, tuple(notes))

"""Sound in and out: every sample of a track, at its exact place on the film's timeline.

sound = read_sound("talk.mp4")  # its first track
sound.samples  # (channels, samples) float32
sound.start  # when the first sample is heard, on the timeline that the pictures are on
sound.save("talk.wav")
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpers.errors import SilkPurseError
from helpers.index import open_container
from helpers.runtime import runtime
from helpers.storage import sync_file

if TYPE_CHECKING:
    import av

LARGE = 400_000_000
"""Bytes of samples above which they are kept in a file on the local disk, not in memory."""

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

FORMATS = {
    "wav": ["-c:a", "pcm_f32le", "-rf64", "auto"],
    "flac": ["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
}
"""How sound files are written: nothing is lost in a WAV, and 24 bits are kept in FLAC."""


class SoundError(SilkPurseError):
    """The sound of a film cannot be had, or not be worked on as asked."""


@dataclass(frozen=True, eq=False)
class Sound:
    """A track of sound.

    Attributes:
        samples: (channels, samples) float32, full scale 1; may lie in a file on the disk.
        rate: samples a second.
        start: when the first sample is heard, in seconds on its film's timeline.
        layout: where its loudspeakers are, by ffmpeg's name: "mono", "stereo", "5.1".
        track: its number among the sound tracks of its file, from 0.
        codec: what it was coded with.
        notes: what was odd about it, in words.
    """

    samples: np.ndarray = field(repr=False)
    rate: int
    start: Fraction = Fraction(0)
    layout: str = "mono"
    track: int = 0
    codec: str = "-"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32 or self.rate <= 0:
            raise SoundError(
                f"Sound is (channels, samples) float32; {self.samples.shape} {self.samples.dtype} "
                f"at {self.rate} Hz came."
            )

    def __len__(self) -> int:
        return self.samples.shape[1]

    @property
    def seconds(self) -> Fraction:
        """How long it is."""
        return Fraction(len(self), self.rate)

    @property
    def end(self) -> Fraction:
        """When it is over, in seconds on its film's timeline."""
        return self.start + self.seconds

    @property
    def silent(self) -> bool:
        """Whether nothing in it can be heard: not even the last bit of 16 moves."""
        return not any(np.abs(piece).max(initial=0) > 2e-5 for _, piece in self.pieces())

    def pieces(self, seconds: int = 60) -> Iterator[tuple[int, np.ndarray]]:
        """Give where each stretch begins, and its samples."""
        for start in range(0, len(self), seconds * self.rate):
            yield start, self.samples[:, start : start + seconds * self.rate]

    def cut(self, start: Fraction | float, stop: Fraction | float) -> Sound:
        """Return a stretch, in seconds on its film's timeline, to the nearest sample."""
        first, last = (
            min(max(round((Fraction(time) - self.start) * self.rate), 0), len(self))
            for time in (start, stop)
        )
        at = self.start + Fraction(first, self.rate)
        return replace(self, samples=self.samples[:, first : max(last, first)], start=at)

    def with_samples(self, samples: np.ndarray) -> Sound:
        """Return the same track with other samples, as many as it has."""
        if samples.shape[1] != len(self):
            raise SoundError(f"{samples.shape[1]} samples came for a track of {len(self)}.")
        return replace(self, samples=samples)

    def save(self, path: str | Path) -> Path:
        """Write it as .wav (32 bits floating point) or .flac (24 bits).

        Raises:
            SoundError: the ending is another, or it cannot be written.
        """
        path = Path(path)
        ending = path.suffix[1:].lower()
        if ending not in FORMATS:
            raise SoundError(f"{path.name} must end in .wav or .flac.")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part.{ending}")
        try:
            encode(self.samples, self.rate, [*FORMATS[ending], str(part)])
            sync_file(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def __repr__(self) -> str:
        return (
            f"{float(self.seconds):.2f} s of {self.layout} at {self.rate} Hz, "
            f"from {float(self.start):.3f} s"
        )


def room_for(channels: int, count: int) -> np.ndarray:
    """Return room for samples, (channels, count) float32: in memory, or on the local disk."""
    if channels * count * 4 <= LARGE:
        return np.zeros((channels, count), np.float32)
    runtime().scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=runtime().scratch) as file:
        # The file has no name and goes away with the array. One sample lies beside the next of the
        # same channel, which is what every step reads.
        return np.memmap(file, np.float32, "w+", shape=(channels, count))


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
            raise SoundError(f"{path} has no sound; there is nothing to clean in it.")
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
        self.file = tempfile.TemporaryFile(dir=_scratch())  # noqa: SIM115 (closed by `sound`)

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


def encode(samples: np.ndarray, rate: int, options: list[str]) -> str:
    """Give samples, (C, N) float32, to ffmpeg, piece by piece; return what it said on stderr.

    Args:
        options: what stands after the input, the file to write or "-f null -" at the end.

    Raises:
        SoundError: ffmpeg refuses.
    """
    command = [
        *(runtime().ffmpeg, "-hide_banner", "-nostats", "-y", "-f", "f32le", "-ar", str(rate)),
        *("-ac", str(len(samples)), "-i", "pipe:0", *options),
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said
        )
        assert process.stdin is not None
        try:
            for start in range(0, samples.shape[1], rate * 10):
                piece = samples[:, start : start + rate * 10]
                process.stdin.write(np.ascontiguousarray(piece.T, "<f4").tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # its reason is in what it said
        code = process.wait()
        said.seek(0)
        words = said.read().decode(errors="replace")
    if code:
        raise SoundError(f"ffmpeg refused the sound: {' '.join(words.split())[-300:]}")
    return words


def filtered(samples: np.ndarray, rate: int, filters: str, late: int = 0) -> np.ndarray:
    """Run samples, (C, N), through filters of ffmpeg; as many come back, in the same places.

    Args:
        late: samples by which the filters delay the sound; it is given that much more, and
            what comes first is dropped.

    Raises:
        SoundError: ffmpeg refuses, or gives fewer samples than it should.
    """
    channels, count = samples.shape
    with tempfile.TemporaryDirectory(dir=_scratch()) as folder:
        raw = Path(folder, "sound.raw")
        mode = "reflect" if count > late else "edge"  # a filter's last window likes no silence
        padded = np.pad(samples, ((0, 0), (0, late)), mode) if late else samples
        encode(padded, rate, ["-af", filters, "-ar", str(rate), "-f", "f32le", str(raw)])
        made = np.fromfile(raw, "<f4").reshape(-1, channels).T
    if not late <= made.shape[1] - count <= late + rate:
        raise SoundError(f"ffmpeg's {filters} made {made.shape[1]} of {count + late} samples.")
    return np.ascontiguousarray(made[:, late : late + count])


def _scratch() -> Path:
    runtime().scratch.mkdir(parents=True, exist_ok=True)
    return runtime().scratch


def in_pieces(
    sound: Sound,
    work: Callable[[np.ndarray], np.ndarray],
    seconds: int = 60,
    around: int = 4,
) -> Sound:
    """Work on a track a minute at a time, so that a long film fits into memory.

    Args:
        work: samples, (C, n), to as many samples in the same places. It is given `around` seconds
            more on both sides, and where two stretches meet, one fades into the other.
    """
    total, rate = len(sound), sound.rate
    if total <= (seconds + around) * rate:
        return sound.with_samples(work(np.ascontiguousarray(sound.samples)))
    out = room_for(len(sound.samples), total)
    fade = rate // 20
    for start, piece in sound.pieces(seconds):
        stop = start + piece.shape[1]
        first, last = max(start - around * rate, 0), min(stop + around * rate, total)
        made = work(np.ascontiguousarray(sound.samples[:, first:last]))
        begin = max(start - fade, 0)
        made = made[:, begin - first : stop - first]
        if begin < start:
            ramp = np.linspace(0, 1, fade, dtype=np.float32)
            made[:, :fade] = out[:, begin:start] * (1 - ramp) + made[:, :fade] * ramp
        out[:, begin:stop] = made
    return sound.with_samples(out)


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Return samples, (C, N), at another rate, (C, ceil(N * wanted / rate)), none of them moved."""
    from scipy.signal import resample_poly

    if rate == wanted:
        return samples
    ratio = Fraction(wanted, rate)
    return resample_poly(samples, ratio.numerator, ratio.denominator, axis=1).astype(np.float32)


def at_rate(rate: int, wanted: int, work: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """Make work on samples at one rate into work on samples at another."""

    def made(samples: np.ndarray) -> np.ndarray:
        there = work(resampled(samples, rate, wanted))
        return resampled(there, wanted, rate)[:, : samples.shape[1]]

    return work if rate == wanted else made

"""A track of sound, and what is done with any: pieces, rates, ffmpeg's filters, writing it down.

sound = read_sound("talk.mp4")  # read.py
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

import numpy as np

from helpers.errors import SilkPurseError
from helpers.runtime.machine import runtime
from helpers.runtime.storage import sync_file

LARGE = 400_000_000
"""Bytes of samples above which they are kept in a file on the local disk, not in memory."""

FORMATS = {
    "wav": ["-c:a", "pcm_f32le", "-rf64", "auto"],
    "flac": ["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
}
"""How sound files are written: nothing is lost in a WAV, and 24 bits are kept in FLAC."""


class SoundError(SilkPurseError):
    """The sound of a film cannot be had, or not be worked on as asked."""


class NoSoundError(SoundError):
    """The film has no sound at all."""


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
    with tempfile.TemporaryFile(dir=scratch()) as file:
        # The file has no name and goes away with the array. One sample lies beside the next of the
        # same channel, which is what every step reads.
        return np.memmap(file, np.float32, "w+", shape=(channels, count))


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
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        raw = Path(folder, "sound.raw")
        mode = "reflect" if count > late else "edge"  # a filter's last window likes no silence
        padded = np.pad(samples, ((0, 0), (0, late)), mode) if late else samples
        encode(padded, rate, ["-af", filters, "-ar", str(rate), "-f", "f32le", str(raw)])
        made = np.fromfile(raw, "<f4").reshape(-1, channels).T
    if not late <= made.shape[1] - count <= late + rate:
        raise SoundError(f"ffmpeg's {filters} made {made.shape[1]} of {count + late} samples.")
    return np.ascontiguousarray(made[:, late : late + count])


def scratch() -> Path:
    """Return the folder for work in progress, made if it is not there."""
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

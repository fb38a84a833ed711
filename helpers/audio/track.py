"""A track of sound, and what every method needs: pieces, sample rates, ffmpeg's filters, saving.

sound = read_sound("talk.mp4")  # reader.py
sound.samples  # (channels, samples) float32
sound.start  # when the first sample is heard, on the timeline of the pictures
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
from helpers.runtime.names import part_name
from helpers.runtime.storage import sync_file

_LARGE = 400_000_000
"""Samples of more bytes than this are kept in a file on the local disk, not in memory."""

_FORMATS = {
    "wav": ["-c:a", "pcm_f32le", "-rf64", "auto"],
    "flac": ["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
}
"""ffmpeg's options for sound files: WAV is lossless, FLAC keeps 24 bits."""


class SoundError(SilkPurseError):
    """The sound of a film cannot be read, or cannot be processed as asked."""


class NoSoundError(SoundError):
    """The film has no sound at all."""


class UnreadableSoundError(SoundError):
    """A sound track cannot be decoded, or has more channels than can be cleaned."""


@dataclass(frozen=True, eq=False)
class Sound:
    """A track of sound.

    Attributes:
        samples: (channels, samples) float32, full scale 1; may be a file on the disk.
        rate: samples a second.
        start: when the first sample is heard, in seconds on its film's timeline.
        layout: ffmpeg's name of the channel layout: "mono", "stereo", "5.1".
        track: its number among the sound tracks of its file, from 0.
        codec: the codec it was decoded from.
        notes: what was unusual about it, in words.
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
                f"Sound must be (channels, samples) float32 at a positive rate; "
                f"{self.samples.shape} {self.samples.dtype} at {self.rate} Hz was given."
            )

    def __len__(self) -> int:
        return self.samples.shape[1]

    @property
    def seconds(self) -> Fraction:
        """How long it is."""
        return Fraction(len(self), self.rate)

    @property
    def end(self) -> Fraction:
        """When it ends, in seconds on its film's timeline."""
        return self.start + self.seconds

    @property
    def silent(self) -> bool:
        """Whether every sample is below the last bit of 16-bit sound."""
        return not any(np.abs(piece).max(initial=0) > 2e-5 for _, piece in self.pieces())

    def pieces(self, seconds: int = 60) -> Iterator[tuple[int, np.ndarray]]:
        """Yield the number of each piece's first sample, and its samples."""
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
        """Return the same track with other samples, of the same number."""
        if samples.shape[1] != len(self):
            raise SoundError(
                f"{samples.shape[1]} samples were given for a track of {len(self)} samples; "
                "the numbers must be equal."
            )
        return replace(self, samples=samples)

    def save(self, path: str | Path) -> Path:
        """Write it as .wav (32-bit floating point) or .flac (24 bits).

        Raises:
            SoundError: the file has another ending, or cannot be written.
        """
        path = Path(path)
        ending = path.suffix[1:].lower()
        if ending not in _FORMATS:
            raise SoundError(f"Sound cannot be saved as {path.name}; use .wav or .flac.")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = part_name(path)
        try:
            encode(self.samples, self.rate, [*_FORMATS[ending], str(part)])
            if ending == "wav" and part.stat().st_size < self.samples.nbytes:
                raise SoundError(  # ffmpeg may report success on a full disk
                    f"{path.name} is incomplete. Check that the disk is not full, then run it "
                    "again."
                )
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


def allocate(channels: int, count: int) -> np.ndarray:
    """Return zeros, (channels, count) float32, in memory or, if there are many, on the disk."""
    if channels * count * 4 <= _LARGE:
        return np.zeros((channels, count), np.float32)
    with tempfile.TemporaryFile(dir=scratch_folder()) as file:
        # The file has no name and disappears with the array. The samples of a channel are stored
        # side by side, because every step reads them in that order.
        return np.memmap(file, np.float32, "w+", shape=(channels, count))


def encode(samples: np.ndarray, rate: int, options: list[str]) -> str:
    """Send samples, (C, N) float32, to ffmpeg piece by piece, and return what it wrote to stderr.

    Args:
        options: the arguments after the input; the last is the file to write, or "-f null -".

    Raises:
        SoundError: ffmpeg reports an error.
    """
    command = [
        *(runtime().ffmpeg, "-hide_banner", "-nostats", "-y", "-f", "f32le", "-ar", str(rate)),
        *("-ac", str(len(samples)), "-i", "pipe:0", *options),
    ]
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr
        )
        assert process.stdin is not None
        try:
            for start in range(0, samples.shape[1], rate * 10):
                piece = samples[:, start : start + rate * 10]
                process.stdin.write(np.ascontiguousarray(piece.T, "<f4").tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # the reason is on stderr
        code = process.wait()
        stderr.seek(0)
        words = stderr.read().decode(errors="replace")
    if code:
        raise SoundError(f"ffmpeg could not process the sound: {' '.join(words.split())[-300:]}")
    return words


def run_filters(samples: np.ndarray, rate: int, filters: str, late: int = 0) -> np.ndarray:
    """Run samples, (C, N), through filters of ffmpeg, and return as many, in the same places.

    Args:
        late: the filters' delay in samples. The input is made longer by as much, and the first
            samples of the output are dropped.

    Raises:
        SoundError: ffmpeg reports an error, or returns too few samples.
    """
    channels, count = samples.shape
    with tempfile.TemporaryDirectory(dir=scratch_folder()) as folder:
        raw = Path(folder, "sound.raw")
        mode = "reflect" if count > late else "edge"  # silence would disturb the last window
        padded = np.pad(samples, ((0, 0), (0, late)), mode) if late else samples
        encode(padded, rate, ["-af", filters, "-ar", str(rate), "-f", "f32le", str(raw)])
        found = np.fromfile(raw, "<f4")  # on a full disk it may end anywhere
        made = found[: len(found) // channels * channels].reshape(-1, channels).T
    if not late <= made.shape[1] - count <= late + rate:
        raise SoundError(
            f"ffmpeg's filter {filters} returned {made.shape[1]} samples; {count + late} were "
            "expected. Check that the disk is not full, then run it again."
        )
    return np.ascontiguousarray(made[:, late : late + count])


def scratch_folder() -> Path:
    """Return the folder for work in progress; create it if it does not exist."""
    runtime().scratch.mkdir(parents=True, exist_ok=True)
    return runtime().scratch


def process_in_pieces(
    sound: Sound,
    work: Callable[[np.ndarray], np.ndarray],
    seconds: int = 60,
    around: int = 4,
) -> Sound:
    """Process a track a minute at a time, so that a long film fits into memory.

    Args:
        work: takes samples, (C, n), and returns as many, in the same places. It is given `around`
            seconds more on both sides; where two pieces meet, they are cross-faded.
    """
    total, rate = len(sound), sound.rate
    if total <= (seconds + around) * rate:
        return sound.with_samples(work(np.ascontiguousarray(sound.samples)))
    out = allocate(len(sound.samples), total)
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


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Resample (C, N) to another rate, (C, ceil(N * wanted / rate)), without any delay."""
    from scipy.signal import resample_poly

    if rate == wanted:
        return samples
    ratio = Fraction(wanted, rate)
    return resample_poly(samples, ratio.numerator, ratio.denominator, axis=1).astype(np.float32)


def at_rate(rate: int, wanted: int, work: Callable[[np.ndarray], np.ndarray]) -> Callable:
    """Wrap `work`, which needs samples at the rate `wanted`, for samples at `rate`."""

    def resampled_work(samples: np.ndarray) -> np.ndarray:
        worked = work(resample(samples, rate, wanted))
        return resample(worked, wanted, rate)[:, : samples.shape[1]]

    return work if rate == wanted else resampled_work

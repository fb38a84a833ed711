"""The report that `restore` writes beside its result: what was done, with measurements."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from helpers.clip import Clip
from helpers.errors import ProjectError
from helpers.runtime.names import beside
from helpers.runtime.schema import decode_json
from helpers.runtime.storage import write_atomically
from helpers.video.decode import decode
from helpers.video.open import open_container, pick_stream, start_of

RATE = 16_000
"""Samples a second at which sound is compared; one is a sixteenth of a millisecond."""

LISTEN = 30
"""Seconds of sound that are compared."""


@dataclass(frozen=True)
class Side:
    """One side of the restoration: the source or the result."""

    file: str
    size: str
    frames: int
    fps: float
    seconds: float

    @classmethod
    def of(cls, path: Path, clip: Clip) -> Side:
        """Describe a clip and the file it is in."""
        rate, seconds = round(float(clip.info.fps), 4), round(float(clip.duration), 4)
        return cls(str(path), clip.info.size, len(clip), rate, seconds)


def report_path(output: Path) -> Path:
    """Return the path of the report of a restored film."""
    return beside(output, ".report.json")


@dataclass(frozen=True)
class Report:
    """The record of a restoration.

    Attributes:
        source, result: the film that was read and the film that was written.
        seconds: time spent, by stage.
        models: the names of the models, and the sha256 of their weights.
        recipe: the steps, as in `Clip.recipe`.
        notes: what was unusual or could not be kept unchanged, in words.
        sound_offset_ms: how much later the sound is in the result than in the source, measured by
            comparing the two; None if there is no sound to compare.
        machine: device, precision and encoder.
    """

    source: Side
    result: Side
    seconds: dict[str, float]
    models: dict[str, str]
    recipe: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    sound_offset_ms: float | None = None
    machine: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def read(cls, path: Path) -> Report:
        """Read a report from its file.

        Raises:
            ProjectError: there is no such file, or it is not a report.
        """
        try:
            return decode_json(path.read_bytes(), cls)
        except FileNotFoundError:
            raise ProjectError(
                f"There is no report {path}. `restore` writes one beside its result; check the "
                "path, or restore the film first."
            ) from None
        except OSError as error:
            raise ProjectError(
                f"{path} cannot be read ({error.strerror}). Check the path."
            ) from error
        except ValueError as error:
            raise ProjectError(
                f"{path} is not a report of `restore` ({error}). Restore the film again."
            ) from error

    def write(self, path: Path) -> None:
        """Write the report; the file gets its name when it is complete."""
        write_atomically(path, f"{self.to_json()}\n".encode())

    def summary(self) -> str:
        """Return the report as text: five lines, and one more for every note."""
        a, b = self.source, self.result
        times = ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())
        offset = self.sound_offset_ms
        sound = "no sound to compare" if offset is None else f"{offset:+.2f} ms from the source"
        return "\n".join(
            [
                f"size     {a.size} -> {b.size}",
                f"rate     {a.fps:g} -> {b.fps:g} frames per second",
                f"frames   {a.frames} -> {b.frames} in {b.seconds:.2f} s",
                f"time     {times}",
                f"sound    {sound}",
                *(f"note     {note}" for note in self.notes),
            ]
        )

    __repr__ = summary


def sound_offset_ms(source: Path, result: Path, start: Fraction | None = None) -> float | None:
    """Measure how much later the sound is in the result than in the source.

    Both sounds are read from the time of the first picture on, and the peak of their
    cross-correlation is searched within half a second.

    Args:
        start: the time on the source's timeline that the result's first picture comes from, in
            seconds from what a player calls 0; that of the source's first picture if not given.

    Returns:
        Milliseconds, or None if one of the two has no sound or is silent.
    """
    sounds = [_read_sound(source, start), _read_sound(result, None)]
    if any(sound is None or not np.abs(sound).max(initial=0) > 1e-3 for sound in sounds):
        return None
    one, two = (sound for sound in sounds if sound is not None)
    size = 1 << (len(one) + len(two)).bit_length()
    spectrum = np.fft.rfft(two, size) * np.conj(np.fft.rfft(one, size))
    # Only the phase is used (PHAT), so that re-encoding and hum do not move the peak.
    match = np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-3 * np.abs(spectrum).max()), size)
    reach = RATE // 2
    near = np.concatenate([match[-reach:], match[: reach + 1]])
    return round((int(near.argmax()) - reach) * 1000 / RATE, 3)


def _read_sound(path: Path, start: Fraction | None) -> np.ndarray | None:
    """Return LISTEN seconds of a file's first sound track, (N,) float32 mono at RATE.

    Args:
        start: when they begin, in seconds from what a player calls 0; at the file's first picture
            if not given.
    """
    import av

    start = _find_start(path, start)
    if start is None:
        return None
    out = np.zeros(LISTEN * RATE, np.float32)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with open_container(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        if start > 5:
            with suppress(OSError):  # without seeking, the file is decoded from its beginning
                container.seek(int((start - 2) / stream.time_base), stream=stream)  # type: ignore[operator]
        origin, filled = None, 0
        try:
            for frame in container.decode(stream):
                if frame.pts is None:
                    continue
                if origin is None:
                    origin = round((frame.pts * Fraction(frame.time_base) - start) * RATE)  # type: ignore[operator]
                for part in resampler.resample(frame):
                    samples = part.to_ndarray()[0]
                    at = origin + filled
                    filled += len(samples)
                    _place(out, samples, at)
                if origin + filled >= len(out):
                    break
        except (av.error.FFmpegError, ValueError):
            pass  # a damaged end, or another channel layout: what was decoded before is enough
    return out if filled else None


def _find_start(path: Path, start: Fraction | None) -> Fraction | None:
    """Return a time on the file's own clock: of its first picture if None, which may have none."""
    with open_container(path) as container:
        if start is not None:
            return start + start_of(container)
        first = next(decode(container, pick_stream(container)), None)
        if first is None or first.pts is None:
            return None
        return first.pts * Fraction(first.time_base)  # type: ignore[arg-type]


def _place(out: np.ndarray, samples: np.ndarray, at: int) -> None:
    """Put samples into `out` at an index; what lies outside is dropped."""
    skip = max(-at, 0)
    samples = samples[skip : max(len(out) - at, 0)]
    if len(samples):
        out[at + skip : at + skip + len(samples)] = samples

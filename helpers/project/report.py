"""What was done to a film, measured: the record that `restore` leaves beside its result."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from helpers.clip import Clip
from helpers.errors import ProjectError
from helpers.video.index import decode, open_container, pick_stream

RATE = 16_000
"""Samples a second at which sound is compared: a sixteenth of a millisecond each."""

LISTEN = 30
"""Seconds of sound that are compared."""


@dataclass(frozen=True)
class Side:
    """One side of the restoration: what went in, or what came out."""

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
    """Return where the report of a restored film is."""
    return output.with_name(output.name + ".report.json")


@dataclass(frozen=True)
class Report:
    """The record of a restoration.

    Attributes:
        source, result: what went in and what came out.
        seconds: time spent, by stage.
        models: names and the sha256 of their weights.
        notes: what was found odd or could not be kept as it was, in words.
        sound_offset_ms: how much later the sound comes in the result than in the source, measured
            by comparing the two; None where there is no sound to compare.
        machine: device and precision.
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
        """Read a report that was written.

        Raises:
            ProjectError: it is not there.
        """
        if not path.exists():
            raise ProjectError(f"There is no {path}; `restore` leaves one beside what it writes.")
        values = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name: values[one.name] for one in fields(cls) if one.name in values}
        sides = {name: Side(**values[name]) for name in ("source", "result")}
        return cls(**{**known, **sides})

    def write(self, path: Path) -> None:
        """Write the report, whole or not at all."""
        part = path.with_name(path.name + ".part")
        part.write_text(self.to_json() + "\n", encoding="utf-8")
        part.replace(path)

    def summary(self) -> str:
        """Return five lines for a person, and one for every note."""
        a, b = self.source, self.result
        spent = ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())
        offset = self.sound_offset_ms
        sound = "no sound to compare" if offset is None else f"{offset:+.2f} ms against the source"
        return "\n".join(
            [
                f"size     {a.size} -> {b.size}",
                f"rate     {a.fps:g} -> {b.fps:g} frames a second",
                f"frames   {a.frames} -> {b.frames} in {b.seconds:.2f} s",
                f"spent    {spent}",
                f"sound    {sound}",
                *(f"note     {note}" for note in self.notes),
            ]
        )

    __repr__ = summary


def sound_offset_ms(source: Path, result: Path, start: Fraction | None = None) -> float | None:
    """Measure how much later the sound comes in the result than in the source.

    Both sounds are laid out from the time of the first picture and slid against each other; the
    best fit within half a second counts.

    Args:
        start: where on the source's timeline the result's first picture comes from, in seconds;
            its own first picture if not given.

    Returns:
        Milliseconds, or None if one of them has no sound to hear.
    """
    heard = [_sound(source, start), _sound(result, None)]
    if any(sound is None or not np.abs(sound).max(initial=0) > 1e-3 for sound in heard):
        return None
    one, two = (sound for sound in heard if sound is not None)
    size = 1 << (len(one) + len(two)).bit_length()
    spectrum = np.fft.rfft(two, size) * np.conj(np.fft.rfft(one, size))
    # Only the phase counts, so that re-encoding and a hum do not move the peak.
    match = np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-3 * np.abs(spectrum).max()), size)
    reach = RATE // 2
    near = np.concatenate([match[-reach:], match[: reach + 1]])
    return round((int(near.argmax()) - reach) * 1000 / RATE, 3)


def _sound(path: Path, start: Fraction | None) -> np.ndarray | None:
    """Return a file's first sound track from its first picture on: mono, RATE, float32."""
    import av

    start = _first_picture(path) if start is None else start
    if start is None:
        return None
    out = np.zeros(LISTEN * RATE, np.float32)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with open_container(path) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        if start > 5:
            with suppress(OSError):  # a file that cannot be sought in is heard from its beginning
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
                    _lay(out, samples, at)
                if origin + filled >= len(out):
                    break
        except (av.error.FFmpegError, ValueError):
            pass  # a damaged end, or other channels from here: what was heard before is enough
    return out if filled else None


def _first_picture(path: Path) -> Fraction | None:
    """Return when a file's first picture is shown, if it says."""
    with open_container(path) as container:
        first = next(decode(container, pick_stream(container)), None)
        if first is None or first.pts is None:
            return None
        return first.pts * Fraction(first.time_base)  # type: ignore[arg-type]


def _lay(out: np.ndarray, samples: np.ndarray, at: int) -> None:
    """Put samples into `out` at an index that may lie partly outside."""
    skip = max(-at, 0)
    samples = samples[skip : max(len(out) - at, 0)]
    if len(samples):
        out[at + skip : at + skip + len(samples)] = samples

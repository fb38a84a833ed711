"""Sound from other files: the same recording, cleaned elsewhere, and music for a silent film."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.audio import measures
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound, SoundError, allocate, resample

_COARSE = 8000
"""Samples a second at which the loudness curves of two recordings are compared first."""

_FINE = 16_000
"""Samples a second at which the sound itself is compared next."""

_PROOF = 20
"""Seconds of sound that are compared at the rate FINE."""

_ALIKE = 0.35
"""The correlation (1 is identical) of the loudness curves of two recordings from which they may be
the same. This number and the next were chosen by trial; the films were not noted."""

_CERTAIN = 10.0
"""The peak of the cross-correlation must be this many times its standard deviation."""


def align_file(sound: Sound, path: str | Path) -> tuple[Sound, str]:
    """Align a file of the same recording with a track, and give it the track's start and length.

    The file keeps its own rate and channels. Where it is not as long as the track, the place where
    the two match best is found by cross-correlation: first of their loudness curves, then of the
    sound itself.

    Returns:
        The file's sound in the track's place, and what was done, in words.

    Raises:
        SoundError: the file has no sound, or is not the same recording.
    """
    other = read_sound(path)
    length = math.ceil(sound.seconds * other.rate)
    name = Path(path).name
    if len(other) == length:
        aligned, words = other.samples, f"replaced by {name}, which has the same length"
    else:
        late = _find_offset(sound, other)
        aligned = _shift(other, round(late * other.rate), length)
        seconds = float(other.seconds - sound.seconds)
        words = (
            f"replaced by {name}, which is {abs(seconds):.3f} s "
            f"{'longer' if seconds > 0 else 'shorter'} and was aligned with the track by moving it "
            f"{float(late):+.4f} s"
        )
        drift = _measure_drift(sound, replace(other, samples=aligned, start=sound.start))
        if drift is not None and abs(drift) > 0.02:
            words += f"; at its end it is {drift * 1000:+.0f} ms out of sync"
    return replace(other, samples=aligned, start=sound.start, track=sound.track), words


def _shift(sound: Sound, at: int, length: int) -> np.ndarray:
    """Return samples, (C, length), with the sound's first sample at place `at`."""
    out = allocate(len(sound.samples), length)
    begin, stop = max(at, 0), min(at + len(sound), length)
    if begin < stop:
        out[:, begin:stop] = sound.samples[:, begin - at : stop - at]
    return out


def _find_offset(sound: Sound, other: Sound) -> Fraction:
    """Return by how many seconds another recording begins later than a track.

    Raises:
        SoundError: they are not the same recording.
    """
    one, two = _loudness_curve(sound), _loudness_curve(other)
    match = _correlate(two, one)
    best = int(np.argmax(match))
    rough = best - (len(two) - 1)
    shared = slice(max(rough, 0), min(rough + len(two), len(one)))
    a = one[shared]
    b = two[max(-rough, 0) : max(-rough, 0) + len(a)]
    spread = float(a.std() * b.std())
    alike = float(np.mean((a - a.mean()) * (b - b.mean()))) / spread if spread > 1e-9 else 0.0
    coarse = Fraction(rough) * Fraction(measures.FRAME).limit_denominator(1000)
    loudest = Fraction(_find_loudest(a) + max(rough, 0))
    begin = loudest * Fraction(measures.FRAME).limit_denominator(1000)
    lag = _find_lag(sound, other, sound.start + begin, begin - coarse)
    if alike < _ALIKE or lag is None:
        raise SoundError(
            f"The file cannot be aligned with the track: the track is {float(sound.seconds):.2f} s "
            f"long, the file is {float(other.seconds):.2f} s long, and does not sound like it. "
            "Cut the file to the track's length, or check that it is the same recording."
        )
    return coarse - lag


def _loudness_curve(sound: Sound) -> np.ndarray:
    """Return the level of each measures.FRAME in decibels, (T,), less its mean."""
    parts = []
    for _, piece in sound.pieces():
        mono = piece.mean(0, keepdims=True)
        parts.append(measures.levels(resample(mono, sound.rate, _COARSE), _COARSE, measures.VOICE))
    curve = np.maximum(np.concatenate(parts), -70)
    return curve - curve.mean()


def _correlate(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the full cross-correlation of two curves."""
    from scipy.signal import fftconvolve

    return fftconvolve(two, one[::-1])


def _find_loudest(curve: np.ndarray) -> int:
    """Return where the loudest PROOF seconds begin."""
    size = round(_PROOF / measures.FRAME)
    if len(curve) <= size:
        return 0
    sums = np.cumsum(np.concatenate([[0.0], curve]))
    return int(np.argmax(sums[size:] - sums[:-size]))


def _find_lag(sound: Sound, other: Sound, at: Fraction, there: Fraction) -> Fraction | None:
    """Return by how many seconds a stretch begins later in another sound than expected; None if the
    two do not match.

    Args:
        at: where the stretch begins in the track, on its timeline.
        there: where it is expected to begin in the other sound, from its beginning.
    """
    one = sound.cut(at, at + _PROOF)
    two = other.cut(other.start + there, other.start + there + _PROOF)
    a, b = (
        resample(np.ascontiguousarray(part.samples.mean(0, keepdims=True)), part.rate, _FINE)[0]
        for part in (one, two)
    )
    if min(len(a), len(b)) < _FINE // 4 or min(np.abs(a).max(), np.abs(b).max()) < 1e-4:
        return None
    # The stretch may begin before the other sound does; that part of it is missing there.
    missing = max(-there, Fraction(0))
    size = 1 << (len(a) + len(b)).bit_length()
    spectrum = np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))
    match = np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-3 * np.abs(spectrum).max()), size)
    reach = _FINE // 10
    near = np.concatenate([match[-reach:], match[: reach + 1]])
    at_best = int(near.argmax())
    if near[at_best] < _CERTAIN * match.std():
        return None
    return Fraction(at_best - reach + _interpolate_peak(near, at_best), _FINE) + missing


def _interpolate_peak(match: np.ndarray, best: int) -> Fraction:
    """Return by what part of a sample a peak lies after `best`, by a parabola through it."""
    if not 0 < best < len(match) - 1:
        return Fraction(0)
    a, b, c = (float(match[best + step]) for step in (-1, 0, 1))
    bend = a - 2 * b + c
    return Fraction(0.5 * (a - c) / bend).limit_denominator(100) if bend < 0 else Fraction(0)


def _measure_drift(sound: Sound, aligned: Sound) -> float | None:
    """Return by how many seconds the lag of an aligned sound grows from its beginning to its end.

    None for a short sound, and where no lag can be found.
    """
    if sound.seconds < 3 * _PROOF:
        return None
    places = (Fraction(0), sound.seconds - _PROOF)
    lags = [_find_lag(sound, aligned, sound.start + at, at) for at in places]
    return None if None in lags else float(lags[1] - lags[0])  # type: ignore[operator]


def fit_music(
    music: str | Path | Sound,
    seconds: Fraction | float,
    *,
    start: Fraction | float = 0,
    fade: float = 2.0,
    loop: bool = True,
) -> Sound:
    """Fit music to the length of a silent film by cutting or looping it, with fades.

    Where the music repeats, its end is cross-faded with its beginning. Its end is faded out.

    Args:
        music: a file, or a sound.
        seconds: how long the film is.
        start: when its first picture is shown, on its timeline.
        fade: seconds of a fade; at most a third of the music or of the film.
        loop: repeat music that is too short; if not, silence follows it.

    Raises:
        SoundError: the music is silent, or the film or the music has no length.
    """
    sound = music if isinstance(music, Sound) else read_sound(music)
    length = round(Fraction(seconds) * sound.rate)
    if length <= 0 or not len(sound) or sound.silent:
        raise SoundError(
            f"This music cannot be fitted: the film is {float(seconds):.2f} s long and the music "
            f"{float(sound.seconds):.2f} s. Neither may be empty, and the music must not be silent."
        )
    ramp = min(round(fade * sound.rate), len(sound) // 3, length // 3)
    out = allocate(len(sound.samples), length)
    rise = np.sin(np.linspace(0, np.pi / 2, ramp, dtype=np.float32)) ** 2
    at = 0
    while at < length:
        piece = np.array(sound.samples[:, : length - at])
        if at:
            piece[:, :ramp] *= rise[: piece.shape[1]]
        whole = at + len(sound) <= length
        if whole and loop and at + len(sound) < length:
            piece[:, len(sound) - ramp :] *= rise[::-1]
        out[:, at : at + piece.shape[1]] += piece
        if not loop or at + len(sound) >= length:
            break
        at += len(sound) - ramp
    end = min(at + len(sound), length)
    out[:, end - ramp : end] *= rise[::-1]
    return Sound(out, sound.rate, Fraction(start), sound.layout, 0, sound.codec, sound.notes)

"""Sound from elsewhere: the same recording cleaned by another program, music for a silent film."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from helpers.audio import measures
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound, SoundError, resampled, room_for

COARSE = 8000
"""Samples a second at which two recordings are first compared, as to where they get louder."""

FINE = 16_000
"""Samples a second at which they are compared at last."""

PROOF = 20
"""Seconds that are compared finely."""

ALIKE = 0.35
"""How well the courses of two recordings must fit (1 is exactly) to be believed the same."""

CERTAIN = 10.0
"""How many times its usual swing the comparison of the sound itself must reach at its best."""


def matched(sound: Sound, path: str | Path) -> tuple[Sound, str]:
    """Lay a file of the same recording where a track is; exactly as long, from the same moment.

    The file keeps its own rate and channels. Where it is not as long as the track, the place where
    the two fit best is found by cross-correlation: first of how loud they are from moment to
    moment, then of the sound itself.

    Returns:
        The file's sound in the track's place, and in words what was done.

    Raises:
        SoundError: the file has no sound, or is not the same recording.
    """
    other = read_sound(path)
    length = math.ceil(sound.seconds * other.rate)
    name = Path(path).name
    if len(other) == length:
        laid, words = other.samples, f"{name} takes its place; it is exactly as long"
    else:
        late = offset(sound, other)
        laid = _laid(other, round(late * other.rate), length)
        seconds = float(other.seconds - sound.seconds)
        words = (
            f"{name} takes its place; it is {abs(seconds):.3f} s "
            f"{'longer' if seconds > 0 else 'shorter'}, and was laid {float(late):+.4f} s from the "
            "track's beginning, where the two fit"
        )
        drift = _drift(sound, replace(other, samples=laid, start=sound.start))
        if drift is not None and abs(drift) > 0.02:
            words += f"; it runs {drift * 1000:+.0f} ms out of step by its end"
    return replace(other, samples=laid, start=sound.start, track=sound.track), words


def _laid(sound: Sound, at: int, length: int) -> np.ndarray:
    """Return samples, (C, length), with a sound's first sample at place `at`."""
    out = room_for(len(sound.samples), length)
    begin, stop = max(at, 0), min(at + len(sound), length)
    if begin < stop:
        out[:, begin:stop] = sound.samples[:, begin - at : stop - at]
    return out


def offset(sound: Sound, other: Sound) -> Fraction:
    """Return how many seconds after the beginning of a track that of another recording comes.

    Raises:
        SoundError: they are not the same recording.
    """
    one, two = _course(sound), _course(other)
    match = _correlate(two, one)
    best = int(np.argmax(match))
    rough = best - (len(two) - 1)
    shared = slice(max(rough, 0), min(rough + len(two), len(one)))
    a = one[shared]
    b = two[max(-rough, 0) : max(-rough, 0) + len(a)]
    spread = float(a.std() * b.std())
    alike = float(np.mean((a - a.mean()) * (b - b.mean()))) / spread if spread > 1e-9 else 0.0
    coarse = Fraction(rough) * Fraction(measures.FRAME).limit_denominator(1000)
    begin = Fraction(_loudest(a) + max(rough, 0)) * Fraction(measures.FRAME).limit_denominator(1000)
    lag = _lag(sound, other, sound.start + begin, begin - coarse)
    if alike < ALIKE or lag is None:
        raise SoundError(
            f"The file is not {float(sound.seconds):.2f} s long, as the track is, but "
            f"{float(other.seconds):.2f} s, and does not sound like it, so that nobody can say "
            "where it belongs. Cut it to the track's length, or check that it is the same "
            "recording."
        )
    return coarse - lag


def _course(sound: Sound) -> np.ndarray:
    """Return how loud a sound is from moment to moment, (T,), about zero."""
    parts = []
    for _, piece in sound.pieces():
        mono = piece.mean(0, keepdims=True)
        parts.append(measures.levels(resampled(mono, sound.rate, COARSE), COARSE, measures.VOICE))
    course = np.maximum(np.concatenate(parts), -70)
    return course - course.mean()


def _correlate(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """Return the sums of products of two courses for every place of one along two."""
    from scipy.signal import fftconvolve

    return fftconvolve(two, one[::-1])


def _loudest(course: np.ndarray) -> int:
    """Return where PROOF seconds with most in them begin."""
    size = round(PROOF / measures.FRAME)
    if len(course) <= size:
        return 0
    sums = np.cumsum(np.concatenate([[0.0], course]))
    return int(np.argmax(sums[size:] - sums[:-size]))


def _lag(sound: Sound, other: Sound, at: Fraction, there: Fraction) -> Fraction | None:
    """Return by how many seconds a stretch comes later in another sound than was thought; None if
    the two are not alike.

    Args:
        at: where the stretch begins in the track, on its timeline.
        there: where it is thought to begin in the other, from its beginning.
    """
    one = sound.cut(at, at + PROOF)
    two = other.cut(other.start + there, other.start + there + PROOF)
    a, b = (
        resampled(np.ascontiguousarray(part.samples.mean(0, keepdims=True)), part.rate, FINE)[0]
        for part in (one, two)
    )
    if min(len(a), len(b)) < FINE // 4 or min(np.abs(a).max(), np.abs(b).max()) < 1e-4:
        return None
    # What was cut off before the beginning of the other is missing from it.
    missing = max(-there, Fraction(0))
    size = 1 << (len(a) + len(b)).bit_length()
    spectrum = np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size))
    match = np.fft.irfft(spectrum / (np.abs(spectrum) + 1e-3 * np.abs(spectrum).max()), size)
    reach = FINE // 10
    near = np.concatenate([match[-reach:], match[: reach + 1]])
    at_best = int(near.argmax())
    if near[at_best] < CERTAIN * match.std():
        return None
    return Fraction(at_best - reach + _between(near, at_best), FINE) + missing


def _between(match: np.ndarray, best: int) -> Fraction:
    """Return where between two samples a peak lies, by a parabola through it."""
    if not 0 < best < len(match) - 1:
        return Fraction(0)
    a, b, c = (float(match[best + step]) for step in (-1, 0, 1))
    bend = a - 2 * b + c
    return Fraction(0.5 * (a - c) / bend).limit_denominator(100) if bend < 0 else Fraction(0)


def _drift(sound: Sound, laid: Sound) -> float | None:
    """Return how many seconds later the end comes than the beginning says, in a laid sound."""
    if sound.seconds < 3 * PROOF:
        return None
    lags = [_lag(sound, laid, sound.start + at, at) for at in (Fraction(0), sound.seconds - PROOF)]
    return None if None in lags else float(lags[1] - lags[0])  # type: ignore[operator]


def fit_music(
    music: str | Path | Sound,
    seconds: Fraction | float,
    *,
    start: Fraction | float = 0,
    fade: float = 2.0,
    loop: bool = True,
) -> Sound:
    """Make music as long as a silent film: cut, or played again and again, with fades.

    Where it begins again the end fades into the beginning; the last of it fades away.

    Args:
        music: a file, or a sound.
        seconds: how long the film is.
        start: when its first picture is shown, on its timeline.
        fade: seconds of a fade; shorter where the music is.
        loop: begin again where the music is too short; silence follows if not.

    Raises:
        SoundError: there is no music in it, or no film.
    """
    sound = music if isinstance(music, Sound) else read_sound(music)
    length = round(Fraction(seconds) * sound.rate)
    if length <= 0 or not len(sound) or sound.silent:
        raise SoundError(
            f"{float(seconds):.2f} s of a film and {float(sound.seconds):.2f} s of music came; "
            "both must last, and the music must be heard."
        )
    ramp = min(round(fade * sound.rate), len(sound) // 3, length // 3)
    out = room_for(len(sound.samples), length)
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

"""Try several methods of cleaning on a film's own sound, and see which comes nearest to the truth.

    found = judge_sound("talk.mp4", ["talk", "deepfilter", "rnnoise"])
    found

Stretches of the sound get more of their own noise, each method cleans them, and the results are
compared with what the stretches were.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import welch

from helpers.audio import clean_audio, models
from helpers.audio.measures import VOICE, find_quietest, levels
from helpers.audio.methods import METHODS, check_method
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound, SoundError
from helpers.quality.judgement import AS_IT_IS, Choice, Judgement

STRETCHES, SECONDS = 8, 5
"""Stretches of the sound that are tried, and the greatest length of each."""

LOUDER = 8.0
"""Decibels by which the added noise is louder than the noise that is there. So the truth is much
cleaner than what the methods get, though it is not clean."""


def judge_sound(source: str | Path | Sound, methods: Sequence[str], *, track: int = 0) -> Judgement:
    """Find out which of several methods comes nearest to the truth on one's own sound.

    Args:
        source: a film, or a sound.
        methods: methods of `clean_audio`.
        track: which sound track of a film, from 0.

    Raises:
        SoundError: there is no sound, there is no noise in it, or a method is unknown.
        ModelError: the weights of a method are not here.
    """
    for method in methods:
        check_method(method, None)
        if weights := METHODS[method].weights:
            models.fetch(weights)
    sound = source if isinstance(source, Sound) else read_sound(source, track)
    truth, moments = _take_loud(sound)
    noise = _make_noise(sound, len(truth))
    noisy = truth.with_samples((truth.samples + noise).astype(np.float32))
    found = [_describe(AS_IT_IS, noisy, truth, len(moments), 0.0)]
    for method in dict.fromkeys(methods):
        begun = time.perf_counter()
        made = clean_audio(noisy, method).sound
        each = (time.perf_counter() - begun) / float(truth.seconds)
        found.append(_describe(method, made, truth, len(moments), each * float(sound.seconds)))
    found.sort(key=lambda choice: -choice.score)
    words = f"given its own noise again, {LOUDER:g} dB louder"
    return Judgement(words, moments, tuple(found), AS_IT_IS, what="sound")


def _take_loud(sound: Sound) -> tuple[Sound, tuple[Fraction, ...]]:
    """Return the loudest stretch of each part of a sound, one after the other, and their times."""
    size = min(SECONDS * sound.rate, max(len(sound) // STRETCHES, sound.rate), len(sound))
    count = max(min(STRETCHES, len(sound) // max(size, 1)), 1)
    starts = []
    for part in range(count):
        first, last = (round(len(sound) * n / count) for n in (part, part + 1))
        places = range(first, max(last - size, first) + 1, max(size // 5, 1))
        starts.append(max(places, key=lambda at: _loudness(sound.samples[:, at : at + size])))
    joined = np.concatenate([sound.samples[:, at : at + size] for at in starts], axis=1)
    times = tuple(sound.start + Fraction(at + size // 2, sound.rate) for at in starts)
    return Sound(np.ascontiguousarray(joined), sound.rate, layout=sound.layout), times


def _loudness(samples: np.ndarray) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


def _make_noise(sound: Sound, length: int) -> np.ndarray:
    """Make noise, (C, length), with the spectrum of the quietest moment, `LOUDER` than that.

    Raises:
        SoundError: there is no moment of noise alone.
    """
    quiet = find_quietest(sound.samples, sound.rate)
    heard = levels(sound.samples, sound.rate, VOICE)
    if quiet is None or not len(heard):
        raise SoundError(
            "No moment of noise alone was found in this sound, so methods cannot be judged by it. "
            "Listen to each of them with `preview` instead."
        )
    first, last = (round(at * sound.rate) for at in quiet)
    piece = np.asarray(sound.samples[:, first:last], np.float64)
    dice = np.random.default_rng(0)
    made = []
    for channel in piece:
        hertz, power = welch(channel, sound.rate, nperseg=min(1024, len(channel)))
        white = np.fft.rfft(dice.standard_normal(length))
        shape = np.sqrt(np.interp(np.fft.rfftfreq(length, 1 / sound.rate), hertz, power))
        noise = np.fft.irfft(white * shape, length)
        wanted = channel.std() * 10 ** (LOUDER / 20)
        made.append(noise * wanted / max(float(noise.std()), 1e-12))
    return np.stack(made)


def _describe(label: str, made: Sound, truth: Sound, stretches: int, seconds: float) -> Choice:
    """Compare every stretch with the truth."""
    size = len(truth) // stretches
    starts = range(0, size * stretches, size)
    pairs = [(_mix(made, at, size), _mix(truth, at, size)) for at in starts]
    ratios = tuple(si_sdr(*pair) for pair in pairs)
    values = {"si_sdr": ratios, "stoi": tuple(measure_stoi(*pair, truth.rate) for pair in pairs)}
    return Choice(label, values, ratios, seconds)


def _mix(sound: Sound, at: int, size: int) -> np.ndarray:
    """Return a stretch of a sound as one channel."""
    return np.asarray(sound.samples[:, at : at + size], np.float64).mean(0)


def si_sdr(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the scale-invariant ratio of truth to error in dB (Le Roux et al., 2019).

    Args:
        made, truth: (N,) float64.
    """
    made, truth = made - made.mean(), truth - truth.mean()
    part = (made @ truth) / max(float(truth @ truth), 1e-20) * truth
    away = made - part
    return float(10 * np.log10((part @ part + 1e-20) / (away @ away + 1e-20)))


def measure_stoi(made: np.ndarray, truth: np.ndarray, rate: int) -> float:
    """Return the short-time objective intelligibility, 0..1 (Taal et al., 2011)."""
    import warnings

    from pystoi import stoi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a stretch is nearly silent
        return float(stoi(truth, made, rate))

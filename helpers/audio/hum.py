"""Find mains hum in a sound, and remove it without delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

_MAINS = (50.0, 60.0)
"""Mains frequencies in hertz, in the two parts of the world."""

_HIGHEST = 1500.0
"""Harmonics of the hum are searched up to this frequency, in hertz. This number and those below
were chosen by trial; benchmarks/quality/audio.py measures the effect."""

_STANDS_OUT = 9.0
"""A harmonic is present where its level is this many decibels above its surroundings."""

_AUDIBLE = 0.01
"""A single line is hum only if it has this share of the sound's energy. The ear is 25 decibels less
sensitive at 60 Hz than where a voice is, so that a weaker one is not heard."""

_STEADY = 1.2
"""A harmonic is removed only where its tone is steady over this many seconds."""


@dataclass(frozen=True)
class Hum:
    """The hum in a recording.

    Attributes:
        base: the frequency of the mains in hertz, as measured.
        harmonics: which multiples of it are present.
        above: how many decibels the strongest is above its surroundings.
    """

    base: float
    harmonics: tuple[int, ...]
    above: float


def find_hum(samples: np.ndarray, rate: int) -> Hum | None:
    """Find mains hum: 50 or 60 Hz, within one per cent, and its multiples; None if there is none.

    Args:
        samples: (C, N). Nothing is found in less than a second and a half.
    """
    size = int(min(4 * rate, samples.shape[1]))
    if size < 1.5 * rate:
        return None
    power, step = _steady_power(samples.mean(0), rate, size)
    found = [_harmonics(power, step, rate, mains) for mains in _MAINS]
    best = max(found, key=lambda hum: (len(hum.harmonics), hum.above))
    low = sum(number <= 4 for number in best.harmonics)
    # A single line may be a note of music. Hum has several low lines, or one very strong one.
    if low >= 2 and len(best.harmonics) >= 3:
        return best
    loud = sum(power[round(number * best.base / step)] for number in best.harmonics)
    strong = low and best.above > 25 and loud > _AUDIBLE * np.square(samples.mean(0)).mean()
    return best if strong else None


def _steady_power(samples: np.ndarray, rate: int, size: int) -> tuple[np.ndarray, float]:
    """Return the median power over time, (F,), and the width of a bin in hertz.

    A tone has there the power that it has in the samples.
    """
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: max(size // 2, 1)]
    padded = 1 << (4 * size - 1).bit_length()
    top = int(np.ceil((_HIGHEST + 30) * padded / rate)) + 1
    window = np.hanning(size)
    window *= np.sqrt(2) / window.sum()
    spectra = [np.square(np.abs(np.fft.rfft(one * window, padded)[:top])) for one in frames]
    return np.median(spectra, axis=0) + 1e-16, rate / padded


def _harmonics(power: np.ndarray, step: float, rate: int, mains: float) -> Hum:
    """Return the harmonic series that fits best near `mains`."""
    level = 10 * np.log10(power)
    lines = np.arange(1, int(min(_HIGHEST, rate / 2 - 40) // mains) + 1)
    best = Hum(mains, (), 0.0)
    score = 0.0
    for base in mains * np.arange(0.99, 1.01001, 0.0004):
        at = np.round(lines * base / step).astype(int)
        above = level[at] - np.array([_level_around(level, one, step) for one in at])
        there = above > _STANDS_OUT
        total = float(above[there].sum())
        if total > score:
            score = total
            best = Hum(float(base), tuple(lines[there].tolist()), float(above.max()))
    return best


def _level_around(level: np.ndarray, at: int, step: float) -> float:
    """Return the median level on both sides of a line, in decibels."""
    near, far = round(2.5 / step), round(12 / step)
    sides = np.concatenate([level[max(at - far, 0) : at - near], level[at + near : at + far]])
    return float(np.median(sides)) if len(sides) else 0.0


def remove_hum(samples: np.ndarray, rate: int, hum: Hum, share: float = 1.0) -> np.ndarray:
    """Subtract the hum, each harmonic with the amplitude and phase that it has at each moment.

    A harmonic is tracked through time and subtracted only where it is steady, so that a voice of
    the same frequency is kept.

    Args:
        samples: (C, N) float32.
        share: 0..1, how much of it is subtracted.
    """
    count = samples.shape[1]
    # The mean over one period of the mains passes one harmonic and cancels all the others.
    turn = max(round(rate / hum.base), 2)
    blocks = count // turn
    if blocks < 4:
        return samples
    time = np.arange(count) / rate
    centres = (np.arange(blocks) + 0.5) * turn - 0.5
    out = samples.astype(np.float64)
    for number in hum.harmonics:
        wave = np.exp(-2j * np.pi * number * hum.base * time)
        for channel in out:
            turns = (channel * wave)[: blocks * turn].reshape(blocks, turn).mean(1)
            tone = _extract_steady(turns, round(_STEADY * rate / turn))
            real, imag = (
                np.interp(np.arange(count), centres, part)
                for part in (np.real(tone), np.imag(tone))
            )
            channel -= 2 * share * (real * np.real(wave) + imag * np.imag(wave))
    return out.astype(np.float32)


def _extract_steady(turns: np.ndarray, length: int) -> np.ndarray:
    """Return the steady part of a complex amplitude over time, zero where it is not steady."""
    weights = np.hanning(min(length, len(turns)) + 2)[1:-1]
    whole = np.convolve(np.ones(len(turns)), weights, "same")
    # What a voice adds for a moment lies far from the local median.
    size = min(len(weights), len(turns))
    real, imag = (
        np.asarray(median_filter(part, size)) for part in (np.real(turns), np.imag(turns))
    )
    usual = real + 1j * imag
    spread = np.asarray(median_filter(np.abs(turns - usual), size)) + 1e-9
    trust = 1 / (1 + (np.abs(turns - usual) / (3 * spread)) ** 4)
    total = np.convolve(trust, weights, "same")
    mean = np.convolve(turns * trust, weights, "same") / np.maximum(total, 1e-9)
    noise = np.convolve(trust * np.abs(turns - mean) ** 2, weights, "same") / np.maximum(
        total, 1e-9
    )
    # The power that noise leaves in a mean over so many periods; the factor allows for voices,
    # which are steadier than noise.
    left = 6 * noise * np.square(weights).sum() / np.square(whole)
    return mean * np.clip(1 - left / np.maximum(np.square(np.abs(mean)), 1e-20), 0, 1)

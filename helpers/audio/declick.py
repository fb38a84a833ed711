"""Finding what ails a sound: hum from the mains, clicks, and peaks that were cut off; and taking
the hum out.

Nothing here moves the sound: every method works on the whole recording, to and fro in time.

Source: clicks by the error of linear prediction, S. J. Godsill and P. J. W. Rayner, "Digital Audio
Restoration", Springer 1998, chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.ndimage import binary_dilation, label, median_filter
from scipy.signal import lfilter

MAINS = (50.0, 60.0)
"""Hertz of the mains, in the world's two halves."""

HIGHEST = 1500.0
"""Hertz up to which the harmonics of hum are looked for."""

STANDS_OUT = 9.0
"""Decibels by which a harmonic stands above its surroundings when it is there."""

STEADY = 1.2
"""Seconds over which a harmonic must hold its tone to be taken out."""


@dataclass(frozen=True)
class Hum:
    """Hum that was found.

    Attributes:
        base: hertz of the mains, as they really were.
        harmonics: which multiples of it are there.
        above: decibels by which the strongest stands above its surroundings.
    """

    base: float
    harmonics: tuple[int, ...]
    above: float


def find_hum(samples: np.ndarray, rate: int) -> Hum | None:
    """Look for the hum of the mains: 50 or 60 Hz, within one in a hundred, and its multiples.

    Args:
        samples: (C, N); at least a second and a half of it.
    """
    size = int(min(4 * rate, samples.shape[1]))
    if size < 1.5 * rate:
        return None
    power, step = _steady_power(samples.mean(0), rate, size)
    found = [_harmonics(power, step, rate, mains) for mains in MAINS]
    best = max(found, key=lambda hum: (len(hum.harmonics), hum.above))
    low = sum(number <= 4 for number in best.harmonics)
    # A line may be a note; the mains are a family that begins low, or one very strong low line.
    if (low >= 2 and len(best.harmonics) >= 3) or (low and best.above > 25):
        return best
    return None


def _steady_power(samples: np.ndarray, rate: int, size: int) -> tuple[np.ndarray, float]:
    """Return the power, (F,), that is there most of the time, and the hertz from bin to bin."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: max(size // 2, 1)]
    padded = 1 << (4 * size - 1).bit_length()
    top = int(np.ceil((HIGHEST + 30) * padded / rate)) + 1
    window = np.hanning(size)
    spectra = [np.square(np.abs(np.fft.rfft(one * window, padded)[:top])) for one in frames]
    return np.median(spectra, axis=0) + 1e-12, rate / padded


def _harmonics(power: np.ndarray, step: float, rate: int, mains: float) -> Hum:
    """Return the family of lines that fits best near `mains`."""
    level = 10 * np.log10(power)
    lines = np.arange(1, int(min(HIGHEST, rate / 2 - 40) // mains) + 1)
    best = Hum(mains, (), 0.0)
    score = 0.0
    for base in mains * np.arange(0.99, 1.01001, 0.0004):
        at = np.round(lines * base / step).astype(int)
        above = level[at] - np.array([_around(level, one, step) for one in at])
        there = above > STANDS_OUT
        total = float(above[there].sum())
        if total > score:
            score = total
            best = Hum(float(base), tuple(lines[there].tolist()), float(above.max()))
    return best


def _around(level: np.ndarray, at: int, step: float) -> float:
    """Return the level beside a line, in decibels."""
    near, far = round(2.5 / step), round(12 / step)
    sides = np.concatenate([level[max(at - far, 0) : at - near], level[at + near : at + far]])
    return float(np.median(sides)) if len(sides) else 0.0


def remove_hum(samples: np.ndarray, rate: int, hum: Hum, share: float = 1.0) -> np.ndarray:
    """Subtract the hum: each harmonic as loud, and in the phase, that it has at each moment.

    A harmonic is followed through time, and subtracted only where it holds its tone: a voice that
    passes over it stays.

    Args:
        samples: (C, N) float32.
        share: 0..1, how much of it is subtracted.
    """
    count = samples.shape[1]
    # A mean over one turn of the mains hears one harmonic and none of the others.
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
            tone = _held(turns, round(STEADY * rate / turn))
            real, imag = (
                np.interp(np.arange(count), centres, part)
                for part in (np.real(tone), np.imag(tone))
            )
            channel -= 2 * share * (real * np.real(wave) + imag * np.imag(wave))
    return out.astype(np.float32)


def _held(turns: np.ndarray, length: int) -> np.ndarray:
    """Return what is steady in a complex course, and nothing where nothing is."""
    weights = np.hanning(min(length, len(turns)) + 2)[1:-1]
    whole = np.convolve(np.ones(len(turns)), weights, "same")
    # What a voice adds for a moment is far from the median of its surroundings.
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
    # Of noise, a mean of so many turns still keeps this much; voices are steadier than noise.
    left = 6 * noise * np.square(weights).sum() / np.square(whole)
    return mean * np.clip(1 - left / np.maximum(np.square(np.abs(mean)), 1e-20), 0, 1)


ORDER = 24
"""How many samples back a model of the sound looks."""

BLOCK = 0.05
"""Seconds for which one model holds."""

WIDEST = 0.002
"""Seconds of the longest click."""


def find_clicks(samples: np.ndarray, rate: int, threshold: float = 8.0) -> np.ndarray:
    """Return which samples, (N,) of one channel, are clicks: far from what led up to them.

    Args:
        threshold: how many times the usual error of prediction a click is.
    """
    count, size = len(samples), max(round(BLOCK * rate), 4 * ORDER)
    found = np.zeros(count, bool)
    for start in range(0, count, size):
        first = max(start - size // 2, 0)
        block = samples[first : start + size + size // 2].astype(np.float64)
        if len(block) < 4 * ORDER or np.abs(block).max() < 1e-4:
            continue
        model = _model(block)
        error = np.abs(lfilter(model, [1.0], block))
        error[:ORDER] = 0
        usual = np.median(error) / 0.6745 + 1e-6
        # A voice has an error of its own at every beat of its cords: not one that stands alone.
        beat = np.percentile(error, 99) / 2.6
        hit = error > threshold * max(usual, beat / 3)
        found[start : start + size] |= hit[start - first : start - first + size]
    return _joined(found, rate)


def _runs(found: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the runs of true values in (N,), from 1, and count them."""
    marks, count = label(found)  # type: ignore[misc]
    return np.asarray(marks), int(count)


def _joined(found: np.ndarray, rate: int) -> np.ndarray:
    """Close small gaps within clicks and leave out what is too long to be one."""
    if not found.any():
        return found
    reach = max(round(rate * 0.0003), 1)
    wide = binary_dilation(found, iterations=reach)
    marks, _ = _runs(wide)
    sizes = np.bincount(marks)
    good = sizes <= WIDEST * rate + 2 * reach
    good[0] = False
    return good[marks]


def _model(block: np.ndarray) -> np.ndarray:
    """Return the prediction error filter, (ORDER + 1,), of a block."""
    windowed = block * np.hanning(len(block))
    size = 1 << (2 * len(block) - 1).bit_length()
    past = np.fft.irfft(np.square(np.abs(np.fft.rfft(windowed, size))))[: ORDER + 1]
    past[0] = past[0] * 1.0001 + 1e-9
    return np.concatenate([[1.0], -solve_toeplitz(past[:-1], past[1:])])


def find_clipping(samples: np.ndarray) -> tuple[np.ndarray, float]:
    """Return which samples, (N,) of one channel, were cut off, and the level of the cut.

    Cut peaks lie on one level, several in a row; a loud recording touches its highest level once.
    """
    size = np.abs(samples)
    top = float(size.max(initial=0))
    if top < 0.05:
        return np.zeros(len(samples), bool), top
    flat = size >= top * 0.985
    level = max(float(np.median(size[flat])) * 0.995, top * 0.985)
    flat = size >= level
    marks, count = _runs(flat)
    if not count:
        return np.zeros(len(samples), bool), top
    runs = np.bincount(marks)
    runs[0] = 0
    cut = runs >= 3
    if runs[cut].sum() < max(0.0001 * len(samples), 12) or runs[cut].sum() < 0.6 * flat.sum():
        return np.zeros(len(samples), bool), top
    return cut[marks], level

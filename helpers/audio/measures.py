"""Measuring sound: where somebody speaks, how far the noise lies below, how high it reaches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, minimum_filter1d, uniform_filter1d
from scipy.signal import butter, sosfiltfilt

FRAME = 0.02
"""Seconds of a level."""

VOICE = (200.0, 3800.0)
"""Hertz between which a voice is told from its surroundings."""

NOTHING = -100.0
"""Decibels under full scale that stand for digital silence."""


def levels(samples: np.ndarray, rate: int, band: tuple[float, float] | None = None) -> np.ndarray:
    """Return the level of each FRAME, (T,), in decibels under full scale.

    Args:
        samples: (C, N).
        band: hertz to listen between; everything if not given.
    """
    mono = np.asarray(samples, np.float64).mean(0)
    size = max(round(FRAME * rate), 1)
    if band is not None and len(mono) > 64:
        edges = [edge for edge in band if edge < rate * 0.45]
        kind = "bandpass" if len(edges) == 2 else "highpass"
        filter = butter(2, edges if len(edges) == 2 else edges[0], kind, fs=rate, output="sos")
        mono = sosfiltfilt(filter, mono, padlen=min(30, len(mono) - 1))
    frames = np.pad(mono, (0, -len(mono) % size)).reshape(-1, size)
    return np.maximum(10 * np.log10(np.square(frames).mean(1) + 1e-12), NOTHING)


def spoken(samples: np.ndarray, rate: int) -> np.ndarray:
    """Tell for each FRAME, (T,), whether a voice, or anything else but noise, is heard in it."""
    heard = gaussian_filter1d(levels(samples, rate, VOICE), 1.5)
    floor = noise_floor(heard)
    # Half way, in decibels, from the noise to the voice, but never within the noise's own swing.
    loud = np.percentile(heard, 95)
    active = heard > max(floor + 0.35 * (loud - floor), floor + 4)
    # The first and last sounds of a word are faint: a tenth of a second more on both sides.
    return maximum_filter1d(active.astype(np.uint8), 11).astype(bool)


def noise_floor(heard: np.ndarray) -> float:
    """Return the level of the noise, given levels, (T,): what the quieter frames gather about."""
    sound = heard[heard > NOTHING + 5]
    if not len(sound):
        return NOTHING
    low = np.percentile(sound, 10)
    return float(np.median(sound[sound <= low + 3]))


def quietest(samples: np.ndarray, rate: int, seconds: float = 0.5) -> tuple[float, float] | None:
    """Return where the quietest stretch of noise is, from and to in seconds, with nobody speaking.

    Digital silence does not count: there is nothing of the noise in it.
    """
    heard = levels(samples, rate, VOICE)
    length = max(round(seconds / FRAME), 1)
    if len(heard) < length:
        return None
    worst = maximum_filter1d(heard, length, origin=-(length // 2))[: len(heard) - length + 1]
    real = minimum_filter1d(heard, length, origin=-(length // 2))[: len(worst)] > NOTHING + 5
    if not real.any():
        return None
    steady = uniform_filter1d(heard, length, origin=-(length // 2))[: len(worst)]
    at = int(np.argmin(np.where(real, worst + steady, np.inf)))
    return at * FRAME, (at + length) * FRAME


def signal_to_noise(samples: np.ndarray, rate: int) -> float:
    """Estimate by how many decibels the voice lies above the noise, where anybody speaks."""
    whole = levels(samples, rate, (80.0, 8000.0))
    active = spoken(samples, rate)[: len(whole)]
    if not active.any():
        return 0.0
    noise = 10 ** (noise_floor(whole) / 10)
    between = whole[~active & (whole > NOTHING + 5)]
    if len(between) >= 10:  # pauses say more than the quietest moments: noise swings
        noise = float(np.mean(10 ** (between / 10)))
    both = np.mean(10 ** (whole[active] / 10))
    return float(np.clip(10 * np.log10(max(both - noise, noise * 1e-3) / noise), -20, 80))


def bandwidth(samples: np.ndarray, rate: int) -> float:
    """Return the hertz up to which anything is heard that is louder than what lies above."""
    mono = np.asarray(samples, np.float64).mean(0)
    size = 1024
    if len(mono) < size:
        return rate / 2
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[:: size // 2]
    frames = frames[:: max(len(frames) // 4000, 1)]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)))
    # The loudest moments reach highest; noise is the same at all times.
    level = gaussian_filter1d(10 * np.log10(np.percentile(power, 95, axis=0) + 1e-12), 2)
    top = np.median(level[-size // 40 :])
    floor = max(top + 6, level.max() - 75)
    above = np.flatnonzero(level > floor)
    # Where the uppermost bins are as loud as the rest below them there is no edge at all.
    if not len(above) or (level[-size // 8 :].max() - top < 3 and above[-1] > 0.9 * len(level)):
        return rate / 2
    return float(above[-1] * rate / size)


@dataclass(frozen=True)
class Rhythm:
    """How a sound comes and goes.

    Attributes:
        syllables: 0..1, the share of its swings that are as quick as syllables (2 to 8 a second).
        pauses: 0..1, the share of time in which only noise is heard.
    """

    syllables: float
    pauses: float

    @property
    def speech(self) -> bool:
        """Whether it comes and goes as talk does, and not as music and noises do."""
        return self.syllables > 0.3


def rhythm(samples: np.ndarray, rate: int) -> Rhythm:
    """Measure how a sound comes and goes."""
    heard = levels(samples, rate, VOICE)
    if len(heard) < 50:
        return Rhythm(0.0, 0.0)
    swing = np.maximum(heard, noise_floor(heard) - 3)
    swing = swing - swing.mean()
    power = np.square(np.abs(np.fft.rfft(swing * np.hanning(len(swing)))))
    hertz = np.fft.rfftfreq(len(swing), FRAME)
    all_of_it = power[(hertz > 0.25) & (hertz < 20)].sum() + 1e-9
    part = power[(hertz >= 2) & (hertz <= 8)].sum() / all_of_it
    return Rhythm(float(part), float(1 - spoken(samples, rate).mean()))

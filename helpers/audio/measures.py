"""Measure sound: where there is speech, how loud the noise is, how high the frequencies reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import (
    binary_opening,
    gaussian_filter1d,
    maximum_filter1d,
    minimum_filter1d,
    uniform_filter1d,
)

from helpers.runtime.postpone import postpone

with postpone("scipy.stats"):  # find_peaks_cwt alone needs it, and is not used
    from scipy.signal import butter, sosfiltfilt

FRAME = 0.02
"""Seconds that one level is measured over."""

VOICE = (200.0, 3800.0)
"""The band in hertz in which speech is detected."""

_NOTHING = -100.0
"""The level of digital silence, in decibels relative to full scale."""


def levels(samples: np.ndarray, rate: int, band: tuple[float, float] | None = None) -> np.ndarray:
    """Return the level of each FRAME, (T,), in decibels relative to full scale.

    Args:
        samples: (C, N).
        band: the band to measure in, in hertz; all frequencies if not given.
    """
    mono = np.asarray(samples, np.float64).mean(0)
    size = max(round(FRAME * rate), 1)
    if band is not None and len(mono) > 64:
        edges = [edge for edge in band if edge < rate * 0.45]
        kind = "bandpass" if len(edges) == 2 else "highpass"
        filter = butter(2, edges if len(edges) == 2 else edges[0], kind, fs=rate, output="sos")
        mono = sosfiltfilt(filter, mono, padlen=min(30, len(mono) - 1))
    frames = np.pad(mono, (0, -len(mono) % size)).reshape(-1, size)
    return np.maximum(10 * np.log10(np.square(frames).mean(1) + 1e-12), _NOTHING)


def _detect_activity(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return for each FRAME, (T,), whether it holds a voice, or any other sound but noise."""
    heard = gaussian_filter1d(levels(samples, rate, VOICE), 1.5)
    floor = noise_floor(heard)
    # A third of the way, in decibels, from the noise to the voice, but above the noise's swings.
    loud = np.percentile(heard, 95)
    active = heard > max(floor + 0.35 * (loud - floor), floor + 4)
    # The first and last sounds of a word are faint: add a tenth of a second on both sides.
    return maximum_filter1d(active.astype(np.uint8), 11).astype(bool)


def noise_floor(heard: np.ndarray) -> float:
    """Return the level of the noise, the median of the quiet frames among levels, (T,)."""
    sound = heard[heard > _NOTHING + 5]
    if not len(sound):
        return _NOTHING
    low = np.percentile(sound, 10)
    return float(np.median(sound[sound <= low + 3]))


def find_quietest(
    samples: np.ndarray, rate: int, seconds: float = 0.5
) -> tuple[float, float] | None:
    """Return the quietest stretch of noise, from and to in seconds; None if there is none.

    Digital silence does not count, since it holds no noise.
    """
    heard = levels(samples, rate, VOICE)
    length = max(round(seconds / FRAME), 1)
    if len(heard) < length:
        return None
    worst = maximum_filter1d(heard, length, origin=-(length // 2))[: len(heard) - length + 1]
    real = minimum_filter1d(heard, length, origin=-(length // 2))[: len(worst)] > _NOTHING + 5
    if not real.any():
        return None
    steady = uniform_filter1d(heard, length, origin=-(length // 2))[: len(worst)]
    at = int(np.argmin(np.where(real, worst + steady, np.inf)))
    return at * FRAME, (at + length) * FRAME


def signal_to_noise(samples: np.ndarray, rate: int) -> float:
    """Estimate how many decibels the voice is above the noise, where there is speech."""
    whole = levels(samples, rate, (80.0, 8000.0))
    active = _detect_activity(samples, rate)[: len(whole)]
    if not active.any():
        return 0.0
    noise = 10 ** (noise_floor(whole) / 10)
    between = whole[~active & (whole > _NOTHING + 5)]
    if len(between) >= 10:  # noise varies, so its mean in pauses is better than its quietest level
        noise = float(np.mean(10 ** (between / 10)))
    both = np.mean(10 ** (whole[active] / 10))
    return float(np.clip(10 * np.log10(max(both - noise, noise * 1e-3) / noise), -20, 80))


def bandwidth(samples: np.ndarray, rate: int) -> float:
    """Return the highest frequency in hertz at which there is more than noise."""
    mono = np.asarray(samples, np.float64).mean(0)
    size = 1024
    if len(mono) < size:
        return rate / 2
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[:: size // 2]
    frames = frames[:: max(len(frames) // 4000, 1)]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)))
    # Loud moments reach the highest frequencies, and noise is the same in all moments.
    level = gaussian_filter1d(10 * np.log10(np.percentile(power, 95, axis=0) + 1e-12), 2)
    top = np.median(level[-size // 40 :])
    floor = max(top + 6, level.max() - 75)
    above = np.flatnonzero(level > floor)
    # If the highest bins are as loud as those below them, the sound reaches up to the end.
    if not len(above) or (level[-size // 8 :].max() - top < 3 and above[-1] > 0.9 * len(level)):
        return rate / 2
    return float(above[-1] * rate / size)


_SYLLABLES, _HELD = 0.2, 0.27
"""Speech has more of its changes in the rhythm of syllables, and less of its sound in held tones:
0.21 to 0.72 and 0.00 to 0.27 in 47 recordings of 14 people, noisy or not; 0.08 to 0.65 and 0.30 to
0.82 in 19 of 22 pieces of music."""

_TUNE = 0.1
"""Music has more of its sound in held tones; noise has next to none."""

_TONE, _HOLD = 6.0, 0.16
"""A tone stands out from its surroundings by so many decibels. It is held if it stays at one
frequency for so many seconds: a voice glides all the time."""

_TONES = (200.0, 4000.0)
"""The band in hertz in which tones are looked for, above most of the hum of the mains."""


@dataclass(frozen=True)
class Rhythm:
    """How the level and the tones of a sound change over time.

    Attributes:
        syllables: 0..1, the share of the changes that are as fast as syllables (2 to 8 a second).
        held: 0..1, the share of the tones' amplitude that is in held ones.
    """

    syllables: float
    held: float

    @property
    def speech(self) -> bool:
        """Whether it has the rhythm of speech, and not of music or noise."""
        return self.syllables > _SYLLABLES and self.held < _HELD

    @property
    def noise(self) -> bool:
        """Whether it has neither the rhythm of speech nor tones: it may rise and fall, as wind."""
        return self.syllables <= _SYLLABLES and self.held < _TUNE


def rhythm(samples: np.ndarray, rate: int) -> Rhythm:
    """Measure how the level and the tones of a sound, (C, N), change over time."""
    heard = levels(samples, rate, VOICE)
    if len(heard) < 50:
        return Rhythm(0.0, 0.0)
    swing = np.maximum(heard, noise_floor(heard) - 3)
    swing = swing - swing.mean()
    power = np.square(np.abs(np.fft.rfft(swing * np.hanning(len(swing)))))
    hertz = np.fft.rfftfreq(len(swing), FRAME)
    all_of_it = power[(hertz > 0.25) & (hertz < 20)].sum() + 1e-9
    part = power[(hertz >= 2) & (hertz <= 8)].sum() / all_of_it
    return Rhythm(float(part), _measure_held_tones(samples, rate))


def _measure_held_tones(samples: np.ndarray, rate: int) -> float:
    """Return which share of the amplitude of all tones, 0..1, is in tones that are held."""
    hop = round(rate * FRAME * 0.8)
    size = 4 * hop
    mono = np.asarray(samples, np.float64).mean(0)
    frames = np.lib.stride_tricks.sliding_window_view(mono, size)[::hop]
    hertz = np.fft.rfftfreq(size, 1 / rate)
    band = (hertz >= _TONES[0]) & (hertz <= _TONES[1])
    size_of = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)[:, band]) + 1e-5
    level = 20 * np.log10(size_of)
    tone = level > uniform_filter1d(level, 21, axis=1) + _TONE
    tone &= level >= maximum_filter1d(level, 3, axis=1)
    # A run of frames with the same tone is opened by a line of that length.
    length = round(_HOLD / (hop / rate))
    held: np.ndarray = np.asarray(binary_opening(tone, np.ones((length, 1), bool)), bool)
    return float(size_of[held].sum() / max(size_of[tone].sum(), 1e-9))

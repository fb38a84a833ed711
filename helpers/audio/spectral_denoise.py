"""Reduce steady and slowly changing noise in sound, without weights.

Each bin of the short-time spectra is weighted by how likely it holds more than noise. The noise is
tracked through the recording in both directions of time (a recording is not a telephone call: the
future is known), or learnt from a stretch of noise alone.

Sources: noise power by speech presence, T. Gerkmann and R. C. Hendriks, "Unbiased MMSE-based noise
power estimation with low complexity and low tracking delay", IEEE TASLP 20(4), 2012; the gain,
Y. Ephraim and D. Malah, "Speech enhancement using a minimum mean-square error log-spectral
amplitude estimator", IEEE TASSP 33(2), 1985, with their decision-directed a priori ratio.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt
from scipy.special import exp1

WINDOW = 0.064
"""Seconds of a spectrum: long enough to resolve the harmonics of a low voice. This number and those
below that name no source were chosen by trial; benchmarks/quality/audio.py measures the effect."""

_OVERLAP = 4
"""Windows that cover each sample."""

_PRESENT = 10**1.5
"""The signal-to-noise ratio that is expected where there is speech. 15 dB, as in Gerkmann and
Hendriks."""

_MEMORY = 0.9
"""The weight of the previous spectrum in the decision-directed a priori ratio. Ephraim and Malah
use 0.98, for shorter hops; 0.9 was chosen by trial."""

_LEAST = 10**-2.5
"""The smallest a priori ratio; it prevents musical noise."""

_SILENCE = 1e-11
"""The power of a bin of silence, about 24 bits below full scale."""


class Spectra:
    """The short-time Fourier transform of sound of one length, and its inverse.

    The analysis and synthesis windows are square roots of Hann windows, so that unchanged spectra
    give the same samples back (to rounding), from the first to the last.
    """

    def __init__(self, rate: int, length: int) -> None:
        self.hop = max(round(rate * WINDOW / _OVERLAP), 4)
        self.size = self.hop * _OVERLAP
        self.length = length
        self.window = np.sin(np.pi * (np.arange(self.size) + 0.5) / self.size)
        self.count = -(-(length + self.size) // self.hop) + 1

    def transform(self, samples: np.ndarray) -> np.ndarray:
        """Return the spectra, (T, F) complex64, of samples, (N,)."""
        room = self.hop * (self.count - 1) + self.size
        padded = np.zeros(room)
        padded[self.size : self.size + self.length] = samples
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.size)[:: self.hop]
        return np.fft.rfft(frames * self.window, axis=1).astype(np.complex64)

    def invert(self, spectra: np.ndarray) -> np.ndarray:
        """Return the samples, (N,) float64, of spectra, (T, F)."""
        frames = np.fft.irfft(spectra, self.size, axis=1) * self.window
        # Adding the quarters of the windows one after the other avoids a loop over frames.
        quarters = frames.reshape(self.count, _OVERLAP, self.hop)
        out = np.zeros((self.count + _OVERLAP - 1, self.hop))
        for number in range(_OVERLAP):
            out[number : number + self.count] += quarters[:, number]
        # The squares of the overlapping windows add up to OVERLAP / 2.
        return out.reshape(-1)[self.size : self.size + self.length] / (_OVERLAP / 2)


def _track_noise(power: np.ndarray) -> np.ndarray:
    """Track the power of the noise in spectra, in both directions of time.

    Args:
        power: (T, F) of a sound.

    Returns:
        (T, F), the geometric mean of the estimates forwards and backwards.
    """
    return np.sqrt(_track_forwards(power) * _track_forwards(power[::-1])[::-1])


def _track_forwards(power: np.ndarray) -> np.ndarray:
    """Track the noise forwards: a spectrum updates it where speech is unlikely."""
    # A recording may begin within a word, so the first estimate is limited by the median.
    noise = np.minimum(power[:12].mean(0), np.median(power, 0) * 1.5) + _SILENCE
    found = np.empty_like(power)
    usual = np.full(power.shape[1], 0.5)
    for number, now in enumerate(power):
        likely = 1 / (1 + (1 + _PRESENT) * np.exp(-now / noise * _PRESENT / (1 + _PRESENT)))
        usual = 0.9 * usual + 0.1 * likely
        # A bin that is never silent is noise that has grown; without this it would stay speech.
        likely = np.where(usual > 0.99, np.minimum(likely, 0.99), likely)
        noise = 0.8 * noise + 0.2 * (likely * noise + (1 - likely) * now)
        noise = np.maximum(noise, _SILENCE)
        found[number] = noise
    return found


def _compute_gains(power: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the gain of each bin of spectra, (T, F) in 0..1.

    Args:
        power: (T, F) of the sound.
        noise: (T, F) or (F,), of the noise in it.
    """
    noise = np.broadcast_to(noise, power.shape)
    ratio = power / noise
    forwards, backwards = _gains_forwards(ratio, noise), _gains_forwards(ratio[::-1], noise[::-1])
    return np.sqrt(forwards * backwards[::-1])


def _gains_forwards(ratio: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the gains in one direction of time."""
    found = np.empty_like(ratio)
    before = np.zeros(ratio.shape[1])
    for number, (now, floor) in enumerate(zip(ratio, noise, strict=True)):
        prior = _MEMORY * before / floor + (1 - _MEMORY) * np.maximum(now - 1, 0)
        share = np.maximum(prior, _LEAST)
        share = share / (1 + share)
        gain = np.minimum(share * np.exp(0.5 * exp1(np.maximum(share * now, 1e-6))), 1)
        before = gain**2 * now * floor
        found[number] = gain
    return found


def noise_profile(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the power of noise, (F,), from samples, (C, N), of noise alone."""
    spectra = Spectra(rate, samples.shape[1])
    whole = slice(_OVERLAP, max(spectra.count - _OVERLAP - 1, _OVERLAP + 1))
    found = [np.square(np.abs(spectra.transform(channel)[whole])).mean(0) for channel in samples]
    return np.maximum(np.mean(found, 0), _SILENCE)


def cut_rumble(samples: np.ndarray, rate: int, below: float, share: float = 1.0) -> np.ndarray:
    """Remove what lies below a frequency in Hz, with a zero-phase filter.

    Args:
        samples: (C, N).
        share: 0..1, how much of it is removed.
    """
    if samples.shape[1] < 16 or below >= rate / 2 or share <= 0:
        return samples
    filter = butter(4, below, "highpass", fs=rate, output="sos")
    room = min(rate // 2, samples.shape[1] - 1)
    high = sosfiltfilt(filter, samples, padtype="odd", padlen=room)
    return (samples + (high - samples) * share).astype(samples.dtype)


def reduce_noise(
    samples: np.ndarray, rate: int, limit: float, profile: np.ndarray | None = None
) -> np.ndarray:
    """Reduce the noise in sound.

    Both channels of a stereo recording get the same gains, so that voices keep their place between
    left and right. More channels are processed one by one.

    Args:
        samples: (C, N) float32, full scale 1.
        limit: the most by which noise is reduced, in decibels.
        profile: (F,) of `noise_profile`; if not given, the noise is tracked as it changes.

    Returns:
        (C, N) float32.
    """
    if limit <= 0 or samples.shape[1] == 0:
        return samples
    groups = [samples] if len(samples) <= 2 else [channel[None] for channel in samples]
    return np.concatenate([_reduce(group, rate, limit, profile) for group in groups])


def _reduce(samples: np.ndarray, rate: int, limit: float, profile: np.ndarray | None) -> np.ndarray:
    spectra = Spectra(rate, samples.shape[1])
    held = [spectra.transform(channel) for channel in samples]
    power = np.mean([np.square(np.abs(one), dtype=np.float64) for one in held], 0)
    noise = _track_noise(power) if profile is None else profile
    gain = np.maximum(_compute_gains(power, noise), 10 ** (-limit / 20)).astype(np.float32)
    return np.stack([spectra.invert(one * gain) for one in held]).astype(np.float32)

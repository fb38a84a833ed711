"""Taking steady and slowly changing noise out of sound, without weights.

Short-time spectra are weighed by how likely it is that they hold more than noise. The noise is
followed through the recording in both directions of time (a recording is not a telephone call: the
future is known), or taken from a stretch that holds nothing else.

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
"""Seconds of a spectrum: long enough to part the harmonics of a low voice."""

OVERLAP = 4
"""How many windows see each sample."""

PRESENT = 10**1.5
"""The ratio of power to noise that is expected where something is to be heard."""

MEMORY = 0.9
"""How much of the last spectrum's ratio the next one inherits."""

LEAST = 10**-2.5
"""The smallest a priori ratio, which keeps what is left of the noise from tinkling."""

SILENCE = 1e-11
"""Power of a bin below which there is nothing: some 24 bits under full scale."""


class Spectra:
    """Short-time spectra of a length of sound, and the way back.

    Analysis and synthesis windows are a root of Hann each, so that untouched spectra give the
    samples again (to rounding), from the first to the last.
    """

    def __init__(self, rate: int, length: int) -> None:
        self.hop = max(round(rate * WINDOW / OVERLAP), 4)
        self.size = self.hop * OVERLAP
        self.length = length
        self.window = np.sin(np.pi * (np.arange(self.size) + 0.5) / self.size)
        self.count = -(-(length + self.size) // self.hop) + 1

    def of(self, samples: np.ndarray) -> np.ndarray:
        """Return the spectra, (T, F) complex64, of samples, (N,)."""
        room = self.hop * (self.count - 1) + self.size
        padded = np.zeros(room)
        padded[self.size : self.size + self.length] = samples
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.size)[:: self.hop]
        return np.fft.rfft(frames * self.window, axis=1).astype(np.complex64)

    def back(self, spectra: np.ndarray) -> np.ndarray:
        """Return the samples, (N,) float64, of spectra, (T, F)."""
        frames = np.fft.irfft(spectra, self.size, axis=1) * self.window
        # Each quarter of a window falls on a place of its own: no loop over frames.
        quarters = frames.reshape(self.count, OVERLAP, self.hop)
        out = np.zeros((self.count + OVERLAP - 1, self.hop))
        for number in range(OVERLAP):
            out[number : number + self.count] += quarters[:, number]
        # The squares of the windows add up to half their number.
        return out.reshape(-1)[self.size : self.size + self.length] / (OVERLAP / 2)


def track_noise(power: np.ndarray) -> np.ndarray:
    """Follow the power of the noise through spectra, in both directions of time.

    Args:
        power: (T, F) of a sound.

    Returns:
        (T, F), the geometric mean of what is found forwards and backwards.
    """
    return np.sqrt(_follow(power) * _follow(power[::-1])[::-1])


def _follow(power: np.ndarray) -> np.ndarray:
    """Follow the noise forwards: where speech is unlikely, the spectrum is taken for noise."""
    # A recording may begin in the middle of a word: nothing above the usual is believed.
    noise = np.minimum(power[:12].mean(0), np.median(power, 0) * 1.5) + SILENCE
    found = np.empty_like(power)
    usual = np.full(power.shape[1], 0.5)
    for number, now in enumerate(power):
        likely = 1 / (1 + (1 + PRESENT) * np.exp(-now / noise * PRESENT / (1 + PRESENT)))
        usual = 0.9 * usual + 0.1 * likely
        # A bin that never falls silent is noise that has grown; without this it would stay speech.
        likely = np.where(usual > 0.99, np.minimum(likely, 0.99), likely)
        noise = 0.8 * noise + 0.2 * (likely * noise + (1 - likely) * now)
        noise = np.maximum(noise, SILENCE)
        found[number] = noise
    return found


def gains(power: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return by how much each bin of spectra is to be multiplied, (T, F) in 0..1.

    Args:
        power: (T, F) of the sound.
        noise: (T, F) or (F,), of the noise in it.
    """
    noise = np.broadcast_to(noise, power.shape)
    ratio = power / noise
    return np.sqrt(_decide(ratio, noise) * _decide(ratio[::-1], noise[::-1])[::-1])


def _decide(ratio: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the gains in one direction of time."""
    found = np.empty_like(ratio)
    before = np.zeros(ratio.shape[1])
    for number, (now, floor) in enumerate(zip(ratio, noise, strict=True)):
        prior = MEMORY * before / floor + (1 - MEMORY) * np.maximum(now - 1, 0)
        share = np.maximum(prior, LEAST)
        share = share / (1 + share)
        gain = np.minimum(share * np.exp(0.5 * exp1(np.maximum(share * now, 1e-6))), 1)
        before = gain**2 * now * floor
        found[number] = gain
    return found


def noise_profile(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return the power of noise, (F,), from samples, (C, N), that hold nothing else."""
    spectra = Spectra(rate, samples.shape[1])
    whole = slice(OVERLAP, max(spectra.count - OVERLAP - 1, OVERLAP + 1))
    found = [np.square(np.abs(spectra.of(channel)[whole])).mean(0) for channel in samples]
    return np.maximum(np.mean(found, 0), SILENCE)


def cut_rumble(samples: np.ndarray, rate: int, below: float, share: float = 1.0) -> np.ndarray:
    """Take out what lies below a frequency in Hz, without moving what lies above (zero phase).

    Args:
        samples: (C, N).
        share: 0..1, how much of it is taken out.
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
    """Take noise out of sound.

    The two channels of a stereo recording are given the same gains, so that nobody moves from left
    to right; more channels are taken one by one.

    Args:
        samples: (C, N) float32, full scale 1.
        limit: decibels by which noise is lowered at most.
        profile: (F,) of `noise_profile`; the noise is followed through the sound if not given.

    Returns:
        (C, N) float32.
    """
    if limit <= 0 or samples.shape[1] == 0:
        return samples
    groups = [samples] if len(samples) <= 2 else [channel[None] for channel in samples]
    return np.concatenate([_reduce(group, rate, limit, profile) for group in groups])


def _reduce(samples: np.ndarray, rate: int, limit: float, profile: np.ndarray | None) -> np.ndarray:
    spectra = Spectra(rate, samples.shape[1])
    held = [spectra.of(channel) for channel in samples]
    power = np.mean([np.square(np.abs(one), dtype=np.float64) for one in held], 0)
    noise = track_noise(power) if profile is None else profile
    gain = np.maximum(gains(power, noise), 10 ** (-limit / 20)).astype(np.float32)
    return np.stack([spectra.back(one * gain) for one in held]).astype(np.float32)

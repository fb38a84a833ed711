"""Measure the loudness of a track by EBU R 128, and set it without flattening what is loud.

One gain for the whole track keeps quiet parts quieter than loud ones. Peaks that would then pass
the ceiling are lowered for some milliseconds each. Only a few may be: if many were, the loud words
of a talk would be pressed down to the others, so the gain stays smaller.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from helpers.audio.track import Sound, encode, process_in_pieces

_LEAST_HARM = 1e-4
"""The limiter may change so much of the energy of a track, -40 dB. Cleaned speech differs from the
truth by -10 to -35 dB, so this is not heard."""

_REACH = 0.005
"""The gain falls during so many seconds before a peak, and rises as slowly after it."""


@dataclass(frozen=True)
class Loudness:
    """The loudness of a track by EBU R 128.

    Attributes:
        integrated: integrated loudness in LUFS; -inf for silence.
        peak: true peak in dBTP.
        range: loudness range in LU.
    """

    integrated: float
    peak: float
    range: float


def measure_loudness(sound: Sound) -> Loudness:
    """Measure a track by EBU R 128, with the first pass of ffmpeg's loudnorm."""
    output = encode(
        sound.samples, sound.rate, ["-af", "loudnorm=print_format=json", "-f", "null", "-"]
    )
    found = json.loads(output[output.rindex("{") : output.rindex("}") + 1])
    values = [float(found[name]) for name in ("input_i", "input_tp", "input_lra")]
    return Loudness(*values)


def set_loudness(
    sound: Sound, target: float, ceiling: float, strength: float = 1.0, most: float | None = None
) -> Sound:
    """Bring a track to a loudness; no true peak passes the ceiling.

    As in loudnorm's linear mode the whole track gets one gain. Where a peak would pass the ceiling,
    the gain is lowered for some milliseconds; loudnorm's dynamic mode would lower it for the rest
    of the track too.

    Args:
        target: LUFS.
        ceiling: dBTP.
        most: the highest gain in decibels; the target is then also missed if too many peaks would
            have to be lowered. If not given, the target is reached in any case.
    """
    before = measure_loudness(sound)
    if not math.isfinite(before.integrated) or before.integrated < -69:
        return sound  # below the gate of EBU R 128, so it has no loudness
    gain = (target - before.integrated) * strength
    if most is not None:
        gain = min(gain, most)
        if before.peak + gain > ceiling:
            gain = min(gain, _find_harmless_gain(sound, gain, ceiling))
        return _apply_gain(sound, gain, ceiling)
    done = _apply_gain(sound, gain, ceiling)
    # Limiting the peaks lowered the loudness a little; add what is missing.
    missing = before.integrated + gain - measure_loudness(done).integrated
    return _apply_gain(sound, gain + missing, ceiling) if 0.1 < missing < 6 else done


def _apply_gain(sound: Sound, gain: float, ceiling: float) -> Sound:
    work = partial(limit_peaks, rate=sound.rate, gain=10 ** (gain / 20), top=10 ** (ceiling / 20))
    return process_in_pieces(sound, work, around=1)


def _find_harmless_gain(sound: Sound, most: float, ceiling: float) -> float:
    """Return the highest gain, in decibels, at which the limiter changes next to nothing."""
    size = max(round(sound.rate * _REACH), 1)
    pieces = [_measure_blocks(piece, size) for _, piece in sound.pieces()]
    peaks, energies = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    # A peak lowers the gain in the blocks beside its own too.
    peaks = maximum_filter1d(peaks, 3)
    low, high = ceiling - 20 * math.log10(peaks.max()), most
    while high - low > 0.05:
        gain = (low + high) / 2
        curve = np.minimum(1, 10 ** ((ceiling - gain) / 20) / np.maximum(peaks, 1e-9))
        harm = (energies * np.square(1 - curve)).sum() / energies.sum()
        low, high = (gain, high) if harm <= _LEAST_HARM else (low, gain)
    return low


def _measure_blocks(samples: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the true peak and the energy of each block, both (B,), of samples, (C, N)."""
    room = (0, -samples.shape[1] % size)
    peaks = np.pad(_find_peaks(samples), room).reshape(-1, size).max(1)
    energies = np.pad(np.square(samples, dtype=np.float64).sum(0), room).reshape(-1, size).sum(1)
    return peaks, energies


def _find_peaks(samples: np.ndarray) -> np.ndarray:
    """Return the highest true peak of all channels at each sample, (N,), of samples, (C, N)."""
    from scipy.signal import resample_poly

    fine = np.abs(resample_poly(samples, 4, 1, axis=1)).max(0).reshape(-1, 4)
    peaks = np.maximum(fine.max(1), np.abs(samples).max(0))
    return np.maximum(peaks, np.roll(peaks, 1))  # a peak may lie on either side of a sample


def limit_peaks(samples: np.ndarray, rate: int, gain: float, top: float) -> np.ndarray:
    """Multiply samples, (C, N), by `gain`, and lower the gain where a peak would pass `top`.

    True peaks are found at four times the sample rate. The gain falls during the five milliseconds
    before each peak and rises as slowly after it.
    """
    loud = (samples * np.float32(gain)).astype(np.float32)
    # Slightly below the ceiling, because other meters interpolate differently.
    wanted = np.minimum(1.0, 0.985 * top / np.maximum(_find_peaks(loud), 1e-9))
    if wanted.min() >= 1:
        return loud
    reach = 2 * max(round(rate * _REACH), 1) + 1
    lowest = minimum_filter1d(wanted, reach, mode="nearest")
    window = np.hanning(reach + 2)[1:-1]
    padded = np.pad(lowest, reach // 2, mode="edge")
    curve = np.convolve(padded, window / window.sum(), "valid")
    return (loud * curve).astype(np.float32)

"""The steps of cleaning sound: each takes a track and returns one of the same length.

Where a filter delays the sound, the delay is removed here, to the sample.
"""

from __future__ import annotations

import re
from functools import partial

import numpy as np

from helpers.audio import clicks, measures, models, spectral_denoise
from helpers.audio.clipping import find_clipping
from helpers.audio.hum import find_hum
from helpers.audio.hum import remove_hum as subtract_hum
from helpers.audio.track import Sound, SoundError, at_rate, process_in_pieces, run_filters

_RNN_RATE, _RNN_LATE = 48_000, 480
"""The sample rate of RNNoise, and the delay of ffmpeg's arnndn in samples at that rate."""

_RNN_BLOCK = 480
"""Samples in a block of RNNoise."""

_LEARN = 600
"""The noise profile is learnt from the first so many seconds of a track."""


# --- repair -------------------------------------------------------------------------------------


def remove_hum(sound: Sound, strength: float = 1.0) -> Sound:
    """Remove mains hum and its harmonics wherever they are found."""

    def work(samples: np.ndarray) -> np.ndarray:
        hum = find_hum(samples, sound.rate)
        return samples if hum is None else subtract_hum(samples, sound.rate, hum, strength)

    return process_in_pieces(sound, work, around=3)


def cut_rumble(sound: Sound, below: float, strength: float = 1.0) -> Sound:
    """Remove what lies below a frequency, in hertz."""
    return process_in_pieces(
        sound, partial(spectral_denoise.cut_rumble, rate=sound.rate, below=below, share=strength)
    )


def cut_hiss_above(sound: Sound, above: float, strength: float = 1.0) -> Sound:
    """Remove what lies above a frequency, in hertz, where an old track holds only noise."""
    if above >= sound.rate * 0.48:
        return sound
    from scipy.signal import butter, sosfiltfilt

    filter = butter(4, above, "lowpass", fs=sound.rate, output="sos")

    def work(samples: np.ndarray) -> np.ndarray:
        if samples.shape[1] < 32:
            return samples
        low = sosfiltfilt(filter, samples)
        return (samples + (low - samples) * strength).astype(np.float32)

    return process_in_pieces(sound, work)


def repair_clicks(sound: Sound, strength: float = 1.0) -> Sound:
    """Replace clicks by what the sound around them predicts; nothing else is changed."""

    def repair(channel: np.ndarray) -> np.ndarray:
        found = clicks.find_clicks(channel, sound.rate, sensitive=True)
        return clicks.replace_clicks(channel, found, sound.rate) if found.any() else channel

    def work(samples: np.ndarray) -> np.ndarray:
        repaired = np.stack([repair(channel) for channel in samples])
        return samples + (repaired - samples) * np.float32(strength)

    return process_in_pieces(sound, work, around=1)


def repair_clipping(sound: Sound, strength: float = 1.0) -> Sound:
    """Restore clipped peaks with ffmpeg's adeclip; nothing else is changed."""
    from scipy.ndimage import binary_dilation

    def work(samples: np.ndarray) -> np.ndarray:
        cut = [find_clipping(one)[0] for one in samples]
        if not np.any(cut):
            return samples
        repaired = run_filters(samples, sound.rate, "adeclip")
        changed = samples + (repaired - samples) * np.float32(strength)
        return np.where([binary_dilation(one, iterations=2) for one in cut], changed, samples)

    return process_in_pieces(sound, work, around=1)


# --- noise --------------------------------------------------------------------------------------


def reduce_noise(
    sound: Sound, limit: float, noise: tuple[float, float] | str | None = None
) -> Sound:
    """Reduce steady and slowly changing noise by its spectrum (spectral_denoise.py).

    Args:
        limit: the most by which it is reduced, in decibels.
        noise: None to track the noise as it changes, "quiet" to learn it from the quietest moment,
            or a stretch of noise alone, from and to in seconds on the film's timeline.
    """
    profile = None if noise is None else _learn_profile(sound, noise)
    return process_in_pieces(
        sound,
        partial(spectral_denoise.reduce_noise, rate=sound.rate, limit=limit, profile=profile),
    )


def _learn_profile(sound: Sound, noise: tuple[float, float] | str) -> np.ndarray:
    """Return the power spectrum of the noise, learnt from a stretch of the track."""
    if isinstance(noise, str):
        if noise != "quiet":
            raise SoundError(
                f'noise must be a stretch in seconds, "quiet" or None; {noise!r} was given.'
            )
        found = find_quiet_stretch(sound)
        if found is None:
            raise SoundError(
                "This track has no half second of noise alone to learn from. Give a stretch, such "
                "as noise=(1.5, 2.5), or leave noise out to track the noise as it changes."
            )
        noise = found
    part = sound.cut(*noise)
    if len(part) < 2 * spectral_denoise.WINDOW * sound.rate:
        raise SoundError(
            f"The stretch of noise from {noise[0]:g} to {noise[1]:g} s is too short, or outside "
            f"the track ({float(sound.start):.2f} to {float(sound.end):.2f} s). It must be at "
            "least 0.13 s long; half a second is better."
        )
    return spectral_denoise.noise_profile(part.samples, sound.rate)


def find_quiet_stretch(sound: Sound, seconds: float = 0.5) -> tuple[float, float] | None:
    """Return the quietest stretch of noise, in seconds on the film's timeline."""
    head = sound.samples[:, : _LEARN * sound.rate]
    found = measures.find_quietest(head, sound.rate, seconds)
    return found and (float(sound.start) + found[0], float(sound.start) + found[1])


def run_rnnoise(sound: Sound, strength: float) -> Sound:
    """Clean speech with RNNoise in ffmpeg; `strength` is the share of the cleaned sound."""
    model = str(models.fetch("rnnoise"))
    # The path is quoted twice in a filter's options, so its special characters are escaped twice.
    for sign in "\\':":
        model = model.replace(sign, "\\" + sign)
    model = re.sub(r"([\\',;\[\]])", r"\\\1", model)
    filters = f"arnndn=m={model}:mix={strength:.3f}"

    def work(samples: np.ndarray) -> np.ndarray:
        # arnndn divides by zero in digital silence, and fails for all that follows; and it pads its
        # last block with silence. Noise below the last bit of 16-bit sound prevents both.
        room = -(samples.shape[1] + _RNN_LATE) % _RNN_BLOCK + _RNN_BLOCK
        padded = np.pad(samples, ((0, 0), (0, room)))
        hush = np.random.default_rng(0).normal(0, 1e-5, padded.shape).astype(np.float32)
        made = run_filters(padded + hush, _RNN_RATE, filters, _RNN_LATE)[:, : samples.shape[1]]
        return np.where(np.isfinite(made), made, samples)

    return process_in_pieces(sound, at_rate(sound.rate, _RNN_RATE, work))


def run_deepfilter(sound: Sound, limit: float | None) -> Sound:
    """Clean speech with DeepFilterNet 3; noise is reduced by at most `limit` decibels."""
    from helpers.audio.deepfilter import RATE, DeepFilter

    engine = DeepFilter(models.fetch("deepfilter"))

    def work(samples: np.ndarray) -> np.ndarray:
        return np.stack([engine(channel, limit) for channel in samples])

    return process_in_pieces(sound, at_rate(sound.rate, RATE, work), seconds=600, around=10)

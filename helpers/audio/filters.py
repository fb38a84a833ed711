"""The steps that cleaning sound is made of: each takes a track and gives one of the same length.

Where a filter delays the sound, the delay is made good here, to the sample.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from functools import partial

import numpy as np

from helpers.audio import declick, measures, models, spectral_denoise
from helpers.audio.track import Sound, SoundError, at_rate, encode, filtered, in_pieces

RNN_RATE, RNN_LATE = 48_000, 480
"""The rate that RNNoise knows, and the samples by which ffmpeg's arnndn delays the sound there."""

RNN_BLOCK = 480
"""Samples that RNNoise works on at once."""

LEARN = 600
"""Seconds of a track that a noise profile is sought in."""


@dataclass(frozen=True)
class Loudness:
    """How loud a track is, by EBU R 128.

    Attributes:
        integrated: LUFS of the whole; -inf for silence.
        peak: the true peak, in decibels under full scale.
        range: LU between the quiet and the loud.
    """

    integrated: float
    peak: float
    range: float


# --- mending ------------------------------------------------------------------------------------


def cut_hum(sound: Sound, strength: float = 1.0) -> Sound:
    """Take out the hum of the mains and its harmonics, wherever it is found."""

    def work(samples: np.ndarray) -> np.ndarray:
        hum = declick.find_hum(samples, sound.rate)
        return samples if hum is None else declick.remove_hum(samples, sound.rate, hum, strength)

    return in_pieces(sound, work, around=3)


def cut_rumble(sound: Sound, below: float, strength: float = 1.0) -> Sound:
    """Take out what lies below a frequency, in hertz."""
    return in_pieces(
        sound, partial(spectral_denoise.cut_rumble, rate=sound.rate, below=below, share=strength)
    )


def cut_hiss_above(sound: Sound, above: float, strength: float = 1.0) -> Sound:
    """Take out what lies above a frequency, in hertz: an old track holds only noise there."""
    if above >= sound.rate * 0.48:
        return sound
    from scipy.signal import butter, sosfiltfilt

    filter = butter(4, above, "lowpass", fs=sound.rate, output="sos")

    def work(samples: np.ndarray) -> np.ndarray:
        if samples.shape[1] < 32:
            return samples
        low = sosfiltfilt(filter, samples)
        return (samples + (low - samples) * strength).astype(np.float32)

    return in_pieces(sound, work)


def mend_clicks(sound: Sound, strength: float = 1.0) -> Sound:
    """Take out clicks and crackle: ffmpeg's adeclick mends them, but only where one stands out.

    By itself it also mends the beats of a voice.
    """
    from scipy.ndimage import binary_dilation

    def work(samples: np.ndarray) -> np.ndarray:
        hit = [declick.find_clicks(one, sound.rate, 8 / max(strength, 0.1)) for one in samples]
        if not np.any(hit):
            return samples
        mended = filtered(samples, sound.rate, "adeclick=w=100:o=75:a=4:t=3:b=5")
        reach = max(round(sound.rate * 0.0005), 2)
        return np.where([binary_dilation(one, iterations=reach) for one in hit], mended, samples)

    return in_pieces(sound, work, around=1)


def mend_clipping(sound: Sound, strength: float = 1.0) -> Sound:
    """Round out peaks that were cut off, by ffmpeg's adeclip; nothing else is touched."""
    from scipy.ndimage import binary_dilation

    def work(samples: np.ndarray) -> np.ndarray:
        cut = [declick.find_clipping(one)[0] for one in samples]
        if not np.any(cut):
            return samples
        mended = filtered(samples, sound.rate, "adeclip")
        changed = samples + (mended - samples) * np.float32(strength)
        return np.where([binary_dilation(one, iterations=2) for one in cut], changed, samples)

    return in_pieces(sound, work, around=1)


# --- noise --------------------------------------------------------------------------------------


def cut_noise(sound: Sound, limit: float, noise: tuple[float, float] | str | None = None) -> Sound:
    """Lower steady and slowly changing noise by the spectra (spectral_denoise.py).

    Args:
        limit: decibels by which it is lowered at most.
        noise: None to follow it through the track, "quiet" to learn it where it is quietest, or a
            stretch that holds nothing else, from and to in seconds on the film's timeline.
    """
    profile = None if noise is None else _profile(sound, noise)
    return in_pieces(
        sound,
        partial(spectral_denoise.reduce_noise, rate=sound.rate, limit=limit, profile=profile),
    )


def _profile(sound: Sound, noise: tuple[float, float] | str) -> np.ndarray:
    """Return the power of the noise, learnt from a stretch of the track."""
    if isinstance(noise, str):
        if noise != "quiet":
            raise SoundError(f'noise is a stretch in seconds, "quiet" or None; {noise!r} came.')
        found = quiet_stretch(sound)
        if found is None:
            raise SoundError(
                "Nowhere is there half a second of noise alone in this track; name a stretch, "
                "such as noise=(1.5, 2.5), or leave noise out, and it is followed through time."
            )
        noise = found
    part = sound.cut(*noise)
    if len(part) < 2 * spectral_denoise.WINDOW * sound.rate:
        raise SoundError(
            f"The stretch of noise from {noise[0]:g} to {noise[1]:g} s is too short, or not within "
            f"the track ({float(sound.start):.2f} to {float(sound.end):.2f} s); half a second is "
            "good, and 0.13 s is the least."
        )
    return spectral_denoise.noise_profile(part.samples, sound.rate)


def quiet_stretch(sound: Sound, seconds: float = 0.5) -> tuple[float, float] | None:
    """Return the quietest stretch of noise, in seconds on the film's timeline."""
    head = sound.samples[:, : LEARN * sound.rate]
    found = measures.quietest(head, sound.rate, seconds)
    return found and (float(sound.start) + found[0], float(sound.start) + found[1])


def run_rnnoise(sound: Sound, strength: float) -> Sound:
    """Clean speech with RNNoise, in ffmpeg; `strength` is how much of the original goes."""
    model = str(models.fetch("rnnoise"))
    # A path within a filter's options: each level of quoting takes its own backslash.
    for sign in "\\':":
        model = model.replace(sign, "\\" + sign)
    model = re.sub(r"([\\',;\[\]])", r"\\\1", model)
    filters = f"arnndn=m={model}:mix={strength:.3f}"

    def work(samples: np.ndarray) -> np.ndarray:
        # In digital silence arnndn divides by nothing, and what follows is lost too; and it fills
        # its last block up with silence. A noise below the last bit of 16 keeps it busy.
        room = -(samples.shape[1] + RNN_LATE) % RNN_BLOCK + RNN_BLOCK
        padded = np.pad(samples, ((0, 0), (0, room)))
        hush = np.random.default_rng(0).normal(0, 1e-5, padded.shape).astype(np.float32)
        made = filtered(padded + hush, RNN_RATE, filters, RNN_LATE)[:, : samples.shape[1]]
        return np.where(np.isfinite(made), made, samples)

    return in_pieces(sound, at_rate(sound.rate, RNN_RATE, work))


def run_deepfilter(sound: Sound, limit: float | None) -> Sound:
    """Clean speech with DeepFilterNet 3; `limit` is how many decibels of noise go at most."""
    from helpers.audio.deepfilter import RATE, DeepFilter

    engine = DeepFilter(models.fetch("deepfilter"))

    def work(samples: np.ndarray) -> np.ndarray:
        return np.stack([engine(channel, limit) for channel in samples])

    return in_pieces(sound, at_rate(sound.rate, RATE, work), seconds=600, around=10)


# --- loudness -----------------------------------------------------------------------------------


def measure_loudness(sound: Sound) -> Loudness:
    """Measure a track by EBU R 128: the first pass of ffmpeg's loudnorm."""
    said = encode(
        sound.samples, sound.rate, ["-af", "loudnorm=print_format=json", "-f", "null", "-"]
    )
    found = json.loads(said[said.rindex("{") : said.rindex("}") + 1])
    values = [float(found[name]) for name in ("input_i", "input_tp", "input_lra")]
    return Loudness(*values)


def level(sound: Sound, target: float, ceiling: float, strength: float = 1.0) -> Sound:
    """Make a track as loud as is wanted; no true peak passes the ceiling.

    What loudnorm's linear second pass would do: one gain for the whole track, so that what is quiet
    stays quieter than what is loud. Where a peak would pass the ceiling it is turned down, for some
    milliseconds, and the rest of the track is not, as loudnorm's other mode would.

    Args:
        target: LUFS.
        ceiling: decibels under full scale.
    """
    before = measure_loudness(sound)
    if not math.isfinite(before.integrated) or before.integrated < -69:
        return sound  # nothing that the measure counts as sound
    gain = (target - before.integrated) * strength
    done = _limited(sound, gain, ceiling)
    if before.peak + gain > ceiling:
        # What was turned down is missing from the loudness.
        missing = before.integrated + gain - measure_loudness(done).integrated
        if 0.1 < missing < 6:
            done = _limited(sound, gain + missing, ceiling)
    return done


def _limited(sound: Sound, gain: float, ceiling: float) -> Sound:
    work = partial(limit_peaks, rate=sound.rate, gain=10 ** (gain / 20), top=10 ** (ceiling / 20))
    return in_pieces(sound, work, around=1)


def limit_peaks(samples: np.ndarray, rate: int, gain: float, top: float) -> np.ndarray:
    """Make samples, (C, N), `gain` times as loud, and turn down what would pass `top`.

    The peaks are those between the samples too, four times as finely. What turns them down begins
    five milliseconds before each, and leaves as slowly.
    """
    from scipy.ndimage import minimum_filter1d
    from scipy.signal import resample_poly

    loud = (samples * np.float32(gain)).astype(np.float32)
    fine = np.abs(resample_poly(loud, 4, 1, axis=1)).max(0).reshape(-1, 4)
    peak = np.maximum(fine.max(1), np.abs(loud).max(0))
    peak = np.maximum(peak, np.roll(peak, 1))  # a peak after the sample, and one before the next
    # A hair below, because other meters look between the samples in their own way.
    wanted = np.minimum(1.0, 0.985 * top / np.maximum(peak, 1e-9))
    if wanted.min() >= 1:
        return loud
    reach = 2 * max(round(rate * 0.005), 1) + 1
    lowest = minimum_filter1d(wanted, reach, mode="nearest")
    window = np.hanning(reach + 2)[1:-1]
    padded = np.pad(lowest, reach // 2, mode="edge")
    curve = np.convolve(padded, window / window.sum(), "valid")
    return (loud * curve).astype(np.float32)

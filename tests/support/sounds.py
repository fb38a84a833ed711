"""Sounds like speech, noise, and films that carry them."""

from __future__ import annotations

import math

import numpy as np

from helpers.audio.track import Sound
from tests.support.films import ffmpeg


def voice(seconds=3.0, rate=16_000, seed=0):
    """Something like speech, (1, N): a buzz of changing pitch in syllables, with pauses."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = 110 + 25 * np.sin(2 * np.pi * 0.7 * time)
    turn = 2 * np.pi * np.cumsum(pitch) / rate
    tones = sum(np.sin(n * turn + n) / n for n in range(1, 18) if n * 140 < rate / 2)
    beat = np.clip(np.sin(2 * np.pi * 3.1 * time + seed), 0, 1) ** 0.7
    pauses = np.sin(2 * np.pi * 0.4 * time + 0.5 + seed) > -0.5
    return (0.12 * tones * beat * pauses)[None].astype(np.float32)


def noise(count, size, seed=1):
    return np.random.default_rng(seed).normal(0, size, (1, count)).astype(np.float32)


def gain(before, after, truth):
    """By how many decibels what is not the truth has become less."""
    wrong = [np.square((sound - truth).astype(float)).sum() + 1e-12 for sound in (before, after)]
    return 10 * math.log10(wrong[0] / wrong[1])


def noisy_film(path, *sounds, rate=16_000, late=0.0, codec="pcm_s16le", options=()):
    """Write a film of three seconds with sound tracks."""
    inputs, maps = [], ["-map", "0:v"]
    for number, sound in enumerate(sounds):
        file = Sound(sound, rate).save(path.parent / f"in{number}.wav")
        inputs += ["-itsoffset", late, "-i", file]
        maps += ["-map", f"{number + 1}:a"]
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=3", *inputs, *maps, "-c:v", "libx264"),
        *("-pix_fmt", "yuv420p", "-c:a", codec, *options, path),
    )
    return path

"""Measure the sound of a film and of its restoration at the same moments, without a known truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.audio.measures import signal_to_noise
from helpers.quality.no_reference import Course
from helpers.verify.contents import read_contents
from helpers.verify.ffmpeg import RATE, read_sound

_SECONDS = 6.0
"""The length of the stretches. A voice pauses within that time, so that its noise is heard."""

_SILENT = -90.0
"""Decibels relative to full scale: what is said of digital silence."""


def measure_both_sounds(
    film: Path, result: Path, moments: Sequence[float], span: tuple[float, float]
) -> tuple[Course, ...]:
    """Measure the first sound tracks of two files.

    Args:
        film, result: the files.
        moments: times of the film, in seconds from what a player calls 0.
        span: when the result begins and ends, on the same clock.

    Returns:
        The courses of loudness and of the voice above the noise; none if one has no sound.
    """
    sides = []
    for path, late in ((film, 0.0), (result, span[0])):
        contents = read_contents(path)
        if not contents.of("audio"):
            return ()
        zero = contents.zero
        if path == result:
            late -= float(np.nanmin(contents.picture().times)) - zero
        heard = []
        for at in moments:
            begin, end = max(at - _SECONDS / 2, span[0]), min(at + _SECONDS / 2, span[1])
            heard.append(read_sound(path, 0, max(begin - late, 0) + zero, end - begin, zero))
        sides.append([_measure(samples) for samples in heard])
    before, after = ([tuple(column) for column in zip(*side, strict=True)] for side in sides)
    return (
        Course("loudness", "how loud it is", "dB of full scale", "same", before[0], after[0]),
        Course("voice", "how far a voice is above the noise", "dB", "more", before[1], after[1]),
    )


def _measure(samples: np.ndarray) -> tuple[float, float]:
    """Return the level in dB, and how many dB a voice is above the noise."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    level = max(10 * np.log10(power + 1e-12), _SILENT)
    voice = signal_to_noise(samples[None], RATE) if level > _SILENT else 0.0
    return round(float(level), 2), round(voice, 2)

"""What is the matter with a sound, and what would help it.

found = diagnose("talk.mp4")
found  # says it in words
found.preset  # "talk" or "film"
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.audio import declick, measures, spectral_denoise
from helpers.audio.filters import Loudness, measure_loudness
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound

SILENCE = Loudness(-math.inf, -math.inf, 0.0)
"""How loud nothing is."""

STRETCH, STRETCHES = 60, 5
"""Seconds that are listened to at once, and how many such stretches, all over the track."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a track.

    Attributes:
        track: the sound, in words.
        silent: nothing can be heard.
        speech: it comes and goes as talk does.
        snr: decibels by which the voice lies above the noise, estimated.
        hum: the mains, if they are heard.
        clipped: 0..1, the share of samples whose peaks were cut off.
        clicks: clicks a minute.
        rumble: decibels by which what lies below 60 Hz is louder than the noise above it.
        bandwidth: hertz up to which there is more than noise.
        loudness: EBU R 128.
    """

    track: str
    silent: bool
    speech: bool = False
    snr: float = 0.0
    hum: declick.Hum | None = None
    clipped: float = 0.0
    clicks: float = 0.0
    rumble: float = 0.0
    bandwidth: float = 0.0
    loudness: Loudness = SILENCE

    @property
    def preset(self) -> str:
        """The chain of steps that fits: "talk" or "film"."""
        return "talk" if self.speech else "film"

    def sentences(self) -> list[str]:
        """Say what was found, and what follows."""
        if self.silent:
            return ["Nothing can be heard in it; it will be left as it is."]
        kind = (
            "It comes and goes as talk does: the preset talk."
            if self.speech
            else "It does not come and go as talk does: the preset film, which is gentler."
        )
        grade = "clean" if self.snr > 30 else "a little noisy" if self.snr > 18 else "noisy"
        lines = [kind, f"The voice lies about {self.snr:.0f} dB above the noise: {grade}."]
        if self.hum:
            lines.append(
                f"Hum of the mains at {self.hum.base:.2f} Hz and {len(self.hum.harmonics) - 1} "
                "multiples: it will be taken out."
            )
        if self.rumble > 12:
            lines.append(f"Rumble below 60 Hz, {self.rumble:.0f} dB: it will be cut off.")
        if self.clipped:
            lines.append(
                f"{self.clipped:.2%} of it is cut off at the top (recorded too loud): mended."
            )
        if self.has_clicks:
            lines.append(f"About {self.clicks:.0f} clicks a minute: mended.")
        lines.append(f"There is sound up to {self.bandwidth / 1000:.1f} kHz.")
        loud = self.loudness
        lines.append(f"Loudness {loud.integrated:.1f} LUFS, highest true peak {loud.peak:+.1f} dB.")
        return lines

    @property
    def has_clicks(self) -> bool:
        """Whether there are so many clicks that they are worth mending."""
        return self.clicks > 20

    def __repr__(self) -> str:
        return "\n".join([self.track, *(f"- {line}" for line in self.sentences())])


def diagnose(source: str | Path | Sound, track: int = 0) -> Diagnosis:
    """Listen to a track and say what is the matter with it.

    Args:
        source: a film, or a sound.
        track: which of its sound tracks, from 0.

    Raises:
        SoundError: there is no such track.
    """
    sound = source if isinstance(source, Sound) else read_sound(source, track)
    if sound.silent:
        return Diagnosis(repr(sound), True)
    parts = [part for part in _stretches(sound) if np.abs(part).max(initial=0) > 1e-4]
    parts = parts or [np.asarray(sound.samples[:, : STRETCH * sound.rate])]
    rate, seconds = sound.rate, sum(part.shape[1] for part in parts) / sound.rate
    clicks = [count_clicks(part, rate) for part in parts]
    hums = [hum for part in parts if (hum := declick.find_hum(part, rate))]
    clipped = [declick.find_clipping(one)[0].mean() for part in parts for one in part]
    return Diagnosis(
        track=repr(sound),
        silent=False,
        speech=float(np.median([measures.rhythm(part, rate).syllables for part in parts])) > 0.3,
        snr=estimate_snr(sound),
        hum=max(hums, key=lambda hum: hum.above) if 2 * len(hums) >= len(parts) else None,
        clipped=float(np.mean(clipped)),
        clicks=60 * sum(clicks) / max(seconds, 0.1),
        rumble=float(np.median([rumble(part, rate) for part in parts])),
        bandwidth=max(measures.bandwidth(part, rate) for part in parts),
        loudness=measure_loudness(sound),
    )


def estimate_snr(sound: Sound) -> float:
    """Estimate by how many decibels the voice lies above the noise."""
    found = [measures.signal_to_noise(part, sound.rate) for part in _stretches(sound)]
    return float(np.median(found))


def _stretches(sound: Sound) -> list[np.ndarray]:
    """Return stretches from all over the track, or the whole of a short one."""
    size = STRETCH * sound.rate
    if len(sound) <= STRETCHES * size:
        return [
            piece for _, piece in sound.pieces(STRETCH) if piece.shape[1] > sound.rate // 2
        ] or [np.asarray(sound.samples)]
    starts = np.linspace(0, len(sound) - size, STRETCHES).astype(int)
    return [np.asarray(sound.samples[:, start : start + size]) for start in starts]


def count_clicks(samples: np.ndarray, rate: int) -> int:
    """Count the clicks that nobody's voice makes, in the channel that has most of them.

    Of more than two channels, in the middle one: the bass channel of 5.1 is all jolts.
    """
    found = [declick.find_clicks(one, rate, 20.0) for one in samples]
    counts = sorted(int(np.count_nonzero(np.diff(one.astype(np.int8)) == 1)) for one in found)
    return counts[-1] if len(counts) <= 2 else counts[len(counts) // 2]


def rumble_share(sound: Sound, below: float = 60.0) -> float:
    """Return how much of what lies below a frequency is to be cut off, 0..1.

    Nothing where it is 20 decibels under the rest: a deep voice has something there too.
    """
    ratios = []
    for part in _stretches(sound):
        rest = spectral_denoise.cut_rumble(part, sound.rate, below)
        low, high = (float(np.square(one).mean()) + 1e-12 for one in (part - rest, rest))
        ratios.append(10 * math.log10(low / high))
    return min(max((float(np.median(ratios)) + 20) / 6, 0.0), 1.0)


def rumble(samples: np.ndarray, rate: int) -> float:
    """Return by how many decibels the noise below 60 Hz is louder than that from 200 Hz on."""
    if rate < 1000:
        return 0.0
    low = measures.levels(samples, rate, (10.0, 60.0))
    high = measures.levels(samples, rate, measures.VOICE)
    return float(np.median(low) - measures.noise_floor(high))

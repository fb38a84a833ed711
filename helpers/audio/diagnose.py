"""Find what is wrong with a sound, and which preset would help.

found = diagnose("talk.mp4")
found  # shows the findings in words
found.preset  # "talk" or "film"
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from helpers.audio import measures, spectral_denoise
from helpers.audio.clicks import count_clicks, find_clicks
from helpers.audio.clipping import find_clipping
from helpers.audio.hum import Hum, find_hum
from helpers.audio.loudness import Loudness, measure_loudness
from helpers.audio.reader import read_sound
from helpers.audio.track import Sound

_SILENCE = Loudness(-math.inf, -math.inf, 0.0)
"""The loudness of a silent track."""

NEARLY_SILENT = -50.0
"""LUFS. Quieter sound is hardly more than the noise of the recorder. Speech that was recorded much
too quietly is at -40 (by trial)."""

_STANDS_OUT = 0.5
"""Decibels. Noise alone has 0.0, a voice that is as loud as the noise 0.9 (by trial)."""

_STRETCH, _STRETCHES = 60, 5
"""A track is judged by this many stretches, spread over it, of this many seconds each."""

_LEAST_SECONDS = 10
"""A shorter track is judged as if it were so long: two clicks in two seconds may be a voice's."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a track.

    Attributes:
        track: the sound, in words.
        silent: nothing can be heard.
        speech: it has the rhythm of speech.
        snr: estimated signal-to-noise ratio of the voice, in decibels.
        hum: the mains hum; None if there is none.
        clipped: 0..1, the share of samples that are clipped.
        clicks: clicks a minute.
        rumble: how many decibels the sound below 60 Hz is louder than the noise above 200 Hz.
        bandwidth: the frequency in hertz above which there is only noise.
        loudness: EBU R 128.
        stands_out: whether anything, speech or music, is louder than the noise anywhere.
    """

    track: str
    silent: bool
    speech: bool = False
    snr: float = 0.0
    hum: Hum | None = None
    clipped: float = 0.0
    clicks: float = 0.0
    rumble: float = 0.0
    bandwidth: float = 0.0
    loudness: Loudness = _SILENCE
    stands_out: bool = True

    @property
    def too_quiet(self) -> str:
        """Why the track should not be made louder, in words; "" if it may be."""
        if reason := say_too_quiet(self.loudness):
            return reason
        return "" if self.stands_out else "nothing in it stands out from the noise"

    @property
    def preset(self) -> str:
        """The method that fits: "talk" or "film"."""
        return "talk" if self.speech else "film"

    def sentences(self) -> list[str]:
        """Say in words what was found, and what would be done about it."""
        if self.silent:
            return ["The track is silent. It will be left as it is."]
        kind = (
            "It has the rhythm of speech: the preset talk fits."
            if self.speech
            else "It does not have the rhythm of speech: the preset film fits; it is gentler."
        )
        grade = "clean" if self.snr > 30 else "a little noisy" if self.snr > 18 else "noisy"
        lines = [kind, f"The voice is about {self.snr:.0f} dB above the noise: {grade}."]
        if self.hum:
            lines.append(
                f"There is mains hum at {self.hum.base:.2f} Hz, with {len(self.hum.harmonics) - 1} "
                "harmonics. It will be removed."
            )
        if self.rumble > 12:
            lines.append(
                f"There is rumble below 60 Hz ({self.rumble:.0f} dB above the noise). "
                "It will be removed."
            )
        if self.clipped:
            lines.append(
                f"{self.clipped:.2%} of the samples are clipped (recorded too loud). "
                "They will be repaired."
            )
        if self.has_clicks:
            lines.append(
                f"There are about {self.clicks:.0f} clicks a minute. They will be repaired."
            )
        lines.append(f"The sound reaches up to {self.bandwidth / 1000:.1f} kHz.")
        loud = self.loudness
        lines.append(
            f"The loudness is {loud.integrated:.1f} LUFS; the highest true peak is "
            f"{loud.peak:+.1f} dB."
        )
        if self.too_quiet:
            lines.append(f"The loudness will be left as it is: {self.too_quiet}.")
        return lines

    @property
    def has_clicks(self) -> bool:
        """Whether there are enough clicks to be worth repairing."""
        return self.clicks > 15

    def __repr__(self) -> str:
        return "\n".join([self.track, *(f"- {line}" for line in self.sentences())])


def say_too_quiet(loudness: Loudness) -> str:
    """Return in words that a track is nearly silent; "" if it is not."""
    if loudness.integrated >= NEARLY_SILENT:
        return ""
    return f"the track is nearly silent ({loudness.integrated:.0f} LUFS)"


def diagnose(source: str | Path | Sound, track: int = 0) -> Diagnosis:
    """Find what is wrong with a track.

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
    parts = parts or [np.asarray(sound.samples[:, : _STRETCH * sound.rate])]
    rate, seconds = sound.rate, sum(part.shape[1] for part in parts) / sound.rate
    clicks = [_count_clicks(part, rate) for part in parts]
    hums = [hum for part in parts if (hum := find_hum(part, rate))]
    clipped = [find_clipping(one)[0].mean() for part in parts for one in part]
    snr = _measure_snr(sound)
    rhythms = [measures.rhythm(part, rate) for part in parts]
    spoken = [rhythm.speech for rhythm in rhythms]
    stands_out = max(snr) >= _STANDS_OUT and not all(rhythm.noise for rhythm in rhythms)
    return Diagnosis(
        track=repr(sound),
        silent=False,
        speech=stands_out and 2 * sum(spoken) > len(parts),
        snr=float(np.median(snr)),
        hum=max(hums, key=lambda hum: hum.above) if 2 * len(hums) >= len(parts) else None,
        clipped=float(np.mean(clipped)),
        clicks=60 * sum(clicks) / max(seconds, _LEAST_SECONDS),
        rumble=float(np.median([_measure_rumble(part, rate) for part in parts])),
        bandwidth=max(measures.bandwidth(part, rate) for part in parts),
        loudness=measure_loudness(sound),
        stands_out=stands_out,
    )


def take_excerpt(sound: Sound) -> Sound:
    """Return the stretches by which a track is judged, one after the other; a short track whole.

    The loudness of a whole track takes half a minute for each hour of it, that of five minutes
    does not.
    """
    if len(sound) <= _STRETCHES * _STRETCH * sound.rate:
        return sound
    return replace(sound, samples=np.concatenate(_stretches(sound), axis=1))


def estimate_snr(sound: Sound) -> float:
    """Estimate how many decibels the voice is above the noise."""
    return float(np.median(_measure_snr(sound)))


def _measure_snr(sound: Sound) -> list[float]:
    """Estimate the same for every stretch."""
    return [measures.signal_to_noise(part, sound.rate) for part in _stretches(sound)]


def _stretches(sound: Sound) -> list[np.ndarray]:
    """Return STRETCHES stretches spread over the track, or all of a short track."""
    size = _STRETCH * sound.rate
    if len(sound) <= _STRETCHES * size:
        return [
            piece for _, piece in sound.pieces(_STRETCH) if piece.shape[1] > sound.rate // 2
        ] or [np.asarray(sound.samples)]
    starts = np.linspace(0, len(sound) - size, _STRETCHES).astype(int)
    return [np.asarray(sound.samples[:, start : start + size]) for start in starts]


def _count_clicks(samples: np.ndarray, rate: int) -> int:
    """Count the clicks in the channel with the most.

    With more than two channels the median is returned: the bass channel of 5.1 is full of jolts.
    """
    counts = sorted(count_clicks(find_clicks(one, rate)) for one in samples)
    return counts[-1] if len(counts) <= 2 else counts[len(counts) // 2]


def choose_rumble_cut(sound: Sound, below: float = 60.0) -> float:
    """Return how much of the sound below a frequency should be removed, 0..1.

    0 where it is 20 decibels quieter than the rest, since a deep voice reaches below it too.
    """
    ratios = []
    for part in _stretches(sound):
        rest = spectral_denoise.cut_rumble(part, sound.rate, below)
        low, high = (float(np.square(one).mean()) + 1e-12 for one in (part - rest, rest))
        ratios.append(10 * math.log10(low / high))
    return min(max((float(np.median(ratios)) + 20) / 6, 0.0), 1.0)


def _measure_rumble(samples: np.ndarray, rate: int) -> float:
    """Return how many decibels the noise below 60 Hz is louder than the noise above 200 Hz."""
    if rate < 1000:
        return 0.0
    low = measures.levels(samples, rate, (10.0, 60.0))
    high = measures.levels(samples, rate, measures.VOICE)
    return float(np.median(low) - measures.noise_floor(high))

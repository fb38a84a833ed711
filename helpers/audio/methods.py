"""The ways of cleaning sound: what each is made of, and how strong it is.

A way is a list of steps (steps.py). The two chains that are recommended, `talk` and `film`,
take in only what the diagnosis calls for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from helpers.audio import filters as steps
from helpers.audio import models
from helpers.audio.diagnose import Diagnosis, diagnose, estimate_snr, rumble_share
from helpers.audio.track import Sound, SoundError

Noise = tuple[float, float] | str | None
Step = tuple[str, Callable[[Sound], Sound]]
"""What a step does, in words, and the step."""

TALK_LOUD, FILM_LOUD = -16.0, -23.0
"""LUFS: what talk on the web is played at, and what broadcasting asks of films (EBU R 128)."""

CEILING = -1.5
"""The highest true peak, in decibels under full scale: room for the codecs that follow."""

CARRIERS = {
    "vinyl": (30, None, 20),
    "shellac": (70, 8000, 26),
    "optical": (40, 9000, 20),
}
"""Hertz that a carrier's sound begins at, and ends at, and decibels of hiss that are taken out: a
record's player rumbles; shellac, and an optical track by the Academy's curve, hold no treble."""


@dataclass(frozen=True)
class Method:
    """A way of cleaning.

    Attributes:
        name: what it is called.
        strength: how strong it is if nobody says, 0..1.
        note: what it is good for, for a person.
        weights: the model that it cannot do without.
    """

    name: str
    strength: float
    note: str
    weights: str | None = None


METHODS = {
    method.name: method
    for method in (
        Method("talk", 0.7, "speech: mended, cleaned by the best that is here, made loud enough"),
        Method("film", 0.5, "film with music: mended, a little less noise, broadcast loudness"),
        Method("spectral", 0.6, "steady noise, learnt from the track; needs no weights"),
        Method("rnnoise", 0.85, "a small network for speech, in ffmpeg", "rnnoise"),
        Method("deepfilter", 0.8, "DeepFilterNet 3, the cleanest speech", "deepfilter"),
        Method("repair", 1.0, "hum, rumble, clicks and cut peaks; no noise"),
        Method("loudness", 1.0, "as loud as talk on the web is, peaks held"),
        Method("vinyl", 0.6, "a record: clicks, crackle, rumble and hiss"),
        Method("shellac", 0.8, "an old record: the same, stronger; nothing is left above 8 kHz"),
        Method("optical", 0.7, "an optical soundtrack: crackle, and the hiss above its band"),
    )
}
"""Every way there is."""


def check(method: str, strength: float | None) -> float:
    """Return how strong a method is to be, or say in one sentence what is allowed.

    Raises:
        SoundError: there is no such method, or no such strength.
    """
    if method not in METHODS:
        raise SoundError(
            f"There is no way {method!r} to clean sound, and no such file; allowed are "
            f"{', '.join(METHODS)}, or a file of sound."
        )
    strength = METHODS[method].strength if strength is None else strength
    if not 0 <= strength <= 1:
        raise SoundError(f"A strength of {strength} was asked for; allowed is 0 to 1.")
    return float(strength)


def plan_steps(
    sound: Sound,
    method: str,
    strength: float,
    noise: Noise = None,
    loudness: float | None = None,
    found: Diagnosis | None = None,
) -> tuple[list[Step], list[str]]:
    """Return the steps of a method for a track, and what is done otherwise than asked."""
    if method == "loudness":
        return [_loudness(TALK_LOUD if loudness is None else loudness, strength)], []
    if method in ("spectral", "rnnoise", "deepfilter"):
        most = gentle(estimate_snr(sound), method)
        low = _low(sound, min(1.0, 3 * strength))
        if method == "spectral":
            return [*low, _spectral(30 * strength, most, noise)], []
        # The networks know rumble for what it is, and do worse where that is cut off before.
        make = _rnnoise if method == "rnnoise" else _deepfilter
        return [make(strength, most), *low], []
    found = found or diagnose(sound)
    chain, notes, most = _mending(found, method, strength), [], gentle(found.snr, "spectral")
    if method in ("repair", *CARRIERS):
        return chain + _hiss(method, strength, most, noise), notes
    if method == "film":
        chain += [_rumble(25, 1.0), _spectral(24 * strength, most, noise)]
        return [*chain, _loudness(FILM_LOUD if loudness is None else loudness, 1.0)], notes
    why = models.runs("deepfilter")
    if why is None:
        chain += [_deepfilter(strength, gentle(found.snr, "deepfilter")), *_low(sound, 1.0)]
    else:
        notes.append(f"DeepFilterNet was not used ({why}), but spectral, which needs nothing")
        chain += [*_low(sound, 1.0), _spectral(30 * strength, most, noise)]
    return [*chain, _loudness(TALK_LOUD if loudness is None else loudness, 1.0)], notes


def gentle(snr: float, method: str) -> float:
    """Return the decibels that noise is lowered by at most, given how far it lies below the voice.

    What is nearly clean has little to win and a voice to lose; measured, on speech in noises of all
    kinds, so that it is understood no worse afterwards (benchmarks/audio.py).
    """
    most = {"spectral": 70, "deepfilter": 58, "rnnoise": 38}[method]
    return min(max(most - 2 * snr, 9.0), 60.0)


def _mending(found: Diagnosis, method: str, strength: float) -> list[Step]:
    """Return the steps that mend what was found, and nothing that was not."""
    chain: list[Step] = []
    strength = strength if method == "repair" else 1.0
    if found.clipped:
        chain.append(("cut peaks rounded out", partial(steps.mend_clipping, strength=strength)))
    if found.has_clicks or method in CARRIERS:
        chain.append(("clicks mended", partial(steps.mend_clicks, strength=strength)))
    if found.hum:
        words = f"hum at {found.hum.base:.2f} Hz taken out, with {len(found.hum.harmonics) - 1} "
        chain.append((words + "harmonics", partial(steps.cut_hum, strength=strength)))
    if method == "repair" and found.rumble > 12:
        chain.append(_rumble(50 if found.speech else 25, strength))
    return chain


def _hiss(method: str, strength: float, most: float, noise: Noise) -> list[Step]:
    """Return the steps against the noises of a carrier; none for a method that is no carrier."""
    if method not in CARRIERS:
        return []
    low, high, limit = CARRIERS[method]
    chain: list[Step] = [_rumble(low, 1.0)]
    if high:
        words = f"what lies above {high / 1000:g} kHz cut off"
        chain.append((words, partial(steps.cut_hiss_above, above=high, strength=strength)))
    return [*chain, _spectral(limit * strength, most, noise)]


def _low(sound: Sound, strength: float) -> list[Step]:
    """Return the step that cuts off what lies below a voice, where there is much of it."""
    share = strength * rumble_share(sound)
    return [_rumble(60, share)] if share > 0 else []


def _rumble(below: float, strength: float) -> Step:
    words = f"what lies below {below:g} Hz cut off"
    return words, partial(steps.cut_rumble, below=below, strength=strength)


def _spectral(limit: float, most: float, noise: Noise) -> Step:
    limit = min(limit, most)
    learnt = "followed through the track" if noise is None else f"learnt from {noise}"
    words = f"noise lowered by up to {limit:.0f} dB, {learnt}"
    return words, partial(steps.cut_noise, limit=limit, noise=noise)


def _rnnoise(strength: float, most: float) -> Step:
    share = min(strength, 1 - 10 ** (-most / 20))
    return f"RNNoise, {share:.0%} of it", partial(steps.run_rnnoise, strength=share)


def _deepfilter(strength: float, most: float) -> Step:
    limit = min(40 * strength if strength < 1 else 100.0, most)
    words = f"DeepFilterNet 3, noise lowered by up to {limit:.0f} dB"
    return words, partial(steps.run_deepfilter, limit=limit)


def _loudness(target: float, strength: float) -> Step:
    if not -70 <= target <= -5:
        raise SoundError(f"A loudness of {target:g} LUFS was asked for; allowed is -70 to -5.")
    words = f"loudness brought to {target:g} LUFS, true peaks held at {CEILING:g} dB"
    return words, partial(steps.level, target=target, ceiling=CEILING, strength=strength)

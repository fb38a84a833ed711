"""The methods of cleaning sound: their steps, and how strong they are.

A method is a list of steps (filters.py). The two recommended methods, `talk` and `film`, include
only the repairs that the diagnosis calls for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from helpers.audio import filters as steps
from helpers.audio import models
from helpers.audio.diagnose import (
    Diagnosis,
    choose_rumble_cut,
    diagnose,
    estimate_snr,
    say_too_quiet,
)
from helpers.audio.loudness import measure_loudness, set_loudness
from helpers.audio.track import Sound, SoundError

Noise = tuple[float, float] | str | None
Step = tuple[str, Callable[[Sound], Sound]]
"""What a step did, in words, and the function that does it."""

_TALK_LOUD, _FILM_LOUD = -16.0, -23.0
"""LUFS: the usual loudness of speech on the web, and that of broadcasting (EBU R 128)."""

_CEILING = -1.5
"""The highest true peak in dBTP; it leaves headroom for a lossy codec. EBU R 128 allows -1."""

_LOST = 6.0
"""Decibels by which noise reduction may lower the loudness of a voice that is as loud as the noise,
or a little less. A track that loses more was noise, of which the rest is not made louder."""

_CARRIERS = {
    "vinyl": (30, None, 20),
    "shellac": (70, 8000, 26),
    "optical": (40, 9000, 20),
}
"""The lowest and highest frequency of each carrier's sound in hertz, and by how many decibels its
hiss is reduced. Record players rumble; shellac and optical tracks (by the Academy curve) hold no
treble. Taken from descriptions of these carriers and checked by ear."""


@dataclass(frozen=True)
class Method:
    """A method of cleaning sound.

    Attributes:
        name: its name in `clean_audio`.
        strength: its default strength, 0..1.
        note: what it is good for, in words.
        weights: the model that it needs, if any.
    """

    name: str
    strength: float
    note: str
    weights: str | None = None


METHODS = {
    method.name: method
    for method in (
        Method("talk", 0.7, "speech: repairs, noise reduction by the best method here, loudness"),
        Method("film", 0.5, "film with music: repairs, a little less noise, broadcast loudness"),
        Method("spectral", 0.6, "steady noise, learnt from the track; needs no weights"),
        Method("rnnoise", 0.85, "a small network for speech, in ffmpeg", "rnnoise"),
        Method("deepfilter", 0.8, "DeepFilterNet 3, the cleanest speech", "deepfilter"),
        Method("repair", 1.0, "removes hum, rumble, clicks and clipping, but no noise"),
        Method("loudness", 1.0, "the usual loudness of speech on the web, peaks limited"),
        Method("vinyl", 0.6, "a record: clicks, crackle, rumble and hiss"),
        Method("shellac", 0.8, "an old record: the same, stronger; cuts off above 8 kHz"),
        Method("optical", 0.7, "an optical soundtrack: crackle, and the hiss above its band"),
    )
}
"""All methods by name."""


def check_method(method: str, strength: float | None) -> float:
    """Return the strength of a method, its own if none is given.

    Raises:
        SoundError: there is no such method, or the strength is not within 0..1.
    """
    if method not in METHODS:
        raise SoundError(
            f"{method!r} is neither a method of cleaning sound nor a sound file. "
            f"Choose one of {', '.join(METHODS)}, or give the path of a sound file."
        )
    strength = METHODS[method].strength if strength is None else strength
    if not 0 <= strength <= 1:
        raise SoundError(f"The strength must be from 0 to 1; {strength} was given.")
    return float(strength)


def plan_steps(
    sound: Sound,
    method: str,
    strength: float,
    noise: Noise = None,
    loudness: float | None = None,
    found: Diagnosis | None = None,
) -> tuple[list[Step], list[str]]:
    """Return the steps of a method for a track, and notes on what differs from what was asked."""
    if method == "loudness":
        if loudness is None and (reason := say_too_quiet(measure_loudness(sound))):
            return [], [_say_left(reason)]
        return [_loudness(_TALK_LOUD if loudness is None else loudness, strength)], []
    if method in ("spectral", "rnnoise", "deepfilter"):
        most = _limit_reduction(estimate_snr(sound), method)
        low = _rumble_steps(sound, min(1.0, 3 * strength))
        if method == "spectral":
            return [*low, _spectral(30 * strength, most, noise)], []
        # The networks recognise rumble, and do worse if it was removed before.
        make = _rnnoise if method == "rnnoise" else _deepfilter
        return [make(strength, most), *low], []
    found = found or diagnose(sound)
    chain, notes = _repair_steps(found, method, strength), []
    most = _limit_reduction(found.snr, "spectral")
    if method in ("repair", *_CARRIERS):
        return chain + _carrier_steps(method, strength, most, noise), notes
    if method == "film":
        chain += [_rumble(25, 1.0), _spectral(24 * strength, most, noise)]
        last, more = _loudness_steps(loudness, _FILM_LOUD, found)
        return [*chain, *last], notes + more
    obstacle = models.find_obstacle("deepfilter")
    if obstacle is None:
        most_deep = _limit_reduction(found.snr, "deepfilter")
        chain += [_deepfilter(strength, most_deep), *_rumble_steps(sound, 1.0)]
    else:
        notes.append(f"DeepFilterNet was not used ({obstacle}); spectral was used instead")
        chain += [*_rumble_steps(sound, 1.0), _spectral(30 * strength, most, noise)]
    last, more = _loudness_steps(loudness, _TALK_LOUD, found)
    return [*chain, *last], notes + more


def _limit_reduction(snr: float, method: str) -> float:
    """Return the most decibels by which a method may reduce noise, given the voice's SNR.

    Sound that is nearly clean gains little, and the voice would suffer. The limits were measured on
    speech in many kinds of noise so that intelligibility does not fall
    (benchmarks/quality/audio.py).
    """
    most = {"spectral": 70, "deepfilter": 58, "rnnoise": 38}[method]
    return min(max(most - 2 * snr, 6.0), 60.0)


def _repair_steps(found: Diagnosis, method: str, strength: float) -> list[Step]:
    """Return the steps that repair what was found, and no others."""
    chain: list[Step] = []
    strength = strength if method == "repair" else 1.0
    if found.clipped:
        chain.append(("clipped peaks restored", partial(steps.repair_clipping, strength=strength)))
    if found.has_clicks or method in _CARRIERS:
        chain.append(("clicks repaired", partial(steps.repair_clicks, strength=strength)))
    if found.hum:
        words = f"hum at {found.hum.base:.2f} Hz removed, with {len(found.hum.harmonics) - 1} "
        chain.append((words + "harmonics", partial(steps.remove_hum, strength=strength)))
    if method == "repair" and found.rumble > 12:
        chain.append(_rumble(50 if found.speech else 25, strength))
    return chain


def _carrier_steps(method: str, strength: float, most: float, noise: Noise) -> list[Step]:
    """Return the steps against the noise of a carrier; none for any other method."""
    if method not in _CARRIERS:
        return []
    low, high, limit = _CARRIERS[method]
    chain: list[Step] = [_rumble(low, 1.0)]
    if high:
        words = f"frequencies above {high / 1000:g} kHz removed"
        chain.append((words, partial(steps.cut_hiss_above, above=high, strength=strength)))
    return [*chain, _spectral(limit * strength, most, noise)]


def _rumble_steps(sound: Sound, strength: float) -> list[Step]:
    """Return the step that removes rumble below a voice, if there is much of it."""
    share = strength * choose_rumble_cut(sound)
    return [_rumble(60, share)] if share > 0 else []


def _rumble(below: float, strength: float) -> Step:
    words = f"frequencies below {below:g} Hz removed"
    return words, partial(steps.cut_rumble, below=below, strength=strength)


def _spectral(limit: float, most: float, noise: Noise) -> Step:
    limit = min(limit, most)
    learnt = "tracked as it changes" if noise is None else f"learnt from {_name_stretch(noise)}"
    words = f"noise reduced by up to {limit:.0f} dB, {learnt}"
    return words, partial(steps.reduce_noise, limit=limit, noise=noise)


def _name_stretch(noise: tuple[float, float] | str) -> str:
    if isinstance(noise, str):
        return "the quietest moment"
    return f"{noise[0]:g} to {noise[1]:g} s"


def _rnnoise(strength: float, most: float) -> Step:
    share = min(strength, 1 - 10 ** (-most / 20))
    return f"RNNoise, mixed in at {share:.0%}", partial(steps.run_rnnoise, strength=share)


def _deepfilter(strength: float, most: float) -> Step:
    limit = min(40 * strength if strength < 1 else 100.0, most)
    words = f"DeepFilterNet 3, noise reduced by up to {limit:.0f} dB"
    return words, partial(steps.run_deepfilter, limit=limit)


def _loudness_steps(
    asked: float | None, usual: float, found: Diagnosis
) -> tuple[list[Step], list[str]]:
    """Return the step that sets the loudness; instead of it a note where only noise would rise.

    Args:
        asked: LUFS, which are set in any case; `usual` if None.
    """
    if asked is not None:
        return [_loudness(asked, 1.0)], []
    if found.too_quiet:
        return [], [_say_left(found.too_quiet)]
    return [_loudness(usual, 1.0, usual - found.loudness.integrated + _LOST)], []


def _say_left(reason: str) -> str:
    return f"the loudness was left as it is: {reason}, and the noise would rise too"


def _loudness(target: float, strength: float, most: float | None = None) -> Step:
    if not -70 <= target <= -5:
        raise SoundError(f"The loudness must be from -70 to -5 LUFS; {target:g} was given.")
    reached = "" if most is None else ", or as near as the peaks allow"
    words = f"loudness set to {target:g} LUFS{reached}, true peaks limited to {_CEILING:g} dB"
    step = partial(set_loudness, target=target, ceiling=_CEILING, strength=strength, most=most)
    return words, step

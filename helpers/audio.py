"""Cleaning the sound of a film, without ever putting it out of step.

diagnose("talk.mp4")  # what is the matter with it
before, after = preview("talk.mp4", "spectral", at=60)  # ten seconds of it, to listen to
clean = clean_audio("talk.mp4", "talk")  # every track, to the sample as long as it was
replace_sound("restored.mp4", clean, "final.mp4", keep=True)

A file that another program or a service has made of the same sound takes its place with
`clean_audio("talk.mp4", "service.wav")`; it is laid where it belongs by comparing the two.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

from helpers import audio_models
from helpers import audio_steps as steps
from helpers.audio_align import fit_music as fit_music
from helpers.audio_align import matched
from helpers.audio_diagnose import Diagnosis, diagnose, estimate_snr
from helpers.audio_io import Sound, SoundError, read_sound, track_count
from helpers.storage import write_json

log = logging.getLogger("helpers")

Noise = tuple[float, float] | str | None
Step = tuple[str, Callable[[Sound], Sound]]
"""What a step does, in words, and the step."""

TALK_LOUD, FILM_LOUD = -16.0, -23.0
"""LUFS: what talk on the web is played at, and what broadcasting asks of films (EBU R 128)."""

CEILING = -1.5
"""The highest true peak, in decibels under full scale: room for the codecs that follow."""

MARGIN = 3
"""Seconds on both sides of a preview that are worked on too: it is to sound as the whole will."""

CARRIERS = {
    "vinyl": (30, None, 20),
    "shellac": (70, 8000, 26),
    "optical": (40, 9000, 20),
}
"""Hertz that a carrier's sound begins at, and ends at, and decibels of hiss that are taken out: a
record's player rumbles; shellac, and an optical track by the Academy's curve, hold no treble."""

SOUND_FILES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".mka", ".aif", ".aiff",
               ".wma", ".mp4", ".mkv", ".mov", ".webm")  # fmt: skip
"""Endings of what may take a track's place."""


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


@dataclass(frozen=True, eq=False)
class Cleaned:
    """What `clean_audio` made.

    Attributes:
        tracks: the cleaned sound, one for each track of the source that was asked for.
        method, strength: how.
        steps: what was done, in words.
        notes: what was odd, or done otherwise than asked, in words.
    """

    tracks: tuple[Sound, ...]
    method: str
    strength: float
    steps: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> Sound:
        """The first track."""
        return self.tracks[0]

    def save(self, folder: str | Path) -> Path:
        """Write the tracks into a folder, as WAV, with what was done beside them."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        rows = []
        for sound in self.tracks:
            name = f"track{sound.track}.wav"
            sound.save(folder / name)
            rows.append({"file": name, "track": sound.track, "start": str(sound.start),
                         "layout": sound.layout, "codec": sound.codec})  # fmt: skip
        values = {"method": self.method, "strength": self.strength, "tracks": rows,
                  "steps": self.steps, "notes": self.notes}  # fmt: skip
        write_json(folder / "sound.json", values)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Cleaned:
        """Read what `save` wrote.

        Raises:
            SoundError: it is not there.
        """
        path = Path(folder) / "sound.json"
        if not path.exists():
            raise SoundError(f"There is no cleaned sound in {folder}; 06_audio makes it.")
        values = json.loads(path.read_text(encoding="utf-8"))
        tracks = []
        for row in values["tracks"]:
            sound = read_sound(path.with_name(row["file"]))
            start, track = Fraction(row["start"]), row["track"]
            tracks.append(
                replace(sound, start=start, track=track, layout=row["layout"], codec=row["codec"])
            )
        said = (tuple(values["steps"]), tuple(values["notes"]))
        return cls(tuple(tracks), values["method"], values["strength"], *said)

    def __repr__(self) -> str:
        lines = [f"{self.method}, strength {self.strength:g}"]
        lines += [f"track {sound.track + 1}: {sound}" for sound in self.tracks]
        return "\n".join([*lines, *(f"- {line}" for line in (*self.steps, *self.notes))])


def clean_audio(
    source: str | Path | Sound,
    method: str = "talk",
    *,
    strength: float | None = None,
    track: int | None = None,
    noise: Noise = None,
    loudness: float | None = None,
) -> Cleaned:
    """Clean the sound of a film; each track keeps its length and its start, to the sample.

    Args:
        source: a film, or a sound.
        method: one of METHODS, or a file that takes the (first) track's place.
        strength: 0..1; 0 leaves the sound as it is, to the bit.
        track: which sound track, from 0; all of them if not given.
        noise: for the methods that know noise by its spectrum: a stretch that holds nothing else,
            in seconds, or "quiet" to learn it where it is quietest; followed through the track if
            not given.
        loudness: LUFS to reach, where the method sets the loudness.

    Raises:
        SoundError: the film has no sound, or a value is not allowed.
        ModelError: a method's weights cannot be had.
        VideoOpenError: the film cannot be read.
    """
    done = _clean(source, method, strength, track, noise, loudness)
    _say(done.notes)
    return done


def _say(notes: Sequence[str]) -> None:
    for note in notes:
        log.warning("%s", note)


def _clean(
    source: str | Path | Sound,
    method: str,
    strength: float | None,
    track: int | None,
    noise: Noise,
    loudness: float | None,
) -> Cleaned:
    file = sound_file(method)
    if file is None:
        strength = check(method, strength)
    numbers = [track or 0] if isinstance(source, Sound) or track is not None or file else None
    if numbers is None:
        numbers = list(range(max(track_count(source), 1)))  # type: ignore[arg-type]
    done, said, notes = [], [], []
    for number in numbers:
        sound = source if isinstance(source, Sound) else read_sound(source, number)
        where = f"track {number + 1}: " if len(numbers) > 1 else ""
        notes += [where + note for note in sound.notes]
        if file is not None:
            sound, note = matched(sound, file)
            said.append(note)
        elif sound.silent:
            notes.append(f"{where}nothing can be heard in it; it is left as it is")
        elif strength:
            chain, more = plan_steps(sound, method, strength, noise, loudness)
            notes += [where + note for note in more]
            for words, step in chain:
                sound = step(sound)
                said.append(where + words)
        done.append(sound)
    return Cleaned(tuple(done), str(method), strength or 0.0, tuple(said), tuple(notes))


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


def sound_file(method: str | Path) -> Path | None:
    """Return the file that is meant by `method`, if one is meant and not a way of cleaning."""
    path = Path(method).expanduser()
    if str(method) in METHODS or path.suffix.lower() not in SOUND_FILES:
        return None
    if not path.is_file():
        raise SoundError(f"There is no file {path} to take the sound from.")
    return path


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
        most, low = gentle(estimate_snr(sound), method), _rumble(60, min(1.0, 3 * strength))
        if method == "spectral":
            return [low, _spectral(30 * strength, most, noise)], []
        # The networks know rumble for what it is, and do worse where that is cut off before.
        make = _rnnoise if method == "rnnoise" else _deepfilter
        return [make(strength, most), low], []
    found = found or diagnose(sound)
    chain, notes, most = _mending(found, method, strength), [], gentle(found.snr, "spectral")
    if method in ("repair", *CARRIERS):
        return chain + _hiss(method, strength, most, noise), notes
    if method == "film":
        chain += [_rumble(25, 1.0), _spectral(24 * strength, most, noise)]
        return [*chain, _loudness(FILM_LOUD if loudness is None else loudness, 1.0)], notes
    why = audio_models.runs("deepfilter")
    if why is None:
        chain += [_deepfilter(strength, gentle(found.snr, "deepfilter")), _rumble(60, 1.0)]
    else:
        notes.append(f"DeepFilterNet was not used ({why}), but spectral, which needs nothing")
        chain += [_rumble(60, 1.0), _spectral(30 * strength, most, noise)]
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


def preview(
    source: str | Path | Sound,
    method: str = "talk",
    *,
    at: float | None = None,
    seconds: float = 10,
    strength: float | None = None,
    track: int = 0,
    noise: Noise = None,
    loudness: float | None = None,
    quietly: bool = False,
) -> tuple[Sound, Sound]:
    """Clean a few seconds, to be listened to before all of it is cleaned.

    Args:
        at: where to begin, in seconds on the film's timeline; the middle if not given.
        seconds: how long.
        strength, track, noise, loudness: as in `clean_audio`.
        quietly: do not say again what is done otherwise than asked.

    Returns:
        The stretch before and after.
    """
    strength = check(method, strength)
    sound = source if isinstance(source, Sound) else read_sound(source, track)
    begin = sound.start + (sound.seconds - Fraction(seconds)) / 2 if at is None else Fraction(at)
    begin = min(max(begin, sound.start), max(sound.end - Fraction(seconds), sound.start))
    stop = begin + Fraction(seconds)
    part = sound.cut(begin - MARGIN, stop + MARGIN)
    if isinstance(noise, tuple) or noise == "quiet":
        # The noise is learnt where it was said to be, which may lie elsewhere in the film.
        part = sound
    done = _clean(part, method, strength, None, noise, loudness)
    if not quietly:
        _say(done.notes)
    return sound.cut(begin, stop), done.sound.cut(begin, stop)


def replace_sound(
    film: str | Path,
    clean: Cleaned | Sound,
    output: str | Path,
    *,
    keep: bool = False,
) -> list[str]:
    """Write a film again with cleaned sound in place of its own; its picture is copied untouched.

    Args:
        film: the film that the sound was cleaned of, or a silent one.
        clean: the sound, on that film's timeline.
        output: the file to write: mp4 or mov (the sound as AAC), or mkv (lossless).
        keep: keep the film's own sound too, each track behind the one that takes its place.

    Returns:
        What could not be carried over as it was, in words.

    Raises:
        VideoWriteError: it cannot be written.
    """
    from helpers.mux import copy_with_sound

    tracks = clean.tracks if isinstance(clean, Cleaned) else (clean,)
    return copy_with_sound(Path(film), Path(output), tracks, keep)

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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from helpers.audio.align import fit_music as fit_music
from helpers.audio.align import matched
from helpers.audio.diagnose import diagnose as diagnose
from helpers.audio.methods import METHODS as METHODS
from helpers.audio.methods import Noise, check, plan_steps
from helpers.audio.reader import read_sound, track_count
from helpers.audio.track import Sound, SoundError
from helpers.runtime.storage import write_json

log = logging.getLogger("helpers")

MARGIN = 3
"""Seconds on both sides of a preview that are worked on too: it is to sound as the whole will."""

SOUND_FILES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".mka", ".aif", ".aiff",
               ".wma", ".mp4", ".mkv", ".mov", ".webm")  # fmt: skip
"""Endings of what may take a track's place."""


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


def sound_file(method: str | Path) -> Path | None:
    """Return the file that is meant by `method`, if one is meant and not a way of cleaning."""
    path = Path(method).expanduser()
    if str(method) in METHODS or path.suffix.lower() not in SOUND_FILES:
        return None
    if not path.is_file():
        raise SoundError(f"There is no file {path} to take the sound from.")
    return path


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
    from helpers.video.mux import copy_with_sound

    tracks = clean.tracks if isinstance(clean, Cleaned) else (clean,)
    return copy_with_sound(Path(film), Path(output), tracks, keep)

"""Clean the sound of a film and keep it in sync with the picture.

diagnose("talk.mp4")  # what is wrong with it
before, after = preview("talk.mp4", "spectral", at=60)  # ten seconds of it, to listen to
clean = clean_audio("talk.mp4", "talk")  # every track; each keeps its length to the sample
replace_sound("restored.mp4", clean, "final.mp4", keep=True)

Sound that another program or a service has cleaned can be used in place of a track:
`clean_audio("talk.mp4", "service.wav")` aligns the file with the track by comparing the two.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from helpers.audio.align import align_file
from helpers.audio.align import fit_music as fit_music
from helpers.audio.diagnose import diagnose as diagnose
from helpers.audio.methods import METHODS as METHODS
from helpers.audio.methods import Noise, check_method, plan_steps
from helpers.audio.reader import read_sound, track_count
from helpers.audio.track import Sound, SoundError, UnreadableSoundError
from helpers.runtime.names import expand
from helpers.runtime.schema import Whole
from helpers.runtime.storage import refuse_link, require_json, write_json

log = logging.getLogger("helpers")

_MARGIN = 3
"""Seconds on both sides of a preview that are cleaned with it, so that it sounds as the whole film
will."""

_SOUND_FILES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus", ".mka", ".aif", ".aiff",
               ".wma", ".mp4", ".mkv", ".mov", ".webm")  # fmt: skip
"""Endings of the files that can replace a track."""


def choose_sound(film: str | Path, music: str | Path = "") -> Path | Sound | None:
    """Return the sound to work on: the film itself, or music of its length; None if it is silent.

    Args:
        music: a sound file, which is looped or cut to the film's length and faded; "" for none.

    Raises:
        VideoOpenError: the film cannot be read.
        SoundError: the music cannot be read.
    """
    if music:
        from helpers.video.reader import open_video

        clip = open_video(film)
        return fit_music(music, clip.duration, start=clip.times[0])
    return Path(film) if track_count(film) else None


@dataclass(frozen=True)
class TrackRow:
    """A track in `sound.json`."""

    file: Annotated[str, Meta(pattern=r"^track[0-9]{1,4}\.wav\Z")]
    track: Whole
    start: Fraction
    layout: str
    codec: str

    def read(self, folder: Path) -> Sound:
        """Return the track from its file."""
        refuse_link(folder / self.file)
        sound = read_sound(folder / self.file)
        own = {"start": self.start, "track": self.track}
        return replace(sound, **own, layout=self.layout, codec=self.codec)


@dataclass(frozen=True)
class SoundFile:
    """`sound.json`; see `Cleaned`."""

    method: str
    strength: Annotated[float, Meta(ge=0, le=1)]
    tracks: tuple[TrackRow, ...]
    steps: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Cleaned:
    """What `clean_audio` made.

    Attributes:
        tracks: the cleaned sound, one for each track of the source that was asked for.
        method, strength: how it was cleaned.
        steps: what was done, in words.
        notes: what was unusual, or done differently from what was asked, in words.
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
            SoundError: the folder holds no cleaned sound.
            ProjectError: `sound.json` in it is damaged.
        """
        path = Path(folder) / "sound.json"
        if not path.exists():
            raise SoundError(
                f"There is no cleaned sound in {folder}. Run the notebook 06_audio to make it."
            )
        refuse_link(path.parent)
        file = require_json(path, SoundFile)
        return cls(
            tuple(row.read(path.parent) for row in file.tracks),
            file.method, file.strength, file.steps, file.notes,
        )  # fmt: skip

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
        method: one of METHODS, or a sound file that replaces the (first) track.
        strength: 0..1; 0 leaves the sound bit-identical.
        track: which sound track, from 0; all of them if not given.
        noise: for the methods that work on the spectrum of the noise: a stretch of noise alone, in
            seconds, or "quiet" to learn the noise from the quietest moment. If not given, the noise
            is tracked as it changes.
        loudness: LUFS to reach, for methods that set the loudness.

    Raises:
        SoundError: the film has no sound, none of its tracks can be decoded, or a value is not
            allowed.
        ModelError: the weights of a method are not available.
        VideoOpenError: the film cannot be read.
    """
    done = _clean(source, method, strength, track, noise, loudness)
    _log_notes(done.notes)
    return done


def _log_notes(notes: Sequence[str]) -> None:
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
        strength = check_method(method, strength)
    numbers = [track or 0] if isinstance(source, Sound) or track is not None or file else None
    all_of_them = numbers is None
    if numbers is None:
        numbers = list(range(max(track_count(source), 1)))  # type: ignore[arg-type]
    done, steps, notes = [], [], []
    for number in numbers:
        where = f"track {number + 1}: " if len(numbers) > 1 else ""
        try:
            sound = source if isinstance(source, Sound) else read_sound(source, number)
        except UnreadableSoundError as error:
            if not all_of_them or (number == numbers[-1] and not done):
                raise
            notes.append(f"{where}it was not cleaned. {error}")
            continue
        notes += [where + note for note in sound.notes]
        if file is not None:
            sound, step_done = align_file(sound, file)
            steps.append(step_done)
        elif sound.silent:
            notes.append(f"{where}the track is silent and was left as it is")
        elif strength:
            chain, more = plan_steps(sound, method, strength, noise, loudness)
            notes += [where + note for note in more]
            for words, step in chain:
                sound = step(sound)
                steps.append(where + words)
        done.append(sound)
    return Cleaned(tuple(done), str(method), strength or 0.0, tuple(steps), tuple(notes))


def sound_file(method: str | Path) -> Path | None:
    """Return the sound file that `method` names; None if it names one of METHODS.

    Raises:
        SoundError: there is no such file.
    """
    path = expand(method)
    if str(method) in METHODS or path.suffix.lower() not in _SOUND_FILES:
        return None
    if not os.path.isfile(path):
        raise SoundError(f"The sound file {path} does not exist. Check the path.")
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
    """Clean a few seconds, to listen to before the whole film is cleaned.

    Args:
        at: where to begin, in seconds on the film's timeline; the middle if not given.
        seconds: how long the stretch is.
        strength, track, noise, loudness: as in `clean_audio`.
        quietly: do not log the notes.

    Returns:
        The stretch before and after.
    """
    strength = check_method(method, strength)
    sound = source if isinstance(source, Sound) else read_sound(source, track)
    begin = sound.start + (sound.seconds - Fraction(seconds)) / 2 if at is None else Fraction(at)
    begin = min(max(begin, sound.start), max(sound.end - Fraction(seconds), sound.start))
    stop = begin + Fraction(seconds)
    part = sound.cut(begin - _MARGIN, stop + _MARGIN)
    if isinstance(noise, tuple) or noise == "quiet":
        # The stretch that the noise is learnt from may lie elsewhere in the film.
        part = sound
    done = _clean(part, method, strength, None, noise, loudness)
    if not quietly:
        _log_notes(done.notes)
    return sound.cut(begin, stop), done.sound.cut(begin, stop)


def replace_sound(
    film: str | Path,
    clean: Cleaned | Sound,
    output: str | Path,
    *,
    keep: bool = False,
) -> list[str]:
    """Write a copy of a film with cleaned sound; the picture is copied untouched.

    Args:
        film: the film that the sound belongs to, or a silent one.
        clean: the sound, on that film's timeline.
        output: the file to write: mp4 or mov (the sound as AAC), or mkv (lossless).
        keep: keep the film's own sound too, each track after the one that replaces it.

    Returns:
        What could not be copied unchanged, in words.

    Raises:
        VideoWriteError: the file cannot be written.
    """
    from helpers.video.mux import copy_with_sound

    tracks = clean.tracks if isinstance(clean, Cleaned) else (clean,)
    return copy_with_sound(Path(film), Path(output), tracks, keep)

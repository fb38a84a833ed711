"""The report that `restore` writes beside its result: what was done, with measurements."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from helpers.clip import Clip
from helpers.errors import ProjectError
from helpers.project.words import format_bytes, format_moment
from helpers.runtime.names import beside
from helpers.runtime.schema import decode_json
from helpers.runtime.storage import write_atomically
from helpers.verify.contents import read_contents
from helpers.verify.ffmpeg import read_sound
from helpers.verify.sound import ALIKE, align

VERSION = 2
"""The version of a report; docs/report.md describes it. 2 has `measures`."""

LISTEN = 30
"""Seconds of sound that are compared."""


@dataclass(frozen=True)
class Side:
    """One side of the restoration: the source or the result."""

    file: str
    size: str
    frames: int
    fps: float
    seconds: float

    @classmethod
    def of(cls, path: Path, clip: Clip) -> Side:
        """Describe a clip and the file it is in."""
        rate, seconds = round(float(clip.info.fps), 4), round(float(clip.duration), 4)
        return cls(str(path), clip.info.size, len(clip), rate, seconds)


@dataclass(frozen=True)
class Saved:
    """The frames that were saved on the way to the result.

    Attributes:
        folder: where.
        bytes: their size.
        frames: how many of them were finished by an earlier run.
        kept: whether they are still there.
    """

    folder: str
    bytes: int
    frames: int = 0
    kept: bool = True


def report_path(output: Path) -> Path:
    """Return the path of the report of a restored film."""
    return beside(output, ".report.json")


@dataclass(frozen=True)
class Report:
    """The record of a restoration.

    Attributes:
        source, result: the film that was read and the film that was written.
        seconds: time spent, by stage.
        models: the names of the models, and the sha256 of their weights.
        recipe: the steps, as in `Clip.recipe`.
        notes: what was unusual or could not be kept unchanged, in words.
        sound_offset_ms: how much later the sound is in the result than in the source, measured by
            comparing the two; None if there is no sound to compare.
        machine: device, precision and encoder.
        checks: what was looked at in the result; empty in a report of an older version.
        saved: the frames that were saved; None in a report of an older version.
        stretch: the seconds of the film that were restored; None if all of it was.
        measures: what was measured in film and result side by side, as `quality.no_reference`
            writes it; None in a report of an older version, and where it could not be measured.
        version: of the report; 1 where it says nothing.
    """

    source: Side
    result: Side
    seconds: dict[str, float]
    models: dict[str, str]
    recipe: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    sound_offset_ms: float | None = None
    machine: dict[str, str] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)
    saved: Saved | None = None
    stretch: tuple[float, float] | None = None
    measures: dict[str, Any] | None = None
    version: int = 1

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def read(cls, path: Path) -> Report:
        """Read a report from its file.

        Raises:
            ProjectError: there is no such file, or it is not a report.
        """
        try:
            return decode_json(path.read_bytes(), cls)
        except FileNotFoundError:
            raise ProjectError(
                f"There is no report {path}. `restore` writes one beside its result; check the "
                "path, or restore the film first."
            ) from None
        except OSError as error:
            raise ProjectError(
                f"{path} cannot be read ({error.strerror}). Check the path."
            ) from error
        except ValueError as error:
            raise ProjectError(
                f"{path} is not a report of `restore` ({error}). Restore the film again."
            ) from error

    def write(self, path: Path) -> None:
        """Write the report; the file gets its name when it is complete."""
        write_atomically(path, f"{self.to_json()}\n".encode())

    def summary(self) -> str:
        """Return the report as text: seven lines, one for every measure and one for every note."""
        a, b = self.source, self.result
        times = ", ".join(self._say_time(*item) for item in self.seconds.items())
        offset = self.sound_offset_ms
        sound = "no sound to compare" if offset is None else f"{offset:+.2f} ms from the source"
        return "\n".join(
            [
                f"size     {a.size} -> {b.size}",
                f"rate     {a.fps:g} -> {b.fps:g} frames per second",
                f"frames   {self._say_frames()}",
                f"time     {times}",
                f"sound    {sound}",
                f"checked  {self._checked()}",
                *([f"saved    {self._say_saved(self.saved)}"] if self.saved else []),
                *(f"measured {line}" for line in self._say_measures()),
                *(f"note     {note}" for note in self.notes),
            ]
        )

    def _say_time(self, name: str, seconds: float) -> str:
        """Return how long a step took; frames that an earlier run made took no time in this one."""
        here = self.saved.frames if self.saved else 0
        words = f" ({here} of {self.result.frames} frames were here already)"
        return f"{name} {seconds:.1f} s{words if here and name == 'make' else ''}"

    def _say_frames(self) -> str:
        """Return how many frames the result has, and what became of those of the film."""
        a, b = self.source, self.result
        steps = [row.get("stage") for row in self.recipe]
        timed = "Interpolate" in steps or "ConstantRate" in steps
        fewer = "RemoveDuplicates" in steps
        if self.stretch:
            stretch = "from {} to {}".format(*map(format_moment, self.stretch))
            if timed or fewer:
                return f"{b.frames}, {stretch} of the film, which has {a.frames}"
            return f"{b.frames} of {a.frames} frames, {stretch}"
        if fewer and not timed:
            left_out = f"{a.frames - b.frames} repeated ones are left out"
            return f"{b.frames} in {b.seconds:.2f} s; {left_out}"
        return f"{a.frames} -> {b.frames} in {b.seconds:.2f} s"

    def _say_saved(self, saved: Saved) -> str:
        """Return how much room the saved frames take, or took."""
        where = f"in {saved.folder}" if saved.kept else "that are deleted, since the film is whole"
        return f"{format_bytes(saved.bytes)} of frames {where}"

    def _say_measures(self) -> list[str]:
        """Return a line for each measure: its mean before and after."""
        if not self.measures:
            return []
        lines = []
        for course in self.measures["courses"]:
            before, after = (float(np.mean(course[side])) for side in ("before", "after"))
            lines.append(f"{course['title']}: {before:.3g} -> {after:.3g} {course['unit']}")
        return lines

    def _checked(self) -> str:
        """Return what was looked at in the result, in one line."""
        right = [check["name"] for check in self.checks if check["verdict"] == "right"]
        differs = [check["name"] for check in self.checks if check["verdict"] == "note"]
        words = [", ".join(right) + " are right"] if right else ["nothing"]
        return "; ".join([*words, *(f"{name} differs (see the notes)" for name in differs)])

    __repr__ = summary


def models_used(recipe: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the models of a recipe, with the sha256 of their weights ("-" if none)."""
    found: dict[str, str] = {}
    for step in recipe:
        names, weights = step.get("model"), step.get("weights", "-")
        if isinstance(names, list):
            found |= dict(zip(names, weights, strict=True))
        elif names:
            found[names] = weights
    return found


def sound_offset_ms(source: Path, result: Path, start: Fraction | None = None) -> float | None:
    """Measure how much later the sound is in the result than in the source.

    Both sounds are decoded by the ffmpeg program from the time of the first picture on.

    Args:
        start: the time on the source's timeline that the result's first picture comes from, in
            seconds from what a player calls 0; that of the source's first picture if not given.

    Returns:
        Milliseconds, or None if one of the two has no sound, is silent, or is another sound.
    """
    sounds = []
    for path, begin in ((source, start), (result, None)):
        contents = read_contents(path)
        if not contents.of("audio"):
            return None
        first = float(np.nanmin(contents.picture().times))
        at = first if begin is None else float(begin) + contents.zero
        sounds.append(read_sound(path, 0, at, LISTEN, contents.zero))
    shift, alike = align(*sounds)
    return round(shift, 3) if alike >= ALIKE else None

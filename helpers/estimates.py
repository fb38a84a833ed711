"""Estimate the time and disk space of a run, measured on this machine with this film.

estimate(Upscale()(clip), project)     # makes a few frames and extrapolates
costs("upscale", clip)                 # a table of all models
"""

from __future__ import annotations

import html
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from helpers.catalog import registry
from helpers.catalog.load import Colorizer, Enlarger, Interpolator, load_engine
from helpers.catalog.registry import Probe
from helpers.catalog.table import Model, align_columns, html_table, models
from helpers.clip import Clip
from helpers.project.begin import choose_codec
from helpers.project.networks import try_fast_frames
from helpers.project.project import Project
from helpers.project.room import Room
from helpers.project.segments import CODECS, SavedClip
from helpers.project.trial import SAMPLES, Trial
from helpers.project.versions import END_TO_END, Version
from helpers.project.words import format_bytes, format_duration
from helpers.runtime.machine import on_colab, runtime
from helpers.verify.promise import film_of

SESSION = 12 * 3600.0
"""Seconds that a session of Colab lasts at the most
(https://research.google.com/colaboratory/faq.html)."""

IDLE = 90
"""Minutes without anybody there after which Colab ends a free session. Google does not publish it;
this is what people report."""

STEPS = {
    "read": "reading",
    "RemoveDuplicates": "repeated frames",
    "Deflicker": "flicker",
    "RemoveDamage": "dust and scratches",
    "Stabilize": "shake",
    "Denoise": "noise",
    "Colorize": "colour",
    "Upscale": "upscaling",
    "Interpolate": "interpolation",
    "Finish": "finish",
}
"""What the stages are called in an estimate."""

LOOK = 2.0
"""Seconds that it takes to look at a film that was written, by trial."""

JOINING = 0.0002
"""Seconds that it takes to copy a frame that is encoded already into a film, by trial."""

SAVING, SOUND, RENDER = "saving", "sound", "render"


@dataclass(frozen=True)
class Estimate:
    """The estimated cost of what is left of a run.

    Attributes:
        frames: how many frames it has.
        done: how many of these are here already.
        size: their width and height, "640x480".
        steps: the steps that are left, with their seconds: those that make the frames, "saving",
            "sound" and "render".
        codec: how the frames are saved.
        room: the room that the frames still need, and the room there is.
        film: bytes of the finished film.
        notes: what was decided, in words.
        session: seconds that a session lasts at the most here; None if there is no limit.
    """

    frames: int
    done: int
    size: str
    steps: tuple[tuple[str, float], ...]
    codec: str
    room: Room
    film: int
    notes: tuple[str, ...] = ()
    session: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds for everything that is left."""
        return sum(value for _, value in self.steps)

    @property
    def making(self) -> float:
        """Seconds to make and save the frames that are not here."""
        return sum(value for name, value in self.steps if name not in (SOUND, RENDER))

    @property
    def fits(self) -> bool:
        """Whether there is enough room on the disks."""
        return self.room.fits

    @property
    def sentences(self) -> tuple[str, ...]:
        """What it costs, in words."""
        said = [self._say_frames(), self._say_rest(), self._say_room(), *self.notes]
        if self.session:
            said.append(_say_session(self.seconds, self.session))
        if self.done < self.frames:
            said.append("If the run is interrupted, run it again to continue.")
        return tuple(filter(None, said))

    def _say_frames(self) -> str:
        left = self.frames - self.done
        if not left:
            return f"All {self.frames} frames of {self.size} are here already."
        here = f"{self.done} of {self.frames} frames are here; {left} to make" if self.done else (
            f"{left} frames of {self.size} to make"
        )  # fmt: skip
        parts = [
            f"{name} {format_duration(value)}"
            for name, value in self.steps
            if name not in (SOUND, RENDER) and value > 0.02 * self.making
        ]
        time = f"about {format_duration(self.making)} on the {runtime().device}"
        return f"{here}, {time}: {', '.join(parts)}."

    def _say_rest(self) -> str:
        rest = [
            f"the {name} about {format_duration(value)}"
            for name, value in self.steps
            if name in (SOUND, RENDER)
        ]
        if not rest:
            return ""
        alone = len(rest) == len(self.steps) == 1
        total = "" if alone else f" All of it: about {format_duration(self.seconds)}."
        words = " and ".join(rest)
        return f"{words[0].upper()}{words[1:]}.{total}".replace("about", "takes about", 1)

    def _say_room(self) -> str:
        film = f"The film itself takes about {format_bytes(self.film)}." if self.film else ""
        if self.done == self.frames:
            return film
        verdict = "" if self.fits else (
            " That does not fit, for a fifth more than that should be free: free some space, or "
            "choose another folder or a smaller scale."
        )  # fmt: skip
        return f"The frames take about {self.room.words}.{verdict} {film}".rstrip()

    def __repr__(self) -> str:
        return " ".join(self.sentences)

    def _repr_html_(self) -> str:
        return "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences)


def _say_session(seconds: float, session: float) -> str:
    """Say whether a run fits into a session."""
    limit = (
        f"A free session of Colab lasts {session / 3600:.0f} hours at the most, and ends after "
        f"about {IDLE} minutes without you"
    )
    count = math.ceil(seconds / session)
    if count <= 1:
        return f"{limit}; this run fits into one."
    return (
        f"{limit}. This run needs about {count} of them: open the notebook again and run the same "
        "cells, and it goes on where it was."
    )


def estimate(
    clip: Clip,
    project: Project | None = None,
    name: str = END_TO_END,
    *,
    codec: str | None = None,
    sound: str | None = None,
    render: str | None = "h264",
    samples: int = SAMPLES,
) -> Estimate:
    """Make a few frames of a clip, and estimate the cost of what is not finished yet.

    Args:
        project: where the frames will be saved; what it holds already need not be made.
        name: the stage that they will be saved as.
        codec: how they will be saved; see `Project.save`.
        sound: the method that cleans the sound, if it is cleaned in the same run.
        render: the codec of the film that is written at the end; None if it is not written yet.
        samples: how many frames are made at each of up to five places.
    """
    folder = project.folder if project else runtime().drive or Path.cwd()
    # The frames of an end-to-end run are saved as the film will be, unless it was begun otherwise.
    codec = codec or (render if name == END_TO_END else None)
    known = project.find(clip, name, (codec, *CODECS) if codec else CODECS) if project else None
    codecs = tuple(filter(None, ((known and known.manifest.codec) or codec,))) or CODECS
    finished = known is not None and known.is_finished
    source = SavedClip.of(known.folder, known.manifest) if known and finished else clip
    tried = list(() if finished else codecs)
    tried += [render] if render and render not in tried else []
    begun = known.manifest.machine if known else None
    trial, _ = try_fast_frames(source, tried, samples=samples, begun=begun)
    notes: list[str | None] = []
    chosen = codecs[0]
    if len(codecs) > 1:
        chosen, note = choose_codec(name, len(clip), folder, trial)
        notes.append(note)
    lengths = _missing_lengths(clip, known)
    return Estimate(
        frames=len(clip),
        done=len(clip) - sum(lengths),
        size=clip.info.size,
        steps=(*_making(trial, chosen, sum(lengths)), *_after(clip, trial, chosen, sound, render)),
        codec=chosen,
        room=Room.of(folder, lengths, 0 if finished else trial.bytes[chosen]),
        film=int(len(clip) * trial.bytes[render]) if render else 0,
        notes=tuple(filter(None, notes)),
        session=SESSION if on_colab() else None,
    )


def _missing_lengths(clip: Clip, known: Version | None) -> list[int]:
    """Return how many frames are in each segment that is not finished."""
    if known:
        return [one.stop - one.start for one in known.missing]
    length = min(len(clip), math.ceil(10 * clip.info.fps))  # the longest that a segment is
    return [min(length, len(clip) - start) for start in range(0, len(clip), length)]


def _making(trial: Trial, codec: str, frames: int) -> tuple[tuple[str, float], ...]:
    """Return the steps that make and save some frames, with their seconds."""
    if not frames:
        return ()
    made = [
        (STEPS.get(name, name.lower()), value * frames)
        for name, value in trial.steps.items()
        if value > 0.002 * trial.seconds
    ]
    return (*made, (SAVING, trial.saving[codec] * frames))


def _after(
    clip: Clip, trial: Trial, codec: str, sound: str | None, render: str | None
) -> tuple[tuple[str, float], ...]:
    """Return the steps that follow when all frames are there, with their seconds."""
    steps = []
    if sound:
        steps.append((SOUND, time_sound(clip, sound)))
    if render == codec:
        steps.append((RENDER, LOOK + len(clip) * JOINING))
    elif render:
        reading = trial.reading.get(codec, trial.steps["read"])  # the latter if all is saved
        steps.append((RENDER, LOOK + len(clip) * (reading + trial.saving[render])))
    return tuple(steps)


def time_sound(clip: Clip, method: str, seconds: int = 5) -> float:
    """Return the seconds that cleaning the sound of a film takes; 0 if it has none.

    A few seconds of noise are cleaned: how long that takes does not depend on what is heard.
    """
    from helpers.audio import clean_audio, sound_file
    from helpers.audio.reader import track_count
    from helpers.audio.track import Sound

    path = getattr(film_of(clip), "path", None)
    tracks = track_count(path) if path else 0
    if not tracks or sound_file(method):
        return 0.0
    rate, spans = 48_000, []
    noise = np.random.default_rng(0).normal(0, 0.1, (2, seconds * rate)).astype(np.float32)
    for part in (noise[:, :rate], noise):  # the first loads the network and is not counted
        begun = time.perf_counter()
        clean_audio(Sound(part, rate, layout="stereo"), method)
        spans.append(time.perf_counter() - begun)
    return spans[-1] / seconds * float(clip.duration) * tracks


SIDE = 96
"""Networks are timed on a square with sides of this many pixels, and extrapolated to a frame."""


def _enlarge(engine: Enlarger, image: np.ndarray) -> Callable[[], object]:
    return lambda: engine.upscale([image])


def _draw_between(engine: Interpolator, image: np.ndarray) -> Callable[[], object]:
    moved = np.roll(image, 2, 1)
    return lambda: engine.between(image, moved, [0.5])


def _color(engine: Colorizer, image: np.ndarray) -> Callable[[], object]:
    luma = image.mean(2, dtype=np.float32) / np.iinfo(image.dtype).max
    return lambda: engine.colours([luma], engine.render_factor)


PROBES = {
    "upscale": Probe(_enlarge),
    "interpolate": Probe(_draw_between),
    # A colorizer scales every frame to a square of a fixed size, so all frames cost the same.
    "colorize": Probe(_color, whole=True),
}
"""How the engines of a role are timed, unless they register a probe of their own."""


@dataclass(frozen=True)
class Costs:
    """The estimated cost of every model of a role for a film, shown as a table."""

    rows: tuple[tuple[str, ...], ...]

    HEAD: ClassVar[tuple[str, ...]] = ("model", "per frame", "whole film", "good at")

    def __repr__(self) -> str:
        return "\n".join(align_columns([self.HEAD, *self.rows]))

    def _repr_html_(self) -> str:
        return html_table(self.HEAD, self.rows)


def costs(role: str, clip: Clip, frames: int | None = None) -> Costs:
    """Estimate the cost of every model for a clip on this machine, without downloading any.

    Args:
        role: "upscale", "interpolate" or "colorize".
        clip: the clip to process.
        frames: number of frames that would be made; as many as the clip has if not given.
    """
    count = frames or len(clip)
    image = clip[len(clip) // 2].image
    rows = []
    for model in models(role):
        if not model.present:
            size = f", {model.megabytes} MB" if model.bytes else ""
            cost = ("-", f"not downloaded{size}")
        else:
            each = time_model(model, image)
            cost = (f"{each:.3g} s", f"about {format_duration(each * count)}")
        rows.append((model.name, *cost, model.note))
    return Costs(tuple(rows))


def time_model(model: Model, image: np.ndarray) -> float:
    """Return the seconds that a model takes for one picture; a first run is not counted.

    Args:
        model: a model whose files are here.
        image: (H, W, 3) RGB, uint8 or uint16.
    """
    probe = registry.get(model.engine).probe or PROBES[model.role]
    side = min(SIDE, *image.shape[:2])
    part = image if probe.whole else np.ascontiguousarray(image[:side, :side])
    work = probe.prepare(load_engine(model), part)
    work()
    begun = time.perf_counter()
    work()
    return (time.perf_counter() - begun) * probe.share * image.size / part.size

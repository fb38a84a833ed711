"""Recommend a plan for a film: what is wrong with it, and what this machine can do about it.

    found = recommend(clip, "talk.mp4", project.context())
    found                                        # a table: each step, and the reason for it
    restore("talk.mp4", "restored.mp4", plan=found.plan())

A step is recommended only if the film needs it. A step that is left out has a reason too.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from helpers.catalog import table as catalog
from helpers.clip import Clip
from helpers.estimates import time_model
from helpers.plan import NONE, Plan
from helpers.project.words import format_duration
from helpers.retime import Trim
from helpers.run import RunContext
from helpers.stages.cleaners import diagnose, examine
from helpers.stages.diagnosis import Diagnosis, Fault
from helpers.stages.upscale.find import is_drawn

LARGE = 720
"""A film with as many lines is not enlarged: it fills the screen of a laptop."""

LONG = 4000
"""Of a film of more frames, half as many are searched for repeats and damage. On two cores, 4000 of
160x120 take about five seconds."""

FULL_HD = 1080
"""A small film is enlarged to at most so many lines. A network invents what lies beyond."""

PATIENCE = {"cuda": 4 * 3600.0, "mps": 8 * 3600.0, "cpu": 8 * 3600.0}
"""The most seconds for which a network is recommended: a session on a free GPU, or a night."""

JERKY = 20
"""A film of fewer frames a second is made smoother. Silent films were shot at 16 to 24, and at 20
motion looks natural."""

NOISY, HUMMING = 25.0, 10.0
"""In decibels: sound is cleaned if the voice is less above the noise, or hum more above it."""

FAINT = -50.0
"""A track of less loudness, in LUFS, is taken for noise alone, which would be made louder."""

NO_VOICE = 3.0
"""Where the voice is less decibels above the noise, there is none: it is music with a rhythm."""


@dataclass(frozen=True)
class Advice:
    """The recommendation for one step.

    Attributes:
        name: the step: a cleaner, or "deinterlace", "colorize", "upscale", "interpolate", "audio".
        title: what it does, for people.
        needed: whether it is recommended.
        reason: why, or why not, in plain words.
        options: the options of `Plan.of` that do it.
    """

    name: str
    title: str
    needed: bool
    reason: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recommendation:
    """What is recommended for a film.

    Attributes:
        kind: what the film is, in a few words.
        steps: one for each step that could be done, in the order of the plan.
    """

    kind: str
    steps: tuple[Advice, ...]

    def __getitem__(self, name: str) -> Advice:
        return {step.name: step for step in self.steps}[name]

    @property
    def needed(self) -> tuple[str, ...]:
        """The names of the steps that are recommended."""
        return tuple(step.name for step in self.steps if step.needed)

    def options(self, ticked: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the options of `Plan.of` for some steps; for those that are recommended if None.

        A step that is not named is left out.
        """
        names = set(self.needed if ticked is None else ticked)
        options: dict[str, Any] = dict.fromkeys(OPTIONAL, NONE)
        cleaners = []
        for step in self.steps:
            if step.name in names:
                options |= step.options
                cleaners += [step.options["clean"]] if "clean" in step.options else []
        return {**options, "clean": tuple(cleaners) or NONE}

    def plan(self, ticked: Iterable[str] | None = None) -> Plan:
        """Return the plan for some steps; for those that are recommended if None."""
        return Plan.of(**self.options(ticked))

    def summary(self) -> str:
        """Return two lines: what is recommended, and what to type for it."""
        wanted = [step for step in self.steps if step.needed]
        if not wanted:
            return (
                f"This film needs nothing: {self.kind}.\nTo copy its sound only, use notebook 06."
            )
        titles = [step.title.lower() for step in wanted]
        only = "This film needs nothing but this" if len(wanted) == 1 else "Recommended"
        words = " ".join(f"--{name} {_as_text(value)}" for name, value in self.options().items())
        return f"{only}: {', '.join(titles)}.\nTo do that, use --recommended, or: {words}"

    def __repr__(self) -> str:
        lines = [f"{'x' if s.needed else ' '} {s.title:<30} {s.reason}" for s in self.steps]
        return "\n".join([f"This is {self.kind}.", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'&#9745;' if step.needed else '&#9744;'}</td>"
            f"<td style='text-align:left'>{html.escape(step.title)}</td>"
            f"<td style='text-align:left'>{html.escape(step.reason)}</td></tr>"
            for step in self.steps
        )
        left = "style='text-align:left'"
        head = f"<tr><th></th><th {left}>step</th><th {left}>why</th></tr>"
        return f"<p>This is {html.escape(self.kind)}.</p><table>{head}{rows}</table>"


OPTIONAL = ("clean", "colorize", "upscale", "interpolate", "audio")
"""The options that leave their step out with "none"."""

TITLES = {
    "telecine": "Get the film's own frames back",
    "duplicates": "Remove repeated frames",
    "flicker": "Remove flicker",
    "damage": "Remove dust and scratches",
    "shake": "Hold the camera still",
    "blocks": "Smooth the blocks of compression",
    "noise": "Remove noise",
    "finish": "Adjust contrast and grain",
}
"""What removes each fault, for people."""


def _as_text(value: Any) -> str:
    """Return the value of an option as it is typed in the command."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def recommend(
    clip: Clip,
    film: str | Path | None = None,
    run: RunContext | None = None,
    *,
    thorough: bool = True,
    by_trying: bool = False,
) -> Recommendation:
    """Examine a film and recommend a plan for it.

    Args:
        clip: the film, with its shots marked.
        film: its file, for the sound; without one, no sound is examined.
        run: keeps the results of analyses; see `Project.context`.
        thorough: search for repeated frames and damage too, in all of a short film and in the
            middle of a long one; otherwise they are not mentioned.
        by_trying: choose the model that enlarges with `judge`, which takes up to three minutes.
    """
    run = run or RunContext()
    found = _examine(clip, run) if thorough else diagnose(clip, run)
    drawn, sound = is_drawn(clip), _advise_sound(film)
    size = _advise_size(clip, drawn, run)
    steps = (
        *_advise_cleaning(clip, found),
        _advise_color(clip),
        _try_models(clip, size, run) if by_trying and size.needed else size,
        _advise_motion(clip),
        sound,
    )
    return Recommendation(_describe(clip, drawn, sound), steps)


def _examine(clip: Clip, run: RunContext) -> Diagnosis:
    """Find all faults of a film; in a long one, repeats and damage in the middle of it only."""
    if len(clip) <= LONG:
        return examine(clip, run)
    middle = len(clip) // 2
    part = Trim(clip.times[middle - LONG // 4], clip.times[middle + LONG // 4])(clip)
    close, wide = examine(part, run), diagnose(clip, run)
    if close["duplicates"].needed:
        return close  # repeated frames hide flicker and noise
    seen = {fault.name: fault for fault in wide.faults}
    faults = tuple(seen.get(fault.name, fault) for fault in close.faults)
    return Diagnosis(wide.frames, faults)


def _describe(clip: Clip, drawn: bool, sound: Advice) -> str:
    """Say in a few words what a film is."""
    info = clip.info
    what = "a cartoon" if drawn else "a talk" if sound.options.get("audio") == "talk" else "a film"
    color = "black and white" if info.grey else "in colour"
    fields = "" if info.field_order == "progressive" else ", interlaced"
    size = "small" if info.height < 480 else "large" if info.height >= LARGE else "of medium size"
    return f"{what} {color}{fields}, {size} ({info.size}), {float(info.fps):.4g} frames a second"


# --- the picture ----------------------------------------------------------------------------------


def _advise_cleaning(clip: Clip, found: Diagnosis) -> list[Advice]:
    """Recommend the cleaners whose fault is visible and cannot be meant."""
    return [_advise_cleaner(fault, clip, found) for fault in found.faults]


def _advise_cleaner(fault: Fault, clip: Clip, found: Diagnosis) -> Advice:
    """Recommend a cleaner, or not.

    Comparing frames cannot tell a speck from a thing that flies past. Only in old film are specks
    likely: it is black and white, or its light flickers.
    """
    needed, reason = fault.name in found.advice, fault.sentence
    options = {"clean": fault.name}
    if fault.name == "telecine":
        needed, options = True, {"deinterlace": "telecine"}
    elif fault.name == "damage" and needed and not (clip.info.grey or found["flicker"].needed):
        needed, reason = False, f"{reason} They may be small things that move, so look first."
    return Advice(fault.name, TITLES[fault.name], needed, reason, options)


def _advise_color(clip: Clip) -> Advice:
    """Never recommend colouring: the colours would be invented."""
    if not clip.info.grey:
        reason = "The film is in colour already."
    else:
        reason = (
            "The film is black and white. It can be coloured, but the colours are invented, so "
            "this is for you to decide."
        )
    return Advice("colorize", "Colour", False, reason, {"colorize": "auto"})


def _advise_size(clip: Clip, drawn: bool, run: RunContext) -> Advice:
    """Recommend the best model whose time is bearable on this machine."""
    info, device = clip.info, run.machine.device
    title, quick = "Enlarge", "animevideov3"
    scale = min(Fraction(4), Fraction(FULL_HD, info.height))
    if info.height >= LARGE:
        return Advice(
            "upscale", title, False, f"The picture is large already ({info.size}).",
            {"upscale": quick, "scale": max(scale, Fraction(2))},
        )  # fmt: skip
    image, small = clip[len(clip) // 2].image, f"A picture of {info.size} is smaller than a screen."
    good = "x4plus-anime" if drawn else "x4plus"
    seconds = 0.0
    for name in (quick,) if device == "cpu" else (good, quick):
        seconds = time_model(catalog.get(name, "upscale"), image) * len(clip)
        if seconds <= PATIENCE[device]:
            kind = "the quickest network" if name == quick else "the best one for this film"
            return Advice(
                "upscale", title, True,
                f"{small} {name} is {kind}; on this machine it takes about "
                f"{format_duration(seconds)}.",
                {"upscale": name, "scale": scale},
            )  # fmt: skip
    return Advice(
        "upscale", title, False,
        f"{small} But the quickest network would take about {format_duration(seconds)} on this "
        "machine. With a graphics card it is much faster.",
        {"upscale": quick, "scale": scale},
    )  # fmt: skip


TRIED = ("animevideov3", "small-video-x4", "x4plus")
"""The models that are tried, from quick to slow; plain enlarging is always among them."""


def _try_models(clip: Clip, size: Advice, run: RunContext) -> Advice:
    """Recommend the quickest of the models that come nearest to the truth on the film itself."""
    from helpers.quality.judge import judge

    here = {model.name for model in catalog.models("upscale") if model.present}
    found = judge(clip, [name for name in TRIED if name in here], run=run)
    patient = [one for one in found.choices if one.seconds <= PATIENCE[run.machine.device]]
    if not patient:
        return size
    equal = [one for one in patient if found.is_as_good(one.label)] or patient[:1]
    chosen = min(equal, key=lambda one: one.seconds)
    reason = f"{found.sentence} It takes about {format_duration(chosen.seconds)} on this machine."
    if chosen.label != found.best.label:
        reason = f"{found.sentence} {chosen.label} takes about {format_duration(chosen.seconds)}."
    return replace(size, reason=reason, options={**size.options, "upscale": chosen.label})


def _advise_motion(clip: Clip) -> Advice:
    """Recommend interpolation for films of few frames a second."""
    rate = f"{float(clip.info.fps):.4g} frames a second"
    jerky = clip.info.fps < JERKY
    reason = (
        f"With {rate}, motion is jerky. From 24 on, it is smooth."
        if jerky
        else f"Motion is smooth already, with {rate}."
    )
    return Advice("interpolate", "Make motion smooth", jerky, reason, {"interpolate": "flow"})


# --- the sound ------------------------------------------------------------------------------------


def _advise_sound(film: str | Path | None) -> Advice:
    """Recommend a method for the first sound track if it is noisy or damaged."""
    from helpers.audio.diagnose import diagnose as listen
    from helpers.audio.diagnose import take_excerpt
    from helpers.audio.reader import read_sound
    from helpers.audio.track import NoSoundError, SoundError

    title = "Clean the sound"
    if film is None:
        return Advice("audio", title, False, "No sound was examined.", {"audio": "film"})
    try:
        found = listen(take_excerpt(read_sound(film)))
    except NoSoundError:
        return Advice("audio", title, False, "The film has no sound.")
    except SoundError as error:
        return Advice("audio", title, False, f"The sound cannot be cleaned. {error}")
    if found.silent or found.loudness.integrated < FAINT:
        reason = "There is next to nothing to hear in the sound track."
        return Advice("audio", title, False, reason, {"audio": found.preset})
    speech = found.speech and found.snr > NO_VOICE
    faults = [
        # What is noise in music cannot be told.
        (speech and found.snr < NOISY, f"the voice is only {found.snr:.0f} dB above the noise"),
        (bool(found.hum and found.hum.above > HUMMING), "there is mains hum"),
        (found.has_clicks, f"there are about {found.clicks:.0f} clicks a minute"),
        (found.clipped > 0.001, "it was recorded too loud"),
    ]
    words = [sentence for there, sentence in faults if there]
    kind = "It is speech" if speech else "It does not sound like speech alone"
    reason = f"{kind}, and {' and '.join(words)}." if words else f"{kind}, and nothing is wrong."
    return Advice("audio", title, bool(words), reason, {"audio": "talk" if speech else "film"})

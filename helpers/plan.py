"""The main job, for the command and the end-to-end notebook: an old film in, a better one out.

report = restore("talk.mp4", "restored.mp4", project="talk.project")
print(report.summary())
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.catalog import table as catalog
from helpers.catalog.load import native_scale
from helpers.clip import Clip
from helpers.errors import StageError, VideoWriteError
from helpers.options import Option, names, option, options_of
from helpers.project.project import Project
from helpers.project.report import Report, Side, report_path, sound_offset_ms
from helpers.retime import Trim
from helpers.run import RunContext
from helpers.stages.cleaners import FINISH, NAMES, check_cleaners, clean, finished
from helpers.stages.colorize.find import chroma_flicker
from helpers.stages.colorize.stage import Colorize
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from helpers.video.codecs import check_target
from helpers.video.reader import VideoClip

if TYPE_CHECKING:
    from helpers.audio.track import Sound

log = logging.getLogger("helpers")

SHORT = 600
"""Frames of a film too short to be worth timing the machine for."""

UHD = (3840, 2160)
"""The size that enlarging stops at where nobody asks for one."""

NONE = "none"
"""How a step is left out, as a person says it."""


@dataclass(frozen=True)
class Cleaning:
    """What a film is cleaned of; see `cleaners.CLEANERS`."""

    names: str | tuple[str, ...] = option(
        NONE,
        f"auto, none, or any of {', '.join(NAMES)}, between commas.",
        name="clean", read=names, metavar="CLEANER[,CLEANER]",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_cleaners(self.names)


@dataclass(frozen=True)
class SoundChoice:
    """What becomes of a film's sound.

    Attributes:
        method: a way to clean it, a file that takes its place (music, where the film is silent),
            or "none".
        strength: 0 to 1; the method's own if None.
        keep: whether the original sound stays as a second track.
    """

    method: str = option(
        NONE,
        "How to clean the sound (talk, film and others), or a file to take its place.",
        name="audio", metavar="METHOD",
    )  # fmt: skip
    strength: float | None = option(
        None, "0 to 1; by default the method's own.", name="audio_strength"
    )
    keep: bool = option(False, "Keep the original sound as a second track.", name="keep_audio")

    def __post_init__(self) -> None:
        if self.method != NONE:
            from helpers.audio import sound_file
            from helpers.audio.methods import check_method

            if sound_file(self.method) is None:
                check_method(self.method, self.strength)


@dataclass(frozen=True)
class Plan:
    """What is to be done to a film: its steps, in their order. A step that is None is left out.

    The steps are stages; what they leave open is decided when the plan meets a film. So a choice
    that cannot be is refused when the plan is made, and not after the film was searched for shots.

    Attributes:
        trim: the stretch of the film to restore.
        cleaning: what it is cleaned of first.
        colorize: how a black-and-white film is coloured.
        upscale: how it is enlarged: by default as the model does, but not beyond 3840x2160.
        interpolate: how its motion is made smooth: by default to 24 frames a second at the least.
        sound: what becomes of its sound.
    """

    trim: Trim = Trim()  # noqa: RUF009 (frozen)
    cleaning: Cleaning = Cleaning()
    colorize: Colorize | None = None
    upscale: Upscale | None = Upscale()  # noqa: RUF009
    interpolate: Interpolate | None = Interpolate()  # noqa: RUF009
    sound: SoundChoice = SoundChoice()

    @classmethod
    def of(cls, **choices: Any) -> Plan:
        """Return the plan that options make, called as in the command: `upscale`, `scale`, `fps`...

        A model that is "none" leaves its step out; what is not given is as in `Plan()`.

        Raises:
            StageError: there is no such option, or a value is not allowed.
        """
        known = {one.name for _, one in plan_options()}
        if strange := [name for name in choices if name not in known]:
            raise StageError(
                f"There is no option {strange[0]!r}; allowed are {', '.join(sorted(known))}."
            )
        steps: dict[str, Any] = {}
        for step, kind in STEPS.items():
            given = {o.field: choices[o.name] for o in options_of(kind) if o.name in choices}
            left_out = given.get("model", NONE if getattr(cls, step) is None else "") == NONE
            steps[step] = None if left_out else kind(**given)
        return cls(**steps)

    def apply(self, clip: Clip, run: RunContext | None = None) -> Clip:
        """Return the clip that the plan makes; what was decided is among the run's notes.

        Args:
            clip: a film that knows its shots.
            run: where what is found by looking at the whole film is kept: `Project.context`.
        """
        run = run or RunContext()
        if self.trim != Trim():
            clip = self.trim(clip)
        film = clip
        if self.cleaning.names != NONE:
            clip = clean(clip, self.cleaning.names, run, even=self.interpolate is not None)
        if self.colorize:
            clip = _coloured(self.colorize, clip, run)
        if self.upscale:
            clip = _enlarged(self.upscale, clip, run)
        if self.interpolate:
            clip = _smoothed(self.interpolate, clip, run)
        if FINISH in check_cleaners(self.cleaning.names):
            clip = finished(clip, film, run)
        return clip

    def fetch_models(self) -> None:
        """Fetch the weights of every model that is not here, before the film is looked at.

        Raises:
            ModelError: one cannot be had; with the nearest that is here.
        """
        for stage in (self.colorize, self.upscale, self.interpolate):
            for name in stage.models if stage else ():
                catalog.get_files(catalog.get(name, stage.role))  # type: ignore[union-attr]


STEPS: dict[str, type] = {
    "trim": Trim,
    "cleaning": Cleaning,
    "colorize": Colorize,
    "upscale": Upscale,
    "interpolate": Interpolate,
    "sound": SoundChoice,
}
"""The fields of a plan and what each is: together they declare the options of the command."""


def plan_options() -> Iterator[tuple[str, Option]]:
    """Give every option of a plan with the step that it belongs to, as `Plan()` has them."""
    for one in fields(Plan):
        for choice in options_of(STEPS[one.name]):
            left_out = one.default is None and choice.field == "model"
            yield one.name, replace(choice, default=NONE) if left_out else choice


def _coloured(stage: Colorize, clip: Clip, run: RunContext) -> Clip:
    """Colour a clip, unless it has colours."""
    if stage.force:
        return stage.on(clip, run)
    found = stage.colours(clip, run)
    if found.share > 0.5:
        run.notes.append("It is in colour already and was not coloured; --recolor colours it.")
        return clip
    if found.share:
        run.notes.append(f"{found.share:.0%} of it is in colour already and stays as it is.")
    return replace(stage, coloured=found.coloured).on(clip, run)


def _enlarged(stage: Upscale, clip: Clip, run: RunContext) -> Clip:
    """Enlarge a clip as was asked, or else as the model does, as far as the picture is not UHD."""
    if stage.scale is not None or stage.size is not None:
        return stage(clip)
    own = native_scale(stage.models[0]) or 4
    room = min(Fraction(UHD[0], clip.info.width), Fraction(UHD[1], clip.info.height))
    scale = min(Fraction(own), room)
    if scale <= 1:
        run.notes.append(
            f"{clip.info.size} is large already and was not enlarged; --scale enlarges it."
        )
        return clip
    if scale < own:
        run.notes.append(f"It was enlarged {float(scale):.3g} times, to fit {UHD[0]}x{UHD[1]}.")
    return replace(stage, scale=scale)(clip)


def _smoothed(stage: Interpolate, clip: Clip, run: RunContext) -> Clip:
    """Make a clip's motion smooth as was asked, or else as far as it is not."""
    if not stage.unknown:
        return stage(clip)
    stage = stage.analyse(clip, run)
    if stage.factor == 1:
        run.notes.append(
            f"{float(clip.info.fps):.4g} frames a second is smooth already; --fps or --factor adds "
            "more."
        )
        return clip
    return stage(clip)


def restore(
    source: str | Path,
    output: str | Path,
    *,
    plan: Plan | None = None,
    project: str | Path | None = None,
    codec: str = "h264",
    progress: bool = True,
) -> Report:
    """Restore a film, going on where an earlier run of the same was broken off.

    Args:
        source: the film.
        output: the file to write; OUTPUT.report.json is left beside it.
        plan: what is to be done; enlarged and smoothed with the best that runs here if not given.
        project: the folder that remembers. One beside the output if not given, which is deleted
            when the output is whole.
        codec: see `write_video`.

    Raises:
        SilkPurseError: with one sentence that says what was found, and what to do.
    """
    plan = plan or Plan()
    source, output = Path(source), Path(output)
    check_target(output, codec)
    if output.exists() and source.exists() and output.samefile(source):
        raise VideoWriteError(f"{output} is the source itself; name another file for the result.")
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(project) if project else output.with_name(output.name + ".project")

    plan.fetch_models()
    clock = time.perf_counter()
    opened = Project(folder)
    run = opened.context(progress)
    clip = opened.source(source, run=run)
    run.notes.extend(_film(clip).notes)
    found = time.perf_counter()
    wanted = plan.apply(clip, run)
    heard = time.perf_counter()
    # The sound first: what it lacks is said before hours are spent on the picture.
    sound = new_sound(source, clip, plan.sound, run.notes)
    begun = time.perf_counter()
    saved = opened.save(wanted, "restored", segment=segment_length(wanted), run=run)
    if any(step.get("stage") == "Colorize" for step in wanted.recipe()):
        run.notes.append(repr(chroma_flicker(saved)))
    made = time.perf_counter()
    written = opened.render(
        saved, output, codec=codec, progress=progress,
        sound=sound, keep_sound=plan.sound.keep,
    )  # fmt: skip
    done = time.perf_counter()

    seconds = {"find shots": found - clock}
    for name, value in run.stopwatch.seconds.items():
        if value > 0.005 and name not in ("MarkShots", "Trim"):
            seconds[name.lower()] = value
    if sound:
        seconds["audio"] = begun - heard
    seconds |= {"make": made - begun, "render": done - made, "all": done - clock}
    report = Report(
        source=Side.of(source, clip),
        result=Side.of(output, saved),
        seconds={name: round(value, 2) for name, value in seconds.items()},
        models=models_used(wanted),
        recipe=wanted.recipe(),
        notes=[*run.notes, *written.notes],
        sound_offset_ms=sound_offset_ms(source, output, saved.times[0]),
        machine={
            "device": run.machine.device,
            "precision": run.machine.precision,
            "encoder": written.encoder,
        },
    )
    report.write(report_path(output))
    if not project:
        shutil.rmtree(folder)
    return report


def new_sound(source: Path, clip: Clip, choice: SoundChoice, notes: list[str]) -> tuple[Sound, ...]:
    """Return the sound tracks that are to take the place of the film's; what was done is noted.

    A film without sound is restored all the same; a file that was named becomes its music.
    """
    if choice.method == NONE:
        return ()
    from helpers.audio import clean_audio, fit_music, sound_file
    from helpers.audio.track import NoSoundError

    try:
        cleaned = clean_audio(source, choice.method, strength=choice.strength)
    except NoSoundError as error:
        music = sound_file(choice.method)
        if music is None:
            notes.append(str(error))
            return ()
        notes.append(f"{music.name} was laid under the silent film, cut or looped to its length")
        return (fit_music(music, clip.duration, start=clip.times[0]),)
    notes += [f"sound: {words}" for words in (*cleaned.steps, *cleaned.notes)]
    return cleaned.tracks


def _film(clip: Clip) -> VideoClip:
    """Return the file at the bottom of a clip."""
    while not isinstance(clip, VideoClip):
        clip = clip.source  # type: ignore[attr-defined]
    return clip


def models_used(clip: Clip) -> dict[str, str]:
    """Return the models of a clip's stages and the sha256 of their weights ("-" if none)."""
    found: dict[str, str] = {}
    for step in clip.recipe():
        names, weights = step.get("model"), step.get("weights", "-")
        if isinstance(names, list):
            found |= dict(zip(names, weights, strict=True))
        elif names:
            found[names] = weights
    return found


def segment_length(clip: Clip, budget: float = 300.0) -> Fraction:
    """Return how many seconds of film a segment holds: one for a short film, ten for a long one,
    and less where the machine is so slow that it would lose more than five minutes of work.

    Args:
        budget: seconds of work that may be lost when the machine is cut off.
    """
    if len(clip) < SHORT:
        return Fraction(1)
    middle = len(clip) // 2
    clip[middle]  # also loads the network, which does not count
    begun = time.perf_counter()
    clip[middle]
    each = time.perf_counter() - begun
    length = Fraction(budget / max(each, 0.001)) / clip.info.fps
    return max(Fraction(1), min(Fraction(10), Fraction(round(length))))

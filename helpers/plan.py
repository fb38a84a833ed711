"""The main job, for the command and the end-to-end notebook: an old film in, a better one out.

report = restore("talk.mp4", "restored.mp4", project="talk.project")
print(report.summary())
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpers.catalog import table as catalog
from helpers.catalog.load import native_scale
from helpers.clip import Clip
from helpers.errors import SilkPurseError, StageError, VideoOpenError, VideoWriteError
from helpers.options import Option, options_of
from helpers.project.manifest import StageManifest
from helpers.project.networks import describe_backends
from helpers.project.project import Project
from helpers.project.report import VERSION, Report, Saved, Side, models_used, report_path
from helpers.project.segments import CODECS, SavedClip, read_done
from helpers.project.temporary import is_temporary, open_project
from helpers.project.versions import END_TO_END
from helpers.recipe import Recipe, recipe_path
from helpers.recipe_text import write_recipe
from helpers.retime import Trim
from helpers.run import RunContext, Watch
from helpers.runtime.ahead import import_ahead
from helpers.runtime.names import expand, is_text
from helpers.runtime.output import claim_output
from helpers.stages.cleaners import FINISH, check_cleaners, choose_for, clean, finish_film
from helpers.stages.colorize.find import chroma_flicker
from helpers.stages.colorize.stage import Colorize
from helpers.stages.colorize.temporal import choose_model
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.upscale.stage import Upscale
from helpers.steps import NONE, STEPS, Cleaning, Reading, SoundChoice
from helpers.video.carry import read_tracks
from helpers.video.codecs import check_target
from helpers.video.encoder import check_encoder
from helpers.video.open import check_film
from helpers.video.reader import Deinterlace, VideoClip

if TYPE_CHECKING:
    from helpers.audio.track import Sound

log = logging.getLogger("helpers")

UHD = (3840, 2160)
"""By default a film is not enlarged beyond this size."""

KEPT = "lossless"
"""How frames may be kept beside the film; see `restore`."""


@dataclass(frozen=True)
class Plan:
    """The steps of a restoration, in order. A step that is None is left out.

    The steps are stages. They are checked when the plan is made, before any work is done; what they
    leave open is decided when the plan is applied to a film.

    Attributes:
        trim: the stretch of the film to restore.
        cleaning: the faults that it is cleaned of first.
        colorize: how a black-and-white film is coloured.
        upscale: how it is enlarged: by default by the model's own scale, up to 3840x2160.
        interpolate: how its motion is made smoother: by default to at least 24 frames per second.
        sound: what is done with its sound.
        reading: how the film is read.
    """

    trim: Trim = Trim()  # noqa: RUF009 (frozen)
    cleaning: Cleaning = Cleaning()  # noqa: RUF009
    colorize: Colorize | None = None
    upscale: Upscale | None = Upscale()  # noqa: RUF009
    interpolate: Interpolate | None = Interpolate()  # noqa: RUF009
    sound: SoundChoice = SoundChoice()  # noqa: RUF009
    reading: Reading = Reading()  # noqa: RUF009

    @classmethod
    def of(cls, **choices: Any) -> Plan:
        """Return a plan from options named as in the command: `upscale`, `scale`, `fps`...

        The model "none" leaves a step out. Options that are not given are as in `Plan()`.

        Raises:
            StageError: there is no such option, or a value is not allowed.
        """
        known = {one.name for _, one in plan_options()}
        if unknown := [name for name in choices if name not in known]:
            raise StageError(
                f"There is no option {unknown[0]!r}. The options are {', '.join(sorted(known))}."
            )
        steps: dict[str, Any] = {}
        for step, kind in STEPS.items():
            given = {o.field: choices[o.name] for o in options_of(kind) if o.name in choices}
            left_out = given.get("model", NONE if getattr(cls, step) is None else "") == NONE
            steps[step] = None if left_out else kind(**given)
        return cls(**steps)

    def apply(self, clip: Clip, run: RunContext | None = None) -> Clip:
        """Return the restored clip, and add what was decided to the run's notes.

        Args:
            clip: a film with its shots marked.
            run: keeps the results of analyses of the whole film; see `Project.context`.
        """
        run = run or RunContext()
        if self.trim != Trim():
            clip = self.trim(clip)
        film = clip
        if self.cleaning.names != NONE:
            clip = _clean(self, clip, run)
        if self.colorize:
            clip = _colorize(self.colorize, clip, run)
        if self.upscale:
            clip = _upscale(self.upscale, clip, film, run)
        if self.interpolate:
            clip = _interpolate(self.interpolate, clip, run)
        if FINISH in check_cleaners(self.cleaning.names):
            clip = finish_film(clip, film, run)
        return clip

    def fetch_models(self) -> None:
        """Download the weights of all models that are not on this machine yet.

        Raises:
            ModelError: a model is not available; the message names the closest one that is.
        """
        for stage in (self.colorize, self.upscale, self.interpolate):
            for name in stage.models if stage else ():
                catalog.get_files(catalog.get(name, stage.role))  # type: ignore[union-attr]


Planner = Callable[[Clip, Path, RunContext], Plan]
"""Makes a plan for a film: given its clip, its file, and the run; see `advice`."""


def plan_options() -> Iterator[tuple[str, Option]]:
    """Yield every option, with the field of the plan that it belongs to and its default there."""
    for one in fields(Plan):
        for choice in options_of(STEPS[one.name]):
            left_out = one.default is None and choice.field == "model"
            yield one.name, replace(choice, default=NONE) if left_out else choice


def _clean(plan: Plan, clip: Clip, run: RunContext) -> Clip:
    """Remove the faults that the plan names, or those that the film has."""
    names, even = choose_for(clip, plan.cleaning.names, run)
    if names != check_cleaners(plan.cleaning.names):
        run.decided["clean"] = names or NONE
        if plan.interpolate is None and "duplicates" in names:
            # Frames are spaced evenly where motion is made smoother, if only by nothing.
            run.decided.update({"interpolate": "flow", "factor": 1})
    return clean(clip, names, run, even=even or plan.interpolate is not None)


def _colorize(stage: Colorize, clip: Clip, run: RunContext) -> Clip:
    """Colour a clip, unless it is in colour already."""
    if stage.model == "auto":
        run.decided["colorize"] = choose_model()
    if stage.force:
        return stage.on(clip, run)
    found = stage.colours(clip, run)
    if found.share > 0.5:
        run.notes.append(
            "The film is in colour already and was not coloured. Use --recolor to colour it anyway."
        )
        run.decided["colorize"] = NONE
        return clip
    if found.share:
        run.notes.append(f"{found.share:.0%} of the film is in colour already and was not changed.")
    return replace(stage, coloured=found.coloured).on(clip, run)


def _upscale(stage: Upscale, clip: Clip, film: Clip, run: RunContext) -> Clip:
    """Enlarge a clip as requested, or else by the model's own scale, but not beyond UHD.

    Args:
        film: the film before it was cleaned, which tells how much of the network it should get.
    """
    stage = stage.analyse(film, run)
    run.decided.update({"strength": stage.strength, "steady": stage.steady})
    if stage.scale is not None or stage.size is not None:
        return stage(clip)
    own = native_scale(stage.models[0]) or 4
    largest = min(Fraction(UHD[0], clip.info.width), Fraction(UHD[1], clip.info.height))
    scale = min(Fraction(own), largest)
    if scale <= 1:
        run.notes.append(
            f"The film is large already ({clip.info.size}) and was not enlarged. Use --scale to "
            "enlarge it anyway."
        )
        run.decided["upscale"] = NONE
        return clip
    if scale < own:
        run.notes.append(
            f"The film was enlarged {float(scale):.3g} times, to fit {UHD[0]}x{UHD[1]}."
        )
    run.decided["scale"] = scale
    return replace(stage, scale=scale)(clip)


def _interpolate(stage: Interpolate, clip: Clip, run: RunContext) -> Clip:
    """Make a clip's motion smoother as requested, or else unless it is smooth already."""
    if not stage.unknown:
        return stage(clip)
    stage = stage.analyse(clip, run)
    run.decided["factor"] = stage.factor
    if stage.factor == 1:
        run.decided["interpolate"] = "flow"  # which takes every film as it is
        run.notes.append(
            f"The film is smooth already ({float(clip.info.fps):.4g} frames per second). Use --fps "
            "or --factor to add frames anyway."
        )
        return clip
    return stage(clip)


def restore(
    source: str | Path,
    output: str | Path,
    *,
    plan: Plan | Planner | Recipe | None = None,
    project: str | Path | None = None,
    codec: str | None = None,
    overwrite: bool = False,
    progress: bool = True,
    watch: Watch | None = None,
    discard: bool = False,
    keep: str | None = None,
) -> Report:
    """Restore a film. A run that was interrupted is continued by the same call.

    Args:
        source: the film.
        output: the file to write; OUTPUT.report.json and OUTPUT.recipe.toml are written beside it.
        plan: the steps, what makes them when the film is open, or a recipe that was read; if not
            given, the film is enlarged and its motion made smoother by the best models that run
            here.
        project: the project folder. If not given, a folder beside the output, which is deleted when
            the output is complete.
        codec: see `write_video`; by default that of the recipe, or h264.
        overwrite: replace a file that is there already, once the new one is whole.
        watch: is told how far the run is, and may stop it.
        discard: delete the saved frames from the project when the film is written and was found to
            be right.
        keep: "lossless" saves the frames without loss before they are encoded, for other programs
            or for a second codec. It takes more time, and ten times the room.

    Raises:
        Stopped: the watch stopped the run; the same call goes on with what was finished.
        VerificationError: the result differs from the film. It is kept under a temporary name.
        SilkPurseError: something is wrong; the message says what was found, and what to do.
    """
    if keep not in (None, KEPT):
        raise StageError(f"Frames cannot be kept as {keep!r}. Give {KEPT}, or nothing.")
    if isinstance(plan, Recipe):
        codec, plan = codec or plan.codec, Plan.of(**plan)
    plan, codec = plan or Plan(), codec or "h264"
    source, output = expand(source), expand(output)
    check_target(output, codec)
    check_film(source)
    check_paths(source, output)
    with claim_output(output, overwrite=overwrite) as target:
        check_target(target, codec)  # another name, where the output is a link
        # What is wrong with the film's other tracks is said before any work is done.
        read_tracks(source, target)
        import_ahead("torch")  # which takes as long as the first look at a film
        with open_project(project, output) as opened:
            run = opened.context(progress, watch)
            made, report = _restore(source, target, plan, opened, codec, run, discard, keep)
            report.write(report_path(output))
            _write_recipe(output, source, made, report, codec, run)
    return report


def _write_recipe(
    output: Path, source: Path, plan: Plan, report: Report, codec: str, run: RunContext
) -> None:
    """Write the recipe of a restored film beside it."""
    content = next((step["sha256"] for step in report.recipe if "sha256" in step), "")
    write_recipe(
        recipe_path(output),
        {name: getattr(plan, name) for name in STEPS},
        run.decided,
        codec=codec,
        film=(source.name, content),
        models=report.models,
        machine=report.machine,
    )


def _open_film(
    source: Path, wish: Plan | Planner, opened: Project, run: RunContext
) -> tuple[Plan, Clip]:
    """Return the plan, and the film as the plan reads it."""
    if isinstance(wish, Plan):
        return wish, opened.source(source, run=run, **wish.reading.options)
    clip = opened.source(source, run=run)
    plan = wish(clip, source, run)
    plan.fetch_models()
    if plan.reading.options:
        clip = opened.source(source, run=run, **plan.reading.options)
    return plan, clip


def check_paths(source: Path, output: Path) -> None:
    """Check the names of a film and of its result.

    Raises:
        VideoOpenError: the film's name is no text.
        VideoWriteError: the film would be replaced by its own result.
    """
    if not is_text(source):
        raise VideoOpenError(
            f"{os.fsencode(source)} is no text in UTF-8. Rename the film, or its folder."
        )
    if os.path.exists(output) and output.samefile(source):
        raise VideoWriteError(f"{output} is the source itself. Choose another name for the result.")


def _restore(
    source: Path,
    output: Path,
    wish: Plan | Planner,
    opened: Project,
    codec: str,
    run: RunContext,
    discard: bool,
    keep: str | None,
) -> tuple[Plan, Report]:
    """Restore a film in a project; return what was planned, and what was done."""
    if isinstance(wish, Plan):
        wish.fetch_models()
    clock = time.perf_counter()
    plan, clip = _open_film(source, wish, opened, run)
    film = _find_source(clip)
    run.notes.extend(film.notes)
    if plan.reading.deinterlace is None:
        run.decided["deinterlace"] = _how_read(film)
    found = time.perf_counter()
    wanted = plan.apply(clip, run)
    check_encoder(wanted, codec)
    heard = time.perf_counter()
    # The sound comes first, so that its errors are raised before hours are spent on the picture.
    sound = make_sound(source, clip, plan.sound, run.notes)
    begun = time.perf_counter()
    # What was begun without loss is gone on with.
    known = opened.find(wanted, END_TO_END, CODECS if keep else (codec, *CODECS))
    saved_as = known.manifest.codec if known else None if keep else codec
    saved = opened.save(wanted, END_TO_END, codec=saved_as, run=run)
    networks = describe_backends(StageManifest.read(saved.folder).machine)
    if any(step.get("stage") == "Colorize" for step in wanted.recipe()):
        run.notes.append(repr(chroma_flicker(saved)))
    made = time.perf_counter()
    written = opened.render(
        saved, output, codec=codec, progress=run.progress, watch=run.watch,
        sound=sound, keep_sound=plan.sound.keep,
    )  # fmt: skip
    done = time.perf_counter()

    measures = _measure(source, output, clip, saved, run)
    measured = time.perf_counter()
    checked = written.checks is not None and not written.checks.of("unknown")
    kept = _keep_or_discard(opened, saved, discard, checked, run.notes)
    kept = replace(kept, frames=known.done if known else 0)
    seconds = {"find shots": found - clock}
    for name, value in run.stopwatch.seconds.items():
        if value > 0.005 and name not in ("MarkShots", "Trim"):
            seconds[name.lower()] = value
    if sound:
        seconds["audio"] = begun - heard
    seconds |= {"make": made - begun, "render": done - made, "measure": measured - done}
    seconds["all"] = measured - clock
    return plan, Report(
        source=Side.of(source, clip),
        result=Side.of(output, saved),
        seconds={name: round(value, 2) for name, value in seconds.items()},
        models=models_used(wanted.recipe()),
        recipe=wanted.recipe(),
        notes=[*run.notes, *written.notes],
        sound_offset_ms=written.checks.sound_offset_ms if written.checks else None,
        machine={
            "device": run.machine.device,
            "precision": run.machine.precision,
            "networks": networks,
            "encoder": written.encoder,
        },
        checks=written.checks.to_json() if written.checks else [],
        saved=kept,
        stretch=(float(saved.times[0]), float(saved.end)) if plan.trim != Trim() else None,
        measures=measures,
        version=VERSION,
    )


def _measure(
    source: Path, output: Path, film: Clip, made: Clip, run: RunContext
) -> dict[str, Any] | None:
    """Measure film and result side by side; note it if that cannot be done."""
    from helpers.quality.after import measure_restoration

    quiet = RunContext(machine=run.machine, progress=run.progress)
    try:
        return measure_restoration(source, output, film, made, quiet).to_json()
    except SilkPurseError as error:
        run.notes.append(f"The result was not measured. {error}")
        return None


def _keep_or_discard(
    opened: Project, saved: SavedClip, discard: bool, checked: bool, notes: list[str]
) -> Saved:
    """Delete the saved frames if that was asked for and the film is right; describe them."""
    size = sum(row["bytes"] for row in read_done(saved.folder).values())
    if discard and checked:
        opened.remove(saved.folder.name)
    elif discard:
        notes.append(
            "The saved frames were kept, because not everything in the film could be checked."
        )
    kept = not is_temporary(opened) and not (discard and checked)
    return Saved(str(saved.folder), size, kept=kept)


def make_sound(
    source: Path, clip: Clip, choice: SoundChoice, notes: list[str]
) -> tuple[Sound, ...]:
    """Return the sound tracks that will replace the film's, and add what was done to the notes.

    A film without sound is restored too; if `choice` names a file, it becomes the film's music.
    """
    if choice.method == NONE:
        return ()
    from helpers.audio import clean_audio, fit_music, sound_file
    from helpers.audio.track import NoSoundError, UnreadableSoundError

    try:
        cleaned = clean_audio(source, choice.method, strength=choice.strength)
    except NoSoundError as error:
        music = sound_file(choice.method)
        if music is None:
            notes.append(str(error))
            return ()
        notes.append(
            f"{music.name} was added to the silent film as music, cut or looped to its length"
        )
        return (fit_music(music, clip.duration, start=clip.times[0]),)
    except UnreadableSoundError as error:
        notes.append(f"The sound was not cleaned. {error}")
        return ()
    notes += [f"sound: {words}" for words in (*cleaned.steps, *cleaned.notes)]
    return cleaned.tracks


def _find_source(clip: Clip) -> VideoClip:
    """Return the video file that a clip is made from."""
    while not isinstance(clip, VideoClip):
        clip = clip.source  # type: ignore[attr-defined]
    return clip


def _how_read(film: VideoClip) -> Deinterlace:
    """Return the way in which a film is deinterlaced; "auto" where that chooses the same."""
    if film.telecine:
        return "telecine"
    if film.bwdif and not film.motion:
        return "bwdif"
    if film.bwdif == (film.info.field_order != "progressive"):
        return "auto"
    return "on" if film.bwdif else "off"

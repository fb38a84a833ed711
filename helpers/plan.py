"""The main job, for the command and the end-to-end notebook: an old film in, a better one out.

report = restore("talk.mp4", "restored.mp4", project="talk.project")
print(report.summary())
"""

from __future__ import annotations

import logging
import math
import shutil
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.catalog import table as catalog
from helpers.catalog.load import native_scale
from helpers.clip import Clip
from helpers.errors import VideoWriteError
from helpers.project.project import Project
from helpers.project.report import Report, Side, report_path, sound_offset_ms
from helpers.runtime.machine import runtime
from helpers.stage import spent
from helpers.stages.cleaners import Keep, anew, check_cleaners, clean, finished
from helpers.stages.colorize.find import chroma_flicker, find_colours, share_of
from helpers.stages.colorize.references import find_references
from helpers.stages.colorize.stage import Colorize, best_model
from helpers.stages.interpolate.stage import Interpolate
from helpers.stages.retime import Trim
from helpers.stages.upscale.stage import Upscale
from helpers.video.codecs import check_target
from helpers.video.reader import VideoClip

if TYPE_CHECKING:
    from helpers.audio.track import Sound

log = logging.getLogger("helpers")

SMOOTH = 24
"""Frames a second that interpolation reaches where nobody asks for a rate."""

SHORT = 600
"""Frames of a film too short to be worth timing the machine for."""

UHD = (3840, 2160)
"""The size that enlarging stops at where nobody asks for one."""


@dataclass(frozen=True)
class Plan:
    """What is to be done to a film. None leaves a choice to `complete`, "none" leaves a step out.

    Attributes:
        upscale: a model to enlarge with, or several, or "none".
        scale, size: see Upscale; the model's own scale if neither is given, but not beyond
            3840x2160.
        denoise, blend, alternate: see Upscale.
        interpolate: a model to smooth with, or "none".
        fps, factor: see Interpolate; the smallest whole factor that reaches 24 if neither is given.
        start, stop: the stretch of the film to do, in seconds.
        audio: a way to clean the sound, a file that takes its place (music, where the film is
            silent), or "none".
        audio_strength: 0..1; the method's own if not given.
        keep_audio: keep the original sound as a second track.
        clean: what to clean the film of first, see `cleaners.CLEANERS`; or "auto", or "none".
        colorize: a model to colour a grey film with, or two that are mixed, or "none".
        references: a folder of frames that were coloured by hand, see `find_references`.
        render_factor, saturation, tone: see Colorize.
        recolor: colour the film even if it is in colour already.
    """

    upscale: str | tuple[str, ...] = "x4plus"
    scale: Fraction | None = None
    size: tuple[int, int] | None = None
    denoise: Fraction | None = None
    blend: tuple[Fraction, ...] | None = None
    alternate: bool = False
    interpolate: str = "flow"
    fps: Fraction | None = None
    factor: int | None = None
    start: Fraction | None = None
    stop: Fraction | None = None
    audio: str = "none"
    audio_strength: float | None = None
    keep_audio: bool = False
    clean: str | tuple[str, ...] = "none"
    colorize: str | tuple[str, ...] = "none"
    references: str | None = None
    render_factor: int = 0
    saturation: float = 1.0
    tone: str = "sepia"
    recolor: bool = False

    def __post_init__(self) -> None:
        # A choice that cannot be is refused now, and not after the film was searched for shots.
        if self.upscale != "none":
            self._upscaling(self.scale)
        if self.interpolate != "none":
            rate = (self.fps, self.factor)
            Interpolate(self.interpolate, *(rate if any(rate) else (None, 1)))
        if self.audio != "none":
            from helpers.audio import check, sound_file

            if sound_file(self.audio) is None:
                check(self.audio, self.audio_strength)
        check_cleaners(self.clean)
        if self.colorize != "none":
            self._colouring()

    def apply(
        self,
        clip: Clip,
        notes: list[str] | None = None,
        keep: Keep = anew,
        progress: bool = False,
    ) -> Clip:
        """Return the clip that the plan makes.

        Args:
            clip: a film that knows its shots.
            notes: what was decided for the user is added to them.
            keep: where what is found by looking at the whole film is kept: `Project.kept`.
            progress: show a bar while it is looked at.
        """
        notes = [] if notes is None else notes
        if self.start is not None or self.stop is not None:
            clip = Trim(self.start, self.stop)(clip)
        film = clip
        if self.clean != "none":
            even = self.interpolate != "none"
            clip, decided = clean(clip, self.clean, keep, even, progress)
            notes += decided
        if self.colorize != "none":
            clip = self._colour(clip, notes, keep)
        if self.upscale != "none":
            clip = self._enlarge(clip, notes)
        if self.interpolate != "none":
            clip = self._smooth(clip, notes)
        if "finish" in check_cleaners(self.clean):
            clip = finished(clip, film, keep)
        return clip

    def fetch_models(self) -> None:
        """Fetch the weights of every model that is not here, before the film is looked at.

        Raises:
            ModelError: one cannot be had; with the nearest that is here.
        """
        if self.upscale != "none":
            for name in self._upscaling(self.scale).models:
                catalog.get_files(catalog.get(name, "upscale"))
        if self.interpolate != "none":
            catalog.get_files(catalog.get(self.interpolate, "interpolate"))
        if self.colorize != "none":
            for name in self._colouring().models:
                catalog.get_files(catalog.get(name, "colorize"))

    def _upscaling(self, scale: Fraction | None) -> Upscale:
        return Upscale(self.upscale, scale, self.size, self.denoise, self.blend, self.alternate)

    def _colouring(self) -> Colorize:
        model = best_model() if self.colorize == "auto" else self.colorize
        return Colorize(
            model,
            render_factor=self.render_factor,
            saturation=self.saturation,
            tone=self.tone,
            force=self.recolor,
        )

    def _colour(self, clip: Clip, notes: list[str], keep: Keep) -> Clip:
        """Colour a clip, unless it has colours; which of its shots do is found once."""
        stage = self._colouring()
        if self.references:
            stage = replace(stage, references=find_references(clip, self.references))
        if self.recolor:
            return stage(clip)
        # The whole film is looked at for it, so it is kept whatever the colours become.
        found = keep(Colorize, clip, lambda: Colorize("tint", coloured=find_colours(clip).coloured))
        assert isinstance(found, Colorize) and found.coloured is not None
        share = share_of(clip, found.coloured)
        if share > 0.5:
            notes.append("it is in colour already and was not coloured; --recolor does it")
            return clip
        if share:
            notes.append(f"{share:.0%} of it is in colour already and stays as it is")
        return replace(stage, coloured=found.coloured)(clip)

    def _enlarge(self, clip: Clip, notes: list[str]) -> Clip:
        if self.scale is not None or self.size is not None:
            return self._upscaling(self.scale)(clip)
        own = native_scale(self._upscaling(None).models[0]) or 4
        room = min(Fraction(UHD[0], clip.info.width), Fraction(UHD[1], clip.info.height))
        scale = min(Fraction(own), room)
        if scale <= 1:
            notes.append(f"{clip.info.size} is large already and was not enlarged; --scale does it")
            return clip
        if scale < own:
            notes.append(f"enlarged {float(scale):.3g} times, to fit {UHD[0]}x{UHD[1]}")
        return self._upscaling(scale)(clip)

    def _smooth(self, clip: Clip, notes: list[str]) -> Clip:
        if self.fps is not None or self.factor is not None:
            return Interpolate(self.interpolate, self.fps, self.factor)(clip)
        # A rate that is 24 but for the clock's last digits is not doubled.
        factor = math.ceil(SMOOTH / (clip.info.fps * Fraction(101, 100)))
        if factor == 1:
            rate = float(clip.info.fps)
            notes.append(
                f"{rate:.4g} frames a second is smooth already; --fps or --factor adds more"
            )
            return clip
        return Interpolate(self.interpolate, factor=factor)(clip)


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
    before, clock = dict(spent), time.perf_counter()
    opened = Project(folder)
    clip = opened.source(source, progress=progress)
    notes = list(_film(clip).notes)
    found = time.perf_counter()
    wanted = plan.apply(clip, notes, opened.kept, progress)
    heard = time.perf_counter()
    # The sound first: what it lacks is said before hours are spent on the picture.
    sound = new_sound(source, clip, plan, notes)
    begun = time.perf_counter()
    saved = opened.save(wanted, "restored", segment=segment_length(wanted), progress=progress)
    if any(step.get("stage") == "Colorize" for step in wanted.recipe()):
        notes.append(repr(chroma_flicker(saved)))
    made = time.perf_counter()
    written = opened.render(
        saved, output, codec=codec, progress=progress,
        sound=sound, keep_sound=plan.keep_audio,
    )  # fmt: skip
    done = time.perf_counter()

    seconds = {"find shots": found - clock}
    for name, value in spent.items():
        if value - before.get(name, 0) > 0.005 and name not in ("MarkShots", "Trim"):
            seconds[name.lower()] = value - before.get(name, 0)
    if sound:
        seconds["audio"] = begun - heard
    seconds |= {"make": made - begun, "render": done - made, "all": done - clock}
    report = Report(
        source=Side.of(source, clip),
        result=Side.of(output, saved),
        seconds={name: round(value, 2) for name, value in seconds.items()},
        models=models_used(wanted),
        recipe=wanted.recipe(),
        notes=[*notes, *written.notes],
        sound_offset_ms=sound_offset_ms(source, output, saved.times[0]),
        machine={
            "device": runtime().device,
            "precision": runtime().precision,
            "encoder": written.encoder,
        },
    )
    report.write(report_path(output))
    if not project:
        shutil.rmtree(folder)
    return report


def new_sound(source: Path, clip: Clip, plan: Plan, notes: list[str]) -> tuple[Sound, ...]:
    """Return the sound tracks that the plan wants in place of the film's; what was done is noted.

    A film without sound is restored all the same; a file that was named becomes its music.
    """
    if plan.audio == "none":
        return ()
    from helpers.audio import clean_audio, fit_music, sound_file
    from helpers.audio.track import NoSoundError

    try:
        cleaned = clean_audio(source, plan.audio, strength=plan.audio_strength)
    except NoSoundError as error:
        music = sound_file(plan.audio)
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

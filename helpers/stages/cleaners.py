"""The cleaners: which fault each removes, how the fault is measured, and their order.

    found = examine(clip, project.context())                  # what is wrong with it
    cleaned = clean(clip, found.advice, project.context())    # all of them, in order

Repeated frames are removed first, so that the timeline is right and neighbours differ. Flicker is
removed before damage, because damage is found by comparing neighbours. Stabilising comes before
denoising, which averages along the motion. `finish` is the very last step, after upscaling and
interpolation; see `finish_film`.

A new cleaner needs a folder beside the others and a row in CLEANERS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.options import names as read_names
from helpers.run import RunContext
from helpers.stage import Stage
from helpers.stages.damage.find import VISIBLE, damage_sentence, measure_damage
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.denoise.find import (
    blocks_sentence,
    measure_blocks,
    measure_film_noise,
    noise_sentence,
)
from helpers.stages.denoise.stage import Denoise
from helpers.stages.diagnosis import Diagnosis, Fault, FilmSamples, Measurement, read_stretches
from helpers.stages.duplicates.find import measure_repeats, repeats_sentence
from helpers.stages.duplicates.stage import RemoveDuplicates
from helpers.stages.finish.find import greys_sentence, measure_greys
from helpers.stages.finish.stage import Finish
from helpers.stages.flicker.find import flicker_sentence, measure_flicker
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.stabilize.find import measure_shake, shake_sentence
from helpers.stages.stabilize.stage import Stabilize


@dataclass(frozen=True)
class Cleaner:
    """A fault of a film, and how it is removed.

    Attributes:
        name: the name of the fault in the command, the notebooks and reports.
        stages: the stages that remove it, in order. They analyse the film if necessary.
        diagnose: measures the fault.
        threshold: the amount above which the fault is visible.
        sentence: describes the measurement, given whether it is above the threshold.
        advised: whether "auto" removes it. Stabilising costs the edges of the picture, and a scene
            may be meant to be dim, so these are left to a person.
        whole: whether the fault can only be measured in the whole film.
    """

    name: str
    stages: tuple[Stage, ...]
    diagnose: Callable[[FilmSamples], Measurement]
    threshold: float
    sentence: Callable[[Any, bool], str]
    advised: bool = True
    whole: bool = False


MANY_REPEATS = 0.05
"""The share of repeated frames from which "auto" removes them. A film of 30 frames a second with a
single repeat must not become one of 29."""

CLEANERS: tuple[Cleaner, ...] = (
    Cleaner("duplicates", (RemoveDuplicates(),), measure_repeats, MANY_REPEATS, repeats_sentence,
            whole=True),
    Cleaner("flicker", (Deflicker(),), measure_flicker, 1.0, flicker_sentence),
    Cleaner("damage", (RemoveDamage(),), measure_damage, VISIBLE, damage_sentence, whole=True),
    Cleaner("shake", (Stabilize(),), measure_shake, 0.001, shake_sentence, advised=False),
    # Deblocking leaves slight artefacts around edges, but no noise that could be measured.
    Cleaner("blocks", (Denoise("deblock"), Denoise(sigma=3.0, alike=0.7)), measure_blocks, 1.7,
            blocks_sentence),
    Cleaner("noise", (Denoise(strength=0.8),), measure_film_noise, 1.5, noise_sentence),
    Cleaner("finish", (Finish(levels=None),), measure_greys, 85.0, greys_sentence, advised=False),
)  # fmt: skip
"""All cleaners, in the order in which they are used. The thresholds were chosen on the sample
films and those of docs/real_films.md: films that look clean are below all of them."""

NAMES = tuple(cleaner.name for cleaner in CLEANERS)
"""The names of all cleaners."""

_REPEATS, FINISH = NAMES[0], NAMES[-1]


def check_cleaners(names: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of cleaners in their order; ("auto",) depends on the film.

    Raises:
        StageError: there is no cleaner of such a name.
    """
    asked = (names,) if isinstance(names, str) else tuple(names)
    if asked in (("auto",), ("none",)):
        return asked if asked == ("auto",) else ()
    if unknown := [name for name in asked if name not in NAMES]:
        raise StageError(
            f"There is no cleaner {unknown[0]!r}. Choose auto, none, or some of {', '.join(NAMES)}."
        )
    return tuple(name for name in NAMES if name in asked)


def choose_cleaners(names: str, found: Diagnosis) -> tuple[str, ...]:
    """Return the cleaners that a person names, in their order; those that are advised for "auto".

    Args:
        names: "auto", "none", or some of NAMES, separated by commas.
        found: what the film needs; see `examine`.

    Raises:
        StageError: there is no cleaner of such a name.
    """
    asked = check_cleaners(read_names(names))
    return found.advice if asked == ("auto",) else asked


def clean(
    clip: Clip,
    names: str | tuple[str, ...] = "auto",
    run: RunContext | None = None,
    even: bool = True,
) -> Clip:
    """Return a cleaned clip, and add what was decided to the run's notes.

    Args:
        clip: a film with its shots marked.
        names: "auto", "none", or some of NAMES; "finish" is done by `finish_film`.
        run: keeps results of analyses, and the notes.
        even: after removing repeats, space the frames evenly, as interpolation needs it; "auto"
            always does.
    """
    run = run or RunContext()
    asked, spaced = choose_for(clip, names, run)
    even = even or spaced
    for cleaner in CLEANERS:
        if cleaner.name in asked and cleaner.name != FINISH:
            for stage in cleaner.stages:
                clip = _set_retime(stage, even).on(clip, run)
    return clip


def choose_for(
    clip: Clip, names: str | tuple[str, ...], run: RunContext
) -> tuple[tuple[str, ...], bool]:
    """Return the cleaners for a clip, in order, and whether "auto" chose them.

    What "auto" found is added to the run's notes.
    """
    asked = check_cleaners(names)
    if asked != ("auto",):
        return asked, False
    found = examine(clip, run)
    run.notes.extend([found.decision, *(f.sentence for f in found.faults if f.needed)])
    return found.advice, True


def _set_retime(stage: Stage, even: bool) -> Stage:
    """Return a RemoveDuplicates that spaces frames evenly or not; other stages unchanged."""
    if isinstance(stage, RemoveDuplicates):
        return replace(stage, retime="even" if even else "keep")
    return stage


def finish_film(clip: Clip, film: Clip, run: RunContext | None = None) -> Clip:
    """Return a restored clip with adjusted contrast, slight sharpening and new grain.

    Args:
        clip: the restored film.
        film: the original film. Its grey levels are measured, since it is faster to read, and the
            size of the grain depends on how much it was enlarged.
        run: keeps results of analyses.
    """
    size = round(min(max(1.2 * clip.info.height / film.info.height, 1.2), 3.0), 2)
    return Finish(levels=None, size=size).analyse(film, run)(clip)


def diagnose(clip: Clip, run: RunContext | None = None) -> Diagnosis:
    """Examine some stretches of a film to find what is wrong with it; takes some seconds."""
    return _measure_faults(clip, clip, run or RunContext(), whole=False)


def examine(clip: Clip, run: RunContext | None = None) -> Diagnosis:
    """Find all faults: repeated frames in the whole film, the others in some stretches."""
    run = run or RunContext()
    return _measure_faults(clip, RemoveDuplicates().on(clip, run), run, whole=True)


def _measure_faults(film: Clip, clip: Clip, run: RunContext, whole: bool) -> Diagnosis:
    samples = FilmSamples(film, clip, read_stretches(clip, run), run)
    cleaners = [cleaner for cleaner in CLEANERS if whole or not cleaner.whole]
    faults = tuple(_measure_fault(cleaner, samples) for cleaner in cleaners)
    frames = sum(len(stretch.frames) for stretch in samples.stretches)
    return Diagnosis(frames, (*_find_telecine(film), *faults))


@dataclass(frozen=True)
class Mixed:
    """The part of a telecined film's pictures that mix two frames."""

    amount: float = 0.4


def _find_telecine(film: Clip) -> list[Fault]:
    """Return the fault that no cleaner removes, since the film must be read otherwise."""
    if not film.info.telecined:
        return []
    sentence = (
        "It is a film of 24 frames a second, telecined for television, at least in parts: two of "
        "every five pictures mix two frames. Open it with deinterlace='telecine' (--deinterlace "
        "telecine) to get its own frames back."
    )
    return [Fault("telecine", Mixed(), True, False, sentence)]


def _measure_fault(cleaner: Cleaner, samples: FilmSamples) -> Fault:
    found = cleaner.diagnose(samples)
    needed = found.amount > cleaner.threshold
    sentence = cleaner.sentence(found, needed)
    return Fault(cleaner.name, found, needed, cleaner.advised, sentence)

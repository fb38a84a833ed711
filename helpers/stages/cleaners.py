"""The cleaners: what each takes out, how its fault is found, and the order that suits them.

    found = examine(clip, project.context())                  # what is wrong with it
    cleaned = clean(clip, found.advice, project.context())    # all of them, in order

Repeats go first, so that the timeline tells the truth and neighbours differ; light before damage,
which is found by comparing neighbours; the frame is held still before noise is averaged along its
motion. `finish` comes last of all, after enlarging and smoothing: see `finished`.

A new cleaner is a folder beside the others and a row in CLEANERS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.run import RunContext
from helpers.stage import Stage
from helpers.stages.damage.find import damage_sentence, measure_damage
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.denoise.find import (
    blocks_sentence,
    measure_blocks,
    measure_film_noise,
    noise_sentence,
)
from helpers.stages.denoise.stage import Denoise
from helpers.stages.diagnosis import Diagnosis, Fault, Look, Measured, read_stretches
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
    """One fault of a film, and what takes it out.

    Attributes:
        name: the fault, in one word; what the command, the notebooks and reports call it.
        stages: what takes it out, in order. What they have to know of the film they find.
        diagnose: measures the fault.
        threshold: the amount above which the fault shows.
        sentence: says what was measured, given whether it is above the threshold.
        advised: whether "auto" takes it out. Holding a picture still costs its edges, and a scene
            may be meant to be dim: these are left to a person.
        whole: whether it takes more than a few stretches of the film to find.
    """

    name: str
    stages: tuple[Stage, ...]
    diagnose: Callable[[Look], Measured]
    threshold: float
    sentence: Callable[[Any, bool], str]
    advised: bool = True
    whole: bool = False


CLEANERS: tuple[Cleaner, ...] = (
    Cleaner("duplicates", (RemoveDuplicates(),), measure_repeats, 0.02, repeats_sentence,
            whole=True),
    Cleaner("flicker", (Deflicker(),), measure_flicker, 1.0, flicker_sentence),
    Cleaner("damage", (RemoveDamage(),), measure_damage, 0.0002, damage_sentence, whole=True),
    Cleaner("shake", (Stabilize(),), measure_shake, 0.001, shake_sentence, advised=False),
    # What deblocking leaves is a little mush around edges, no noise that could be measured.
    Cleaner("blocks", (Denoise("deblock"), Denoise(sigma=3.0, alike=0.7)), measure_blocks, 1.7,
            blocks_sentence),
    Cleaner("noise", (Denoise(strength=0.8),), measure_film_noise, 1.5, noise_sentence),
    Cleaner("finish", (Finish(levels=None),), measure_greys, 85.0, greys_sentence, advised=False),
)  # fmt: skip
"""Every cleaner, in the order in which they are used. The thresholds were chosen on the sample
films and those of docs/real_films.md: films that people call clean stay below all of them."""

NAMES = tuple(cleaner.name for cleaner in CLEANERS)
"""What a film can be cleaned of."""

REPEATS, FINISH = NAMES[0], NAMES[-1]


def check_cleaners(names: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return cleaners in their order; ("auto",) is for the film to decide.

    Raises:
        StageError: there is none of that name.
    """
    asked = (names,) if isinstance(names, str) else tuple(names)
    if asked in (("auto",), ("none",)):
        return asked if asked == ("auto",) else ()
    if unknown := [name for name in asked if name not in NAMES]:
        raise StageError(
            f"There is no cleaner {unknown[0]!r}; allowed are auto, none, or any of "
            f"{', '.join(NAMES)}."
        )
    return tuple(name for name in NAMES if name in asked)


def clean(
    clip: Clip,
    names: str | tuple[str, ...] = "auto",
    run: RunContext | None = None,
    even: bool = True,
) -> Clip:
    """Return a cleaned clip; what was decided is among the run's notes.

    Args:
        clip: a film that knows its shots.
        names: "auto", "none", or some of NAMES. "finish" is left to `finished`.
        run: where what is found is kept, and what was decided is noted.
        even: spread the frames that are left of repeats evenly; right before interpolation.
    """
    run = run or RunContext()
    asked = check_cleaners(names)
    if asked == ("auto",):
        found = examine(clip, run)
        asked = found.advice
        said = f"It was cleaned of {', '.join(asked)}." if asked else "Nothing was found to clean."
        run.notes.extend([said, *(fault.sentence for fault in found.faults if fault.needed)])
    for cleaner in CLEANERS:
        if cleaner.name in asked and cleaner.name != FINISH:
            for stage in cleaner.stages:
                clip = _retimed(stage, even).on(clip, run)
    return clip


def _retimed(stage: Stage, even: bool) -> Stage:
    """Return a stage that spreads the frames it leaves evenly, or leaves them where they were."""
    if isinstance(stage, RemoveDuplicates):
        return replace(stage, retime="even" if even else "keep")
    return stage


def finished(clip: Clip, film: Clip, run: RunContext | None = None) -> Clip:
    """Return a clip with its contrast spread, a little sharpened, under fresh grain.

    Args:
        clip: what the film has become.
        film: what it was: its greys are looked at, which costs nothing there, and the grains grow
            as it was enlarged.
        run: where what is found is kept.
    """
    size = round(min(max(1.2 * clip.info.height / film.info.height, 1.2), 3.0), 2)
    return Finish(levels=None, size=size).analyse(film, run)(clip)


def diagnose(clip: Clip, run: RunContext | None = None) -> Diagnosis:
    """Look at some stretches of a film and say what is wrong with it; takes some seconds."""
    return _diagnosis(clip, clip, run or RunContext(), whole=False)


def examine(clip: Clip, run: RunContext | None = None) -> Diagnosis:
    """Look for everything that can be cleaned: repeats in the whole film, the rest in stretches."""
    run = run or RunContext()
    return _diagnosis(clip, RemoveDuplicates().on(clip, run), run, whole=True)


def _diagnosis(film: Clip, clip: Clip, run: RunContext, whole: bool) -> Diagnosis:
    seen = Look(film, clip, read_stretches(clip, run), run)
    looking = [cleaner for cleaner in CLEANERS if whole or not cleaner.whole]
    faults = tuple(_fault(cleaner, seen) for cleaner in looking)
    return Diagnosis(sum(len(stretch.frames) for stretch in seen.stretches), faults)


def _fault(cleaner: Cleaner, seen: Look) -> Fault:
    found = cleaner.diagnose(seen)
    needed = found.amount > cleaner.threshold
    sentence = cleaner.sentence(found, needed)
    return Fault(cleaner.name, found, needed, cleaner.advised, sentence)

"""Cleaning a film: which cleaners it needs, and all of them in the order that suits them.

    cleaned, notes = clean(clip, "auto", project.kept)
    cleaned, notes = clean(clip, ("duplicates", "damage"), project.kept)

Repeats go first, so that the timeline tells the truth and neighbours differ; light before damage,
which is found by comparing neighbours; the frame is held still before noise is averaged along its
motion. `Finish` comes last of all, after enlarging and smoothing: see `finished`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from helpers.clip import Clip
from helpers.errors import StageError
from helpers.stage import Stage
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.denoise.stage import Denoise
from helpers.stages.diagnosis import Diagnosis, diagnose
from helpers.stages.duplicates.find import find_duplicates
from helpers.stages.duplicates.stage import RemoveDuplicates
from helpers.stages.finish.find import find_levels
from helpers.stages.finish.stage import Finish
from helpers.stages.flicker.stage import Deflicker
from helpers.stages.stabilize.find import find_shake
from helpers.stages.stabilize.stage import Stabilize

CLEANERS = ("duplicates", "flicker", "damage", "shake", "blocks", "noise", "finish")
"""What a film can be cleaned of, in the order in which it is done."""

ADVICE = {
    "duplicates": "duplicates", "deflicker": "flicker", "damage": "damage",
    "deblock": "blocks", "denoise": "noise",
}  # fmt: skip
"""The diagnosis' words for them. Shake and dull greys are told of, never taken for granted."""


class Keep(Protocol):
    """Where what was found by looking at a whole film is kept; `Project.kept` is one."""

    def __call__(self, kind: type[Stage], clip: Clip, find: Callable[[], Stage]) -> Stage:
        """Return the stage that was found for a clip before, or find it and keep it."""
        ...


def anew(kind: type[Stage], clip: Clip, find: Callable[[], Stage]) -> Stage:
    """Find it anew: where there is no project to keep it."""
    return find()


def check_cleaners(names: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return cleaners in their order; ("auto",) is for the film to decide.

    Raises:
        StageError: there is none of that name.
    """
    asked = (names,) if isinstance(names, str) else tuple(names)
    if asked in (("auto",), ("none",)):
        return asked if asked == ("auto",) else ()
    if unknown := [name for name in asked if name not in CLEANERS]:
        raise StageError(
            f"There is no cleaner {unknown[0]!r}; allowed are auto, none, or any of "
            f"{', '.join(CLEANERS)}."
        )
    return tuple(name for name in CLEANERS if name in asked)


def clean(
    clip: Clip,
    names: str | tuple[str, ...] = "auto",
    keep: Keep = anew,
    even: bool = True,
    progress: bool = False,
) -> tuple[Clip, list[str]]:
    """Return a cleaned clip, and notes on what was decided.

    Args:
        clip: a film that knows its shots.
        names: "auto", "none", or some of CLEANERS. "finish" is left to `finished`.
        keep: where what is found is kept.
        even: spread the frames that are left of repeats evenly; right before interpolation.
        progress: show a bar while the whole film is looked at.
    """
    asked = check_cleaners(names)
    notes: list[str] = []
    if asked == ("auto",):
        found = examine(clip, keep, progress)
        asked = advised(found)
        notes = [f"cleaned of {', '.join(asked)}" if asked else "nothing was found to clean"]
        notes += [words for _, needed, words in found.faults if needed]
    for name in asked:
        if name == "duplicates":
            clip = unrepeated(clip, keep, even, progress)
        elif name == "flicker":
            clip = Deflicker()(clip)
        elif name == "damage":
            clip = RemoveDamage()(clip)
        elif name == "shake":
            still = clip
            steady = keep(Stabilize, still, lambda: Stabilize(find_shake(still, progress)))  # noqa: B023
            clip = steady(clip)
        elif name == "blocks":
            # What deblocking leaves is a little mush around edges, no noise that could be measured.
            clip = Denoise(sigma=3.0, alike=0.7)(Denoise("deblock")(clip))
        elif name == "noise":
            clip = Denoise(strength=0.8)(clip)
    return clip, notes


def examine(clip: Clip, keep: Keep = anew, progress: bool = False) -> Diagnosis:
    """Look for everything that can be cleaned: repeats in the whole film, the rest in stretches."""
    distinct = unrepeated(clip, keep, even=False, progress=progress)
    part = 1 - len(distinct) / len(clip)
    return replace(diagnose(distinct), duplicates=part, damage=damaged_part(distinct))


def damaged_part(clip: Clip, samples: int = 7) -> float:
    """Return the part of the picture that dust and scratches cover, from a few frames."""
    repaired = RemoveDamage("median")(clip)
    numbers = np.unique(np.linspace(0, len(clip) - 1, samples + 2)[1:-1].round().astype(int))
    parts = [np.mean(repaired[int(n)].image != clip[int(n)].image) for n in numbers]
    return float(np.median(parts)) if parts else 0.0


def advised(found: Diagnosis) -> tuple[str, ...]:
    """Return the cleaners that a diagnosis asks for, in their order."""
    names = {ADVICE[name] for name in found.advice}
    if "blocks" in names:
        names.discard("noise")  # it was measured on the blocks' own pattern
    return tuple(name for name in CLEANERS if name in names)


def unrepeated(clip: Clip, keep: Keep = anew, even: bool = True, progress: bool = False) -> Clip:
    """Return a clip without the frames that repeat another."""
    found = keep(RemoveDuplicates, clip, lambda: find_duplicates(clip, progress).stage())
    assert isinstance(found, RemoveDuplicates)
    return replace(found, retime="even" if even else "keep")(clip)


def finished(clip: Clip, film: Clip, keep: Keep = anew) -> Clip:
    """Return a clip with its contrast spread, a little sharpened, under fresh grain.

    Args:
        clip: what the film has become.
        film: what it was: its greys are looked at, which costs nothing there, and the grains grow
            as it was enlarged.
    """
    size = round(min(max(1.2 * clip.info.height / film.info.height, 1.2), 3.0), 2)
    found = keep(Finish, film, lambda: Finish(levels=find_levels(film, whole=True)))
    return replace(found, size=size)(clip)  # type: ignore[type-var]

"""Measure a restoration when it is finished: picture and sound, beside the film it was made of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from helpers.clip import Clip
from helpers.quality.no_reference import Measures, measure_both
from helpers.quality.no_reference_sound import measure_both_sounds
from helpers.run import RunContext


def measure_restoration(
    source: Path, output: Path, film: Clip, made: Clip, run: RunContext | None = None
) -> Measures:
    """Measure a film and its restoration side by side.

    Args:
        source, output: their files, for the sound.
        film: the film, with its shots marked.
        made: the pictures of the result, on the film's timeline.
        run: the run that this belongs to.
    """
    found = measure_both(film, made, run)
    span = float(made.times[0]), float(made.end)
    sounds = measure_both_sounds(source, output, found.moments, span)
    return replace(found, courses=(*found.courses, *sounds))

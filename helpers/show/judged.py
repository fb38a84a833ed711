"""Show what `judge` found: the moments where each choice does best and worst."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from helpers.errors import StageError
from helpers.imaging.luma import to_eight_bit
from helpers.project.words import format_moment
from helpers.quality.judgement import Judgement
from helpers.show.picture import Picture
from helpers.show.still import make_still
from helpers.show.view import View


def show_judged(found: Judgement, *, path: str | Path | None = None, width: int = 1280) -> View:
    """Show the best and the worst moment of every choice beside the truth.

    Args:
        found: what `judge` returned.
        path: also write the picture there, as .png or .jpg.
        width: of the picture, in pixels.

    Raises:
        StageError: sounds were judged, which have no pictures.
    """
    rows = []
    for choice in found.choices:
        row = []
        for word, example in (("best", choice.best), ("worst", choice.worst)):
            if example is None:
                raise StageError("Sounds have no pictures. Listen to them in notebook 06.")
            moment = format_moment(float(example.time))
            for image, name in ((example.made, choice.label), (example.truth, "truth")):
                detail = f"{word}, {moment}"
                row.append(Picture(to_eight_bit(image), Fraction(1), name, detail, moment))
        rows.append(row)
    return make_still(rows, width, path)

"""How far each step may change a picture, measured; see benchmarks/quality/verify.py."""

from __future__ import annotations

from collections.abc import Iterable

from helpers.verify.compare import Tolerance

SAME = Tolerance(structure=0.95, worst=0.8, light=12, colour=12)
"""Only encoded. Eleven films had a structure of 0.999 and light within 0.1. One damaged frame had
0.983, and a recording of a screen among FFmpeg's samples a difference of 6. Faults of colour and
of levels are told by their kind, so this needs no narrow limit."""

STEPS = {
    "MarkShots": SAME,
    "Trim": SAME,
    # ffmpeg shows both moments of a woven picture, and the result shows one of them.
    "Deinterlace": Tolerance(0.95, 0.8, 6, 6, exact=False),
    # ffmpeg shows the pictures as they were telecined: at other times, and two frames in some.
    "Telecine": Tolerance(0.9, 0.2, 12, 12, exact=False),
    "ConstantRate": Tolerance(0.95, 0.8, 12, 12, exact=False),
    "RemoveDuplicates": Tolerance(0.9, 0.5, 8, 4, exact=False),
    "Deflicker": Tolerance(0.8, 0.4, 40, 8, levels=False),
    "RemoveDamage": Tolerance(0.9, 0.4, 20, 8, exact=False),
    "Stabilize": Tolerance(0.5, 0.2, 20, 8, exact=False, edges=False),
    "Denoise": Tolerance(0.95, 0.7, 6, 6),
    "Finish": Tolerance(0.7, 0.4, 80, 25, levels=False),
    "Colorize": Tolerance(0.9, 0.6, 12, 128, chroma=False),
    "Upscale": Tolerance(0.95, 0.8, 8, 8),
    "Interpolate": Tolerance(0.95, 0.5, 8, 8, exact=False),
}

TINY = Tolerance(0.8, 0.6, 8, 8)
"""For pictures of less than 32 pixels, where a repeated column of an odd side moves all others."""

UNKNOWN = Tolerance(0.4, 0.0, 60, 128, levels=False, chroma=False, exact=False)
"""For a result of which nobody knows how it was made."""


def is_known(steps: Iterable[str] | None) -> bool:
    """Tell whether it is known what these steps may do; a stage of a user's own may do anything."""
    return all(step in STEPS for step in steps or ())


def tolerance_of(steps: Iterable[str] | None) -> Tolerance:
    """Return what these steps together may do; None are steps that are not known."""
    allowed = SAME if steps is not None else UNKNOWN
    for step in steps or ():
        allowed |= STEPS[step]
    return allowed

"""What a copy of a film must be."""

from __future__ import annotations

from fractions import Fraction

from helpers import open_video
from helpers.clip import ColourTags
from helpers.verify.promise import Promise


def promise_of(path, **changes):
    """Return what a copy of a film must be."""
    clip = open_video(path)
    values = {
        "times": clip.times, "end": clip.end, "film": clip.times, "steps": (),
        "size": (clip.info.width, clip.info.height),
        "shape": clip.info.sar * Fraction(clip.info.width, clip.info.height),
        "colour": ColourTags(matrix="smpte170m", range="tv"),
    }  # fmt: skip
    return Promise(**{**values, **changes})

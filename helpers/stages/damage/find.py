"""Measure how much of a film's picture is damaged, on a few frames."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from helpers.clip import Clip, MemoryClip
from helpers.stages.damage.stage import RemoveDamage
from helpers.stages.diagnosis import FilmSamples


@dataclass(frozen=True)
class Damage:
    """How much of a film is damaged.

    Attributes:
        share: the share of the picture that seems to be damaged, 0 to 1.
        grey: whether the film is black and white.
    """

    share: float
    grey: bool = True

    @property
    def amount(self) -> float:
        """The share as evidence: in colour, which is likely modern, it may be something else."""
        return self.share if self.grey else self.share / MODERN


VISIBLE = 0.0005
"""The share of the picture from which on a film is damaged. Measured as here: of ten modern films
nine have none, and a deinterlaced studio has 0.003 %; old films have 0.09 % (hydepark, abomb), the
sample film 1.1 %. Old films that are clean (chaplin, friday) have none."""

MODERN = 10.0
"""So many times more must seem to be damaged in a film in colour. Rain, sparks, birds and snow in
all frames of benchmarks/quality/clean_film.py make 0.1 to 0.49 %, a cartoon of ten drawings a
second 0.17 %; known damage in colour makes 0.97 % and more."""

FRAMES = 9
"""So many frames are examined: more take longer than anybody likes to wait."""


WIDEST = 480
"""Wider films are reduced to so many pixels. It bounds the time; the old films that were measured
have 430 to 480."""


def measure_damage(samples: FilmSamples, count: int = FRAMES) -> Damage:
    """Measure the damage as `RemoveDamage` finds it: the median over frames spread over the film.

    Something that flashes or flies past is in a few frames of a film, dust in most of them.
    """
    clip = samples.clip
    numbers = np.unique(np.linspace(0, len(clip) - 1, count + 2)[1:-1].round().astype(int))
    parts = [_changed_share(clip, int(number)) for number in numbers]
    return Damage(float(np.median(parts)) if parts else 0.0, clip.info.grey)


def _changed_share(clip: Clip, number: int) -> float:
    """Return the share of the pixels of a frame that `RemoveDamage` changes."""
    clean = RemoveDamage()
    first = max(number - clean.context, 0)
    frames = list(clip.frames(first, min(number + clean.context + 1, len(clip))))
    cuts = [frame.time for frame in frames[1:] if frame.cut]
    end = frames[-1].time + 1
    small = MemoryClip([_reduce(f.image) for f in frames], [f.time for f in frames], end, cuts)
    here = number - first
    return float((clean(small)[here].image != small[here].image).any(-1).mean())


def _reduce(image: np.ndarray) -> np.ndarray:
    """Reduce a picture to at most `WIDEST` pixels in width."""
    height, width = image.shape[:2]
    if width <= WIDEST:
        return image
    size = WIDEST, max(round(height * WIDEST / width), 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def damage_sentence(found: Damage, needed: bool) -> str:
    """Describe the measurement in a sentence."""
    if not needed and found.share > VISIBLE:
        return (
            f"Something small covers {found.share:.2%} of the picture. In a film in colour it is "
            "rather a thing that moves than dust."
        )
    if not needed:
        return "There is hardly any dust, and no scratch."
    return f"Dust and scratches cover {found.share:.2%} of the picture."

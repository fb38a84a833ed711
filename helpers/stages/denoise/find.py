"""How noisy a film is, from a few pairs of its frames."""

from __future__ import annotations

import numpy as np

from helpers.clip import Clip
from helpers.imaging.noise import Noise, measure_noise


def find_noise(clip: Clip, samples: int = 5) -> Noise:
    """Return the noise of a clip: the median of some frames spread over it.

    Args:
        clip: a film; twice `samples` of its frames are read.
        samples: how many places are looked at.
    """
    found = []
    for number in np.unique(np.linspace(0, len(clip) - 1, samples + 2)[1:-1].astype(int)):
        pair = list(clip.frames(int(number), min(int(number) + 2, len(clip))))
        following = pair[1].image if len(pair) > 1 and not pair[1].cut else None
        found.append(measure_noise(pair[0].image, following))
    sigma, alike = (float(value) for value in np.median(found, axis=0))
    return Noise(round(sigma, 2), round(alike, 2))

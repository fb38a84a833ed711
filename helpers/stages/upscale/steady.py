"""Steady an enlarged film: average each picture with its neighbours along the motion.

    seen = [look(image) for image in sources]
    better = average(seen, enlarged, at=2)        # the picture number 2, with all the others

A network that sees one picture at a time invents other details in each, and coding noise is new in
each as well: both flicker. What is real stays the same along the motion. The motion is measured in
the source, which is small, so it is quick; a neighbour has no weight where the source differs from
what the motion brings there by more than its noise. So what is new, hidden or moved wrongly is left
as it is, and no ghosts appear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from helpers.imaging.luma import brightness, round_to, to_levels, to_uint8
from helpers.imaging.optical_flow import FINE, measure_flow, own_positions, sample, warp

REACH = 2
"""Neighbours to each side. One brings three quarters of the steadiness that two bring, and three
bring a tenth more. By trial on eight small compressed films, like the numbers below."""

_BLUR = 0.7
"""Standard deviation, in pixels, of the blur before motion is measured. It hides coding noise."""

_WINDOW = 5
"""Pixels a side of the window over which the source is compared with a neighbour."""

_NOISE = 8.0
"""The mean square of a difference, in grey levels of 255, that is taken for noise. With 16 and
more, moving faces become soft."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What is compared of a picture of the film.

    Attributes:
        levels: (h, w, 3) float32 in 0..255, blurred.
        luma: (h, w) uint8, blurred.
    """

    levels: np.ndarray
    luma: np.ndarray


def look(image: np.ndarray) -> Seen:
    """Prepare a picture of the film, (h, w, 3) uint8 or uint16, to be compared with others."""
    levels = cv2.GaussianBlur(to_levels(image), (0, 0), _BLUR)
    return Seen(levels, to_uint8(cv2.GaussianBlur(brightness(image), (0, 0), _BLUR)))


def average(seen: Sequence[Seen], enlarged: Sequence[np.ndarray], at: int) -> np.ndarray:
    """Average an enlarged picture with others of its shot, weighted by how well they fit.

    Args:
        seen: the pictures of the film.
        enlarged: what was made of each, (H, W, 3) of one size and type, uint8 or uint16.
        at: the number of the picture that is steadied.

    Returns:
        (H, W, 3) of the same type.
    """
    here, made = seen[at], enlarged[at]
    mean, weights = _four_channels(made).astype(np.float32), np.ones(made.shape[:2], np.float32)
    for there, other in zip(seen, enlarged, strict=True):
        if other is made:  # itself, or a repeated picture
            continue
        # Finer motion takes twice as long in all, and brings 0.02 dB.
        flow = measure_flow(here.luma, there.luma, FINE)
        weight = _weigh(here.levels, there.levels, flow)
        weight = cv2.resize(weight, made.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        moved = sample(_four_channels(other), _enlarge_positions(flow, made.shape))
        mean = cv2.blendLinear(mean, moved.astype(np.float32), weights, weight)
        weights += weight
    return round_to(cv2.cvtColor(mean, cv2.COLOR_RGBA2RGB), made.dtype)


def _four_channels(picture: np.ndarray) -> np.ndarray:
    """Add a channel, since OpenCV samples four of them twice as fast as three."""
    return cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA)


def _weigh(here: np.ndarray, there: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return the weight of a neighbour at each pixel of the source, (h, w) float32 in 0..1."""
    square = ((here - warp(there, flow)) ** 2).mean(axis=2)
    square = cv2.blur(square, (_WINDOW, _WINDOW))
    return np.exp(-2 * np.maximum(square / np.float32(_NOISE) - 1, 0))


def _enlarge_positions(flow: np.ndarray, shape: Sequence[Any]) -> np.ndarray:
    """Return where each pixel of the enlarged picture comes from, (H, W, 2) float32."""
    (height, width), (small_height, small_width) = shape[:2], flow.shape[:2]
    times = np.array([width / small_width, height / small_height], np.float32)
    flow = cv2.resize(flow * times, (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.add(flow, own_positions(height, width), dst=flow)

"""Steady an enlarged film: average each picture with its neighbours along the motion.

    for shot in split_shots(pairs):
        yield from steady_shot(shot)

A network that sees one picture at a time invents other details in each, and coding noise is new in
each as well: both flicker. What is real stays the same along the motion. The motion is measured in
the source, which is small, so it is quick; a neighbour has no weight where the source differs from
what the motion brings there by more than its noise. So what is new, hidden or moved wrongly is left
as it is, and no ghosts appear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from helpers.clip import Frame
from helpers.imaging.luma import brightness, round_to, to_levels, to_uint8
from helpers.imaging.optical_flow import SMOOTH_SMALL, measure_flow, own_positions, warp
from helpers.stage import windowed

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
class Pair:
    """A picture of the film and its enlargement.

    Attributes:
        source: the frame that was enlarged.
        made: (H, W, 3), uint8 or uint16.
    """

    source: Frame
    made: np.ndarray

    @property
    def cut(self) -> bool:
        """Whether a shot begins here."""
        return self.source.cut


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is compared of a picture: blurred levels, (h, w, 3) float32, and luma, (h, w) uint8."""

    pair: Pair
    levels: np.ndarray
    luma: np.ndarray

    @classmethod
    def of(cls, pair: Pair) -> _Seen:
        image = pair.source.image
        levels = cv2.GaussianBlur(to_levels(image), (0, 0), _BLUR)
        luma = to_uint8(cv2.GaussianBlur(brightness(image), (0, 0), _BLUR))
        return cls(pair, levels, luma)


def steady_shot(pairs: Iterator[Pair]) -> Iterator[Frame]:
    """Yield the steadied frames of a shot; REACH neighbours to each side are read."""
    for window, at in windowed(map(_Seen.of, pairs), REACH, REACH):
        made = _average(window, at)
        yield Frame(made, window[at].pair.source.time)


def _average(window: Sequence[_Seen], at: int) -> np.ndarray:
    """Average the enlarged picture number `at` with the others, weighted by how well they fit."""
    here = window[at]
    made = here.pair.made
    total, weights = made.astype(np.float32), np.ones(made.shape[:2], np.float32)
    for number, there in enumerate(window):
        if number == at or there.pair.made is made:
            continue
        flow = measure_flow(here.luma, there.luma, SMOOTH_SMALL)
        weight = _weigh(here.levels, there.levels, flow)
        if not weight.any():
            continue
        weight = cv2.resize(weight, made.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        moved = cv2.remap(
            there.pair.made, _enlarge_flow(flow, made.shape), None, cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        total += moved * weight[..., None]
        weights += weight
    return round_to(total / weights[..., None], made.dtype)


def _weigh(here: np.ndarray, there: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return the weight of a neighbour at each pixel of the source, (h, w) float32 in 0..1."""
    square = ((here - warp(there, flow)) ** 2).mean(axis=2)
    square = cv2.blur(square, (_WINDOW, _WINDOW))
    return np.exp(-2 * np.maximum(square / np.float32(_NOISE) - 1, 0))


def _enlarge_flow(flow: np.ndarray, shape: Sequence[Any]) -> np.ndarray:
    """Return where each pixel of the enlarged picture comes from, (H, W, 2) float32."""
    (height, width), (small_height, small_width) = shape[:2], flow.shape[:2]
    flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    flow *= np.array([width / small_width, height / small_height], np.float32)
    flow += own_positions(height, width)
    return flow

"""Interpolate between two frames by optical flow, without a network.

1. The flow is measured in both directions, in small pictures; see `imaging.optical_flow`.
2. For a new frame, every pixel has three candidates: the forward flow and the backward flow, each
   projected to the time of the new frame, and no motion. Each candidate joins a position in one
   picture with a position in the other; the more similar the two are, the larger its share.
3. The candidates are drawn in full size and mixed; see `flow_drawing`.

So a caption stays still above a moving street, each side of an occlusion edge follows the flow
that fits it, and where no motion fits (film damage, a missed cut) the result is a cross-fade.

The small pictures are half as large as the frames. If the film was enlarged, they are as large as
it was before: it has no motion that could not be seen in that size.

Example:
    interpolator = FlowInterpolator()
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])
    middle, = interpolator.between(first, last, [0.5])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.catalog.registry import Request, engine
from helpers.imaging.luma import opencv_luma, to_levels, to_uint8
from helpers.imaging.optical_flow import (
    SMOOTH,
    SMOOTH_SMALL,
    measure_both_flows,
    sample,
    target_positions,
)
from helpers.stages.interpolate.checks import check_fractions, check_pictures
from helpers.stages.interpolate.flow_drawing import Mix, draw, to_image

_PROJECTIONS = 2
"""Iterations of the projection of a flow to another time; the second changes little already."""

_WINDOW = 13
"""Side in small pixels of the window in which two positions are compared: larger than a patch of
the flow, so that grain has little effect, but small enough to separate the two sides of an edge."""

_NOISE, _STEEPNESS = 0.5, 1.5
"""Grey levels (of 255); smaller differences are noise and do not favour any motion. And the power
of the difference by which the share of a candidate falls. benchmarks/speed/flow.py measures the
effect of these three."""

_MUCH = 3
"""From how many times enlarged on a film has so little detail for its size that it may be drawn
with linear sampling. Twice is too little: 0.2 dB would be lost (benchmarks/speed/flow.py)."""


class FlowInterpolator:
    """Interpolates between two pictures by optical flow in both directions.

    It has no state: the result depends only on the arguments, not on earlier calls or the number of
    threads, and several threads may use one object at the same time.

    Args:
        enlarged: how many times larger the pictures are than those that they were enlarged from.
    """

    def __init__(self, enlarged: float = 1) -> None:
        self._enlarged = float(enlarged)

    def between(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Return the pictures at `fractions` of the interval from `first` to `last`.

        Args:
            first, last: (H, W, 3) RGB, uint8 (0..255) or uint16 (0..65535), of any size from 1x1.
                They are not changed.
            fractions: between 0 and 1, both excluded.

        Returns:
            A picture for each fraction, of the shape and type of `first`.

        Raises:
            ValueError: the pictures or a fraction are not as described.
        """
        check_pictures(first, last)
        check_fractions(fractions)
        if not len(fractions) or np.array_equal(first, last):
            return [first.copy() for _ in fractions]
        much = self._enlarged >= _MUCH
        start, end = to_levels(first), to_levels(last)
        motion = Motion.measure(start, end, self._enlarged if much else 2.0, much)
        return [
            to_image(draw(start, end, motion.mix(fraction), fraction, much), first.dtype)
            for fraction in fractions
        ]


@engine("interpolate", precisions=())
def load(request: Request, enlarged: float = 1) -> FlowInterpolator:
    """Return the method, which needs no weights."""
    return FlowInterpolator(enlarged)


@dataclass(frozen=True, eq=False)
class Motion:
    """Two small pictures and the motion between them.

    Attributes:
        start, end: the pictures, (h, w, 3) float32 RGB in 0..255.
        forward, backward: the flows from `start` to `end` and back, (h, w, 2) float32, x and y in
            pixels of the small pictures.
        still: the weight of no motion at every pixel, (h, w) float32.
    """

    start: np.ndarray
    end: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    still: np.ndarray

    @classmethod
    def measure(cls, first: np.ndarray, last: np.ndarray, shrink: float, fine: bool) -> Motion:
        """Measure the motion between two pictures, (H, W, 3) float32 RGB in 0..255.

        Args:
            shrink: how many times smaller the pictures are in which it is measured.
            fine: whether these have as much detail as pictures of their size can have.
        """
        height, width = (max(round(side / shrink), 1) for side in first.shape[:2])
        start, end = (
            cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            for picture in (first, last)
        )
        here, there = (to_uint8(opencv_luma(picture)) for picture in (start, end))
        settings = SMOOTH_SMALL if fine else SMOOTH
        forward, backward = measure_both_flows(here, there, settings)
        return cls(start, end, forward, backward, _measure_agreement(start, end))

    def mix(self, fraction: float) -> Mix:
        """Return the candidates for the picture at `fraction`, and their shares."""
        weights = [self.still * np.float32(1 - fraction), self.still * np.float32(fraction)]
        total = self.still.copy()
        motions = (_project(self.forward, fraction), -_project(self.backward, 1 - fraction))
        for motion in motions:
            before_at = target_positions(motion, -fraction)
            after_at = target_positions(motion, 1 - fraction)
            weight = _measure_agreement(sample(self.start, before_at), sample(self.end, after_at))
            # Where one position is outside the picture (in a pan), only the other is used.
            before = np.float32(1 - fraction) * _weigh_inside(before_at)
            after = np.float32(fraction) * _weigh_inside(after_at)
            total += weight
            weight /= before + after
            weights += [before * weight, after * weight]
        return Mix(motions, [weight / total for weight in weights])


def _project(flow: np.ndarray, fraction: float) -> np.ndarray:
    """Project a flow to the pixels of the picture at `fraction` of it.

    A pixel x of that picture has the flow of the y for which y + fraction * flow(y) = x, which is
    found by iteration.
    """
    carried = flow
    for _ in range(_PROJECTIONS):
        carried = sample(flow, target_positions(carried, -fraction))
    return carried


def _weigh_inside(at: np.ndarray) -> np.ndarray:
    """Return 1 for positions inside the picture and nearly 0 outside, with a ramp of a pixel."""
    inside = np.ones(at.shape[:2], np.float32)
    inside = cv2.remap(inside, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return inside + np.float32(1e-3)


def _measure_agreement(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the weight of a motion, (h, w), from the similarity of the positions it joins."""
    difference = opencv_luma(cv2.absdiff(before, after))
    difference = cv2.stackBlur(difference, (_WINDOW, _WINDOW)) + np.float32(_NOISE)
    return cv2.pow(difference, -_STEEPNESS)

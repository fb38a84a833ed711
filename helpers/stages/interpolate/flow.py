"""Interpolate between two frames by optical flow, without a network.

1. The flow is measured in both directions; see `imaging.optical_flow`.
2. For a new frame, every pixel has three candidates: the forward flow and the backward flow, each
   projected to the time of the new frame, and no motion. Each candidate joins a position in one
   picture with a position in the other; the more similar the two are, the higher its weight.

So a caption stays still above a moving street, each side of an occlusion edge follows the flow
that fits it, and where no motion fits (film damage, a missed cut) the result is a cross-fade.

Example:
    interpolator = FlowInterpolator()
    third, two_thirds = interpolator.between(first, last, [1 / 3, 2 / 3])
    middle, = interpolator.between(first, last, [0.5])
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from helpers.catalog.registry import Request, engine
from helpers.imaging.luma import opencv_luma, round_to, to_levels, to_uint8
from helpers.imaging.optical_flow import DENSE, measure_both_flows, sample, target_positions
from helpers.stages.interpolate.checks import check_fractions, check_pictures

_PROJECTIONS = 2
"""Iterations of the projection of a flow to another time; the second changes little already."""

_WINDOW = 25
"""Side in pixels of the window in which two positions are compared: larger than a patch of the
flow, so that grain has little effect, but small enough to separate the two sides of an edge."""

_NOISE = 1.0
"""Grey levels (of 255); smaller differences are noise and do not favour any motion."""


class FlowInterpolator:
    """Interpolates between two pictures by optical flow in both directions.

    It has no state: the result depends only on the arguments, not on earlier calls or the number of
    threads, and several threads may use one object at the same time.
    """

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
        if np.array_equal(first, last):
            return [first.copy() for _ in fractions]
        scale = 255 / np.iinfo(first.dtype).max
        start, end = to_levels(first), to_levels(last)
        forward, backward = measure_motion(start, end)
        return [
            round_to(_draw(start, end, forward, backward, fraction) / scale, first.dtype)
            for fraction in fractions
        ]


@engine("interpolate", precisions=())
def load(request: Request) -> FlowInterpolator:
    """Return the method, which needs no weights."""
    return FlowInterpolator()


def measure_motion(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure the flow from `start` to `end` and the flow from `end` to `start`.

    Args:
        start, end: (H, W, 3) float32 RGB in 0..255.

    Returns:
        Both flows, (H, W, 2) float32, x and y in pixels.
    """
    here, there = (to_uint8(opencv_luma(picture)) for picture in (start, end))
    return measure_both_flows(here, there, DENSE)


def _draw(
    start: np.ndarray, end: np.ndarray, forward: np.ndarray, backward: np.ndarray, fraction: float
) -> np.ndarray:
    """Return the float32 picture at `fraction`, the weighted mean of the three candidates."""
    rest = cv2.addWeighted(start, 1 - fraction, end, fraction, 0)
    weights = _measure_agreement(start, end)
    total = weights * rest
    for motion in (_project(forward, fraction), -_project(backward, 1 - fraction)):
        proposal, weight = _propose(start, end, motion, fraction)
        cv2.accumulateProduct(weight, proposal, total)
        weights += weight
    return np.divide(total, weights, out=total)


def _propose(
    start: np.ndarray, end: np.ndarray, motion: np.ndarray, fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the candidate picture of a motion, and its weight at every pixel, both (H, W, 3)."""
    before_at = target_positions(-np.float32(fraction) * motion)
    after_at = target_positions(np.float32(1 - fraction) * motion)
    # Cubic, since linear interpolation blurs fine detail.
    before = sample(start, before_at, cv2.INTER_CUBIC)
    after = sample(end, after_at, cv2.INTER_CUBIC)
    # Where one position is outside the picture (in a pan), only the other is used.
    before_share = np.float32(1 - fraction) * _weigh_inside(before_at)
    after_share = np.float32(fraction) * _weigh_inside(after_at)
    share = after_share / (before_share + after_share)
    return before + _to_three_channels(share) * (after - before), _measure_agreement(before, after)


def _project(flow: np.ndarray, fraction: float) -> np.ndarray:
    """Project a flow to the pixels of the picture at `fraction` of it.

    A pixel x of that picture has the flow of the y for which y + fraction * flow(y) = x, which is
    found by iteration.
    """
    carried = flow
    for _ in range(_PROJECTIONS):
        carried = sample(flow, target_positions(-np.float32(fraction) * carried))
    return carried


def _weigh_inside(at: np.ndarray) -> np.ndarray:
    """Return 1 for positions inside the picture and nearly 0 outside, with a ramp of a pixel."""
    inside = np.ones(at.shape[:2], np.float32)
    inside = cv2.remap(inside, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return inside + np.float32(1e-3)


def _measure_agreement(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the weight of a motion, (H, W, 3), from the similarity of the positions it joins."""
    difference = opencv_luma(cv2.absdiff(before, after))
    difference = cv2.stackBlur(difference, (_WINDOW, _WINDOW))
    return _to_three_channels(1 / np.square(difference + np.float32(_NOISE)))


def _to_three_channels(plane: np.ndarray) -> np.ndarray:
    """Return (H, W) as (H, W, 3), since NumPy multiplies equal shapes faster than it broadcasts."""
    return cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB)

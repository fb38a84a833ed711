"""Draw the pictures between two neighbouring ones, by optical flow, without a network.

1. Motion is measured from first to last and from last to first; see `imaging.optical_flow`.
2. For a new picture three motions compete at every pixel: the forward flow and the backward
   flow, each carried to the moment of the new picture, and rest. A motion points at one place
   in either picture; the better the two places look alike, the more its mix of them weighs.

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

# Look-ups when a flow is carried to another moment; the second already moves little.
_PROJECTIONS = 2
# Side, in pixels, of the window over which two places are compared: wider than a flow patch, so
# that grain does not decide, yet narrow enough to tell the two sides of an edge apart.
_WINDOW = 25
# Differences far below this (of 255) are noise and tell no motion from another.
_NOISE = 1.0


class FlowInterpolator:
    """Interpolate between two pictures by optical flow in both directions.

    Keeps no state: the result depends on the arguments only, not on earlier calls or the number
    of threads, and one object may be used from several threads at once.
    """

    def between(
        self, first: np.ndarray, last: np.ndarray, fractions: Sequence[float]
    ) -> list[np.ndarray]:
        """Return the pictures at `fractions` of the way from `first` to `last`.

        `first` and `last` are RGB of shape (H, W, 3), uint8 (0..255) or uint16 (0..65535), of
        any size from 1x1. Every fraction lies between 0 and 1, both excluded. The results, one
        for each fraction, have the shape and dtype of `first`; the inputs are left as they are.

        Raises ValueError if the pictures or a fraction are not as described.
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
    """Return how far each pixel moves from `start` to `end`, and how far from `end` to `start`.

    Takes float32 RGB 0..255; the flows are (H, W, 2) float32, x and y in pixels.
    """
    here, there = (to_uint8(opencv_luma(picture)) for picture in (start, end))
    return measure_both_flows(here, there, DENSE)


def _draw(
    start: np.ndarray, end: np.ndarray, forward: np.ndarray, backward: np.ndarray, fraction: float
) -> np.ndarray:
    """Return the float32 picture at `fraction`, mixed from what the three motions propose."""
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
    """Return the picture that `motion` proposes and its weight at every pixel, both (H, W, 3)."""
    before_at = target_positions(-np.float32(fraction) * motion)
    after_at = target_positions(np.float32(1 - fraction) * motion)
    # Cubic, for linear sampling blurs fine detail.
    before = sample(start, before_at, cv2.INTER_CUBIC)
    after = sample(end, after_at, cv2.INTER_CUBIC)
    # Where one place has left the picture (a pan), the other alone is shown.
    before_share = np.float32(1 - fraction) * _weigh_inside(before_at)
    after_share = np.float32(fraction) * _weigh_inside(after_at)
    share = after_share / (before_share + after_share)
    return before + _to_three_channels(share) * (after - before), _measure_agreement(before, after)


def _project(flow: np.ndarray, fraction: float) -> np.ndarray:
    """Return the flow as seen by the pixels of the picture at `fraction` of its way.

    A pixel x there is reached from the y with y + fraction * flow(y) = x, found by iteration.
    """
    carried = flow
    for _ in range(_PROJECTIONS):
        carried = sample(flow, target_positions(-np.float32(fraction) * carried))
    return carried


def _weigh_inside(at: np.ndarray) -> np.ndarray:
    """Return 1 for places inside the picture and nearly 0 for those outside, falling within a
    pixel, (H, W)."""
    inside = np.ones(at.shape[:2], np.float32)
    inside = cv2.remap(inside, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return inside + np.float32(1e-3)


def _measure_agreement(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the weight of a motion, (H, W, 3), from how alike the two places it joins are."""
    difference = opencv_luma(cv2.absdiff(before, after))
    difference = cv2.stackBlur(difference, (_WINDOW, _WINDOW))
    return _to_three_channels(1 / np.square(difference + np.float32(_NOISE)))


def _to_three_channels(plane: np.ndarray) -> np.ndarray:
    """Return (H, W) as (H, W, 3): NumPy multiplies equal shapes much faster than it broadcasts."""
    return cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB)

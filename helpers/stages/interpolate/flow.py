"""Draw the pictures between two neighbouring ones, by optical flow, without a network.

1. Motion is measured from first to last and from last to first with DIS (Kroeger, Timofte,
   Dai and Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016), refined at full
   resolution by the variational method of Brox et al. (ECCV 2004); both come with OpenCV.
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
from helpers.stages.interpolate.checks import check_fractions, check_pictures

# DIS needs room for its 8-pixel patches at two scales; smaller pictures are padded to this side.
SMALLEST_SIDE = 32
# Two pixels between patches instead of three: thin things are hit by more patches.
PATCH_STRIDE = 2
# Steps of descent per patch and of the refinement; more cost time and gain under 0.05 dB.
DESCENTS, REFINEMENTS = 16, 2
# Look-ups when a flow is carried to another moment; the second already moves little.
PROJECTIONS = 2
# Side, in pixels, of the window over which two places are compared: wider than a flow patch, so
# that grain does not decide, yet narrow enough to tell the two sides of an edge apart.
WINDOW = 25
# Differences far below this (of 255) are noise and tell no motion from another.
NOISE = 1.0


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
        start, end = (picture.astype(np.float32) * np.float32(scale) for picture in (first, last))
        forward, backward = measure_motion(start, end)
        return [
            _to_integers(_draw(start, end, forward, backward, fraction) / scale, first.dtype)
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
    height, width = start.shape[:2]
    below, right = max(0, SMALLEST_SIDE - height), max(0, SMALLEST_SIDE - width)
    here, there = (
        cv2.copyMakeBorder(_luma(picture), 0, below, 0, right, cv2.BORDER_REPLICATE)
        for picture in (start, end)
    )
    # Made anew for each pair: these objects hold buffers and must not be shared between threads.
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setPatchStride(PATCH_STRIDE)
    search.setGradientDescentIterations(DESCENTS)
    # DIS would refine at half resolution, where thin things have no motion of their own.
    search.setVariationalRefinementIterations(0)
    refinement = cv2.VariationalRefinement.create()
    refinement.setFixedPointIterations(REFINEMENTS)
    forward = refinement.calc(here, there, search.calc(here, there, None))
    backward = refinement.calc(there, here, search.calc(there, here, None))
    return forward[:height, :width], backward[:height, :width]


def _luma(picture: np.ndarray) -> np.ndarray:
    """Return float32 RGB 0..255 as the 8-bit luma that optical flow works on."""
    return cv2.convertScaleAbs(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))


def _draw(
    start: np.ndarray, end: np.ndarray, forward: np.ndarray, backward: np.ndarray, fraction: float
) -> np.ndarray:
    """Return the float32 picture at `fraction`, mixed from what the three motions propose."""
    height, width = start.shape[:2]
    grid = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    rest = cv2.addWeighted(start, 1 - fraction, end, fraction, 0)
    weights = _agreement(start, end)
    total = weights * rest
    for motion in (_carry(forward, grid, fraction), -_carry(backward, grid, 1 - fraction)):
        proposal, weight = _propose(start, end, motion, grid, fraction)
        cv2.accumulateProduct(weight, proposal, total)
        weights += weight
    return np.divide(total, weights, out=total)


def _propose(
    start: np.ndarray, end: np.ndarray, motion: np.ndarray, grid: np.ndarray, fraction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the picture that `motion` proposes and its weight at every pixel, both (H, W, 3)."""
    before_at = grid - np.float32(fraction) * motion
    after_at = grid + np.float32(1 - fraction) * motion
    before, after = _sample(start, before_at), _sample(end, after_at)
    # Where one place has left the picture (a pan), the other alone is shown.
    before_share = np.float32(1 - fraction) * _inside(before_at)
    after_share = np.float32(fraction) * _inside(after_at)
    share = after_share / (before_share + after_share)
    return before + _in_three(share) * (after - before), _agreement(before, after)


def _carry(flow: np.ndarray, grid: np.ndarray, fraction: float) -> np.ndarray:
    """Return the flow as seen by the pixels of the picture at `fraction` of its way.

    A pixel x there is reached from the y with y + fraction * flow(y) = x, found by iteration.
    """
    carried = flow
    for _ in range(PROJECTIONS):
        places = grid - np.float32(fraction) * carried
        carried = cv2.remap(flow, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return carried


def _sample(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the picture's values at `places`; cubic, for bilinear sampling blurs fine detail."""
    return cv2.remap(picture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _inside(places: np.ndarray) -> np.ndarray:
    """Return 1 for places inside the picture and nearly 0 for those outside, (H, W)."""
    inside = np.ones(places.shape[:2], np.float32)
    inside = cv2.remap(inside, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return inside + np.float32(1e-3)


def _agreement(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return the weight of a motion, (H, W, 3), from how alike the two places it joins are."""
    difference = cv2.cvtColor(cv2.absdiff(before, after), cv2.COLOR_RGB2GRAY)
    difference = cv2.stackBlur(difference, (WINDOW, WINDOW))
    return _in_three(1 / np.square(difference + np.float32(NOISE)))


def _in_three(plane: np.ndarray) -> np.ndarray:
    """Return (H, W) as (H, W, 3): NumPy multiplies equal shapes much faster than it broadcasts."""
    return cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB)


def _to_integers(picture: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Round to an integer type; cubic sampling can overshoot its range, which is clipped."""
    return np.rint(picture).clip(0, np.iinfo(dtype).max).astype(dtype)

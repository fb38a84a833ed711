"""Where things went from one picture to another, by optical flow. Arrays only.

    flow = measure_flow(here, there, FAST)        # uint8 luma in, pixels right and down out
    brought = warp(other, flow)                   # the other picture, laid over this one

The search is DIS (Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse
Search", ECCV 2016) with the variational refinement of Brox et al. (ECCV 2004), both OpenCV's. It
compares 8x8 patches without their mean, so light that flickers is no motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from helpers.imaging.luma import brightness, to_uint8

SMALLEST_SIDE = 32
"""Pixels a side that DIS needs for its patches at two scales; smaller pictures are padded."""


@dataclass(frozen=True)
class FlowSettings:
    """How finely motion is looked for.

    Attributes:
        finest_scale: where the search, which begins with a tiny picture, ends: 0 is full size, 1
            half of each side, 2 a quarter. The flow is enlarged from there.
        patch_stride: pixels from patch to patch, at every scale.
        descents: steps of gradient descent of each patch, at every scale.
        refinements: steps of variational refinement, at every scale.
        full_size_refinements: the same afterwards, once, at full size.
    """

    finest_scale: int
    patch_stride: int
    descents: int
    refinements: int
    full_size_refinements: int = 0


FAST = FlowSettings(finest_scale=2, patch_stride=4, descents=16, refinements=5)
"""OpenCV's preset "fast": for small pictures, of which only the light or the colour is compared."""

FINE = replace(FAST, finest_scale=1)
"""The same to half the size, at four times the cost: for chains of flows, whose errors add up."""

MEDIUM = FlowSettings(finest_scale=1, patch_stride=3, descents=25, refinements=5)
"""OpenCV's preset "medium": for pictures that are averaged or compared pixel by pixel."""

DENSE = FlowSettings(
    finest_scale=1, patch_stride=2, descents=16, refinements=0, full_size_refinements=2
)
"""For new pictures between two. Patches stand closer, so that thin things are hit by more of them,
and the flow is refined at full size, for at half of it thin things have no motion of their own.
More descents and refinements cost time and gain less than 0.05 dB."""


def measure_flow(here: np.ndarray, there: np.ndarray, settings: FlowSettings) -> np.ndarray:
    """Measure where each pixel of `here` is in `there`.

    The result depends on the arguments only, not on earlier calls or the number of threads.

    Args:
        here, there: uint8 (H, W) luma, of any size from 1x1.

    Returns:
        (H, W, 2) float32, pixels to the right and down.
    """
    return _Search(settings).flow(here, there)


def measure_both_flows(
    here: np.ndarray, there: np.ndarray, settings: FlowSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Measure the flow from `here` to `there`, and the one from `there` to `here`.

    This is quicker than two calls of `measure_flow`, which it gives the same as.
    """
    search = _Search(settings)
    return search.flow(here, there), search.flow(there, here)


class _Search:
    """OpenCV's search and refinement. They hold buffers, so that each thread needs its own."""

    def __init__(self, settings: FlowSettings) -> None:
        self._settings = settings
        self._search = cv2.DISOpticalFlow.create()
        self._search.setUseMeanNormalization(True)
        self._search.setPatchStride(settings.patch_stride)
        self._search.setGradientDescentIterations(settings.descents)
        self._search.setVariationalRefinementIterations(settings.refinements)
        self._refinement = cv2.VariationalRefinement.create()
        self._refinement.setFixedPointIterations(settings.full_size_refinements)

    def flow(self, here: np.ndarray, there: np.ndarray) -> np.ndarray:
        height, width = here.shape
        if np.array_equal(here, there):
            return np.zeros((height, width, 2), np.float32)
        here, there = _pad(here), _pad(there)
        # Set every time: on a picture too small for it OpenCV takes a finer one, and keeps that.
        self._search.setFinestScale(self._settings.finest_scale)
        flow = self._search.calc(here, there, None)  # type: ignore[call-overload]
        if self._settings.full_size_refinements:
            flow = self._refinement.calc(here, there, flow)
        return flow[:height, :width]


def _pad(luma: np.ndarray) -> np.ndarray:
    """Return a picture with its last row and column repeated up to SMALLEST_SIDE."""
    below, right = (max(0, SMALLEST_SIDE - side) for side in luma.shape)
    if not below and not right:
        return luma
    return cv2.copyMakeBorder(luma, 0, below, 0, right, cv2.BORDER_REPLICATE)


def target_positions(flow: np.ndarray) -> np.ndarray:
    """Return where a flow leads each pixel, (H, W, 2) float32, x and y."""
    height, width = flow.shape[:2]
    moved = flow.copy()
    moved[..., 0] += np.arange(width, dtype=np.float32)
    moved[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    return moved


def sample(
    picture: np.ndarray, at: np.ndarray, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """Return a picture's values at some places; beyond its edge its last row or column goes on.

    Args:
        picture: (H, W) or (H, W, C), uint8, uint16 or float32.
        at: (h, w, 2) float32, x and y.
        interpolation: OpenCV's constant. Linear sampling never overshoots; cubic keeps fine detail.

    Returns:
        (h, w) or (h, w, C), of the picture's type.
    """
    return cv2.remap(picture, at, None, interpolation, borderMode=cv2.BORDER_REPLICATE)


def warp(
    picture: np.ndarray, flow: np.ndarray, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """Return a picture with what a flow leads to brought to where it starts; see `sample`."""
    return sample(picture, target_positions(flow), interpolation)


def is_inside(at: np.ndarray, margin: float) -> np.ndarray:
    """Tell which places, (h, w, 2), lie in a picture of size (h, w), bool (h, w).

    Args:
        margin: pixels beyond the middle of the outermost pixels that still count.
    """
    height, width = at.shape[:2]
    x, y = at[..., 0], at[..., 1]
    right, below = width - 1 + margin, height - 1 + margin
    return (x >= -margin) & (x <= right) & (y >= -margin) & (y <= below)


def flow_luma(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return the luma that motion is looked for in, uint8 (H, W), smoothed as its noise wants it.

    Args:
        image: (H, W, 3), uint8 or uint16.
        sigma: standard deviation of the noise, in grey levels of 255.
    """
    luma = brightness(image)
    if sigma > 2:
        luma = cv2.GaussianBlur(luma, (0, 0), min(0.4 + sigma / 15, 2.0))
    return to_uint8(luma)


def align(other: np.ndarray, luma: np.ndarray, other_luma: np.ndarray) -> np.ndarray:
    """Return a neighbour moved so that its things lie where those of the picture are.

    In a picture below SMALLEST_SIDE no motion is looked for.

    Args:
        other: (H, W, 3) float32.
        luma, other_luma: uint8 (H, W), of the picture and of the neighbour; see `flow_luma`.
    """
    if min(luma.shape) < SMALLEST_SIDE:
        return other
    return warp(other, measure_flow(luma, other_luma, MEDIUM), cv2.INTER_CUBIC)

"""Measure optical flow between pictures, and warp them. Arrays only.

    flow = measure_flow(here, there, FAST)        # from uint8 luma; pixels to the right and down
    aligned = warp(other, flow)                   # the other picture, aligned with this one

The method is DIS (Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse
Search", ECCV 2016) with the variational refinement of Brox et al. (ECCV 2004), both from OpenCV. It
compares 8x8 patches after subtracting their mean, so flicker is not mistaken for motion.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from helpers.imaging.luma import brightness, to_uint8

SMALLEST_SIDE = 32
"""Pixels per side that DIS needs for its patches at two scales; smaller pictures are padded."""


@dataclass(frozen=True)
class Finish:
    """A last search, at full size only.

    It begins with the flow that was found before, or with no motion where that fits better. Then
    the flow is refined, each time with the picture warped anew.

    Attributes:
        patch_stride, descents: as in `FlowSettings`.
        refinements: how many times the flow is refined.
    """

    patch_stride: int
    descents: int
    refinements: int


@dataclass(frozen=True)
class FlowSettings:
    """The accuracy of the flow, and so its cost.

    Attributes:
        finest_scale: the last scale of the search, which goes from coarse to fine: 0 is full size,
            1 is half of each side, 2 a quarter. The flow is enlarged from that scale.
        patch_stride: distance from patch to patch in pixels, at every scale.
        descents: steps of gradient descent of each patch, at every scale.
        refinements: steps of variational refinement, at every scale.
        finish: a last search at full size; none if None.
    """

    finest_scale: int
    patch_stride: int
    descents: int
    refinements: int
    finish: Finish | None = None


FAST = FlowSettings(finest_scale=2, patch_stride=4, descents=16, refinements=5)
"""OpenCV's preset "fast", for small pictures whose light or colour is compared."""

FINE = replace(FAST, finest_scale=1)
"""FAST up to half the size, at four times the cost, for chains of flows, whose errors add up."""

MEDIUM = FlowSettings(finest_scale=1, patch_stride=3, descents=25, refinements=5)
"""OpenCV's preset "medium", for pictures that are averaged or compared pixel by pixel."""

SMOOTH = FlowSettings(
    finest_scale=1, patch_stride=2, descents=25, refinements=0, finish=Finish(4, 16, 4)
)
"""For interpolated frames, in pictures of half their size. The coarse scales have dense patches, so
that small fast things are found; at full size, where patches cost most, their flow is only
corrected. benchmarks/speed/flow.py measures time and quality."""

SMOOTH_SMALL = replace(SMOOTH, finish=Finish(3, 25, 4))
"""SMOOTH for the small pictures that a film was enlarged from: things are smaller in these, and
denser patches cost little."""

_LAST_SEARCH, _LAST_SMOOTHNESS = 3, 10.0
"""Iterations of the solver for each refinement of a `Finish`, and its weight of smoothness, which
is half of OpenCV's, since the flow is smooth already. By trial with benchmarks/speed/flow.py."""


def measure_flow(here: np.ndarray, there: np.ndarray, settings: FlowSettings) -> np.ndarray:
    """Measure where each pixel of `here` is in `there`.

    The result depends only on the arguments, not on earlier calls or the number of threads.

    Args:
        here, there: uint8 (H, W) luma, of any size from 1x1.

    Returns:
        (H, W, 2) float32, pixels to the right and down.
    """
    return _search_of_thread(settings).flow(here, there)


def measure_both_flows(
    here: np.ndarray, there: np.ndarray, settings: FlowSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Measure the flow from `here` to `there` and the flow from `there` to `here`."""
    return measure_flow(here, there, settings), measure_flow(there, here, settings)


_threads = threading.local()


def _search_of_thread(settings: FlowSettings) -> _Search:
    """Return the search of this thread. Its buffers are used again, since new ones cost time."""
    kept: dict[FlowSettings, _Search] = _threads.__dict__.setdefault("searches", {})
    if settings not in kept:
        kept[settings] = _Search(settings)
    return kept[settings]


class _Search:
    """OpenCV's search and refinement. They contain buffers, so each thread needs its own."""

    def __init__(self, settings: FlowSettings) -> None:
        self._settings = settings
        self._search = cv2.DISOpticalFlow.create()
        self._last = cv2.DISOpticalFlow.create()
        self._refinement = cv2.VariationalRefinement.create()
        self._refinement.setFixedPointIterations(1)
        self._refinement.setSorIterations(_LAST_SEARCH)
        self._refinement.setAlpha(_LAST_SMOOTHNESS)

    def flow(self, here: np.ndarray, there: np.ndarray) -> np.ndarray:
        height, width = here.shape
        if np.array_equal(here, there):
            return np.zeros((height, width, 2), np.float32)
        here, there = _pad(here), _pad(there)
        settings, last = self._settings, self._settings.finish
        _set_up(self._search, settings.finest_scale, -1, settings)
        self._search.setVariationalRefinementIterations(settings.refinements)
        flow = self._search.calc(here, there, None)  # type: ignore[call-overload]
        if last:
            _set_up(self._last, 0, 0, last)
            self._last.setVariationalRefinementIterations(0)
            flow = self._last.calc(here, there, flow)
            for _ in range(last.refinements):
                flow = self._refinement.calc(here, there, flow)
        return flow[:height, :width]


def _set_up(
    search: cv2.DISOpticalFlow, finest: int, coarsest: int, settings: FlowSettings | Finish
) -> None:
    """Set a search up. Done every time, because OpenCV changes settings for small pictures.

    Args:
        finest, coarsest: its scales; the coarsest is chosen by the size of the picture if it is -1.
    """
    search.setPatchSize(8)
    search.setFinestScale(finest)
    search.setCoarsestScale(coarsest)
    search.setPatchStride(settings.patch_stride)
    search.setGradientDescentIterations(settings.descents)
    search.setUseMeanNormalization(True)


def _pad(luma: np.ndarray) -> np.ndarray:
    """Pad a picture to SMALLEST_SIDE by repeating its last row and column."""
    below, right = (max(0, SMALLEST_SIDE - side) for side in luma.shape)
    if not below and not right:
        return luma
    return cv2.copyMakeBorder(luma, 0, below, 0, right, cv2.BORDER_REPLICATE)


@lru_cache(maxsize=4)
def own_positions(height: int, width: int) -> np.ndarray:
    """Return the position of each pixel, (H, W, 2) float32, x and y; it must not be modified."""
    at = np.empty((height, width, 2), np.float32)
    at[..., 0] = np.arange(width)
    at[..., 1] = np.arange(height)[:, None]
    at.flags.writeable = False
    return at


def target_positions(flow: np.ndarray, share: float = 1.0) -> np.ndarray:
    """Return the position that a share of the flow gives for each pixel, (H, W, 2) float32."""
    return cv2.scaleAdd(flow, share, own_positions(*flow.shape[:2]))


def sample(
    picture: np.ndarray, at: np.ndarray, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """Sample a picture at given positions; beyond its edges, the outermost pixels are repeated.

    Args:
        picture: (H, W) or (H, W, C), uint8, uint16 or float32.
        at: (h, w, 2) float32, x and y.
        interpolation: a constant of OpenCV. Linear never overshoots; cubic keeps fine detail.

    Returns:
        (h, w) or (h, w, C), of the picture's type.
    """
    return cv2.remap(picture, at, None, interpolation, borderMode=cv2.BORDER_REPLICATE)


def warp(
    picture: np.ndarray, flow: np.ndarray, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """Warp a picture backwards: each pixel comes from where the flow points to; see `sample`."""
    return sample(picture, target_positions(flow), interpolation)


def is_inside(at: np.ndarray, margin: float) -> np.ndarray:
    """Tell which positions, (h, w, 2), are inside a picture of size (h, w); return bool (h, w).

    Args:
        margin: positions up to this many pixels beyond the centres of the outermost pixels count.
    """
    height, width = at.shape[:2]
    x, y = at[..., 0], at[..., 1]
    right, below = width - 1 + margin, height - 1 + margin
    return (x >= -margin) & (x <= right) & (y >= -margin) & (y <= below)


def flow_luma(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return the luma for measuring flow, uint8 (H, W), smoothed according to the noise.

    Args:
        image: (H, W, 3), uint8 or uint16.
        sigma: standard deviation of the noise, in grey levels of 255.
    """
    luma = brightness(image)
    if sigma > 2:
        luma = cv2.GaussianBlur(luma, (0, 0), min(0.4 + sigma / 15, 2.0))
    return to_uint8(luma)


def align(other: np.ndarray, luma: np.ndarray, other_luma: np.ndarray) -> np.ndarray:
    """Align a neighbour with a picture; one with a side below SMALLEST_SIDE is returned unchanged.

    Args:
        other: the neighbour, (H, W, 3) float32.
        luma, other_luma: uint8 (H, W), of the picture and of the neighbour; see `flow_luma`.
    """
    if min(luma.shape) < SMALLEST_SIDE:
        return other
    return warp(other, measure_flow(luma, other_luma, MEDIUM), cv2.INTER_CUBIC)

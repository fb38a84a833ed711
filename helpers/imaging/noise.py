"""Measure the noise of pictures and their compression blocks. Arrays only.

noise = measure_noise(first, second)      # two neighbouring frames
noise.sigma, noise.alike
measure_blockiness(image)                 # 1 if there are no blocks
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.luma import scale_of
from helpers.imaging.optical_flow import align, flow_luma

_SIDE = 16
"""Side of the blocks that noise is measured in, in pixels."""

_FLATTEST = 0.15
"""The share of the blocks that count as flat and still, so that they contain only noise. Chosen by
trial; benchmarks/quality/picture.py measures the effect."""

_LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
"""A filter that cancels slopes and straight edges and keeps the variance of white noise (Immerkaer
1996)."""


@dataclass(frozen=True)
class Noise:
    """The noise of a picture or film.

    Attributes:
        sigma: its standard deviation in each channel, in grey levels of 255.
        alike: its correlation between the three channels: 0 is independent noise in each channel,
            1 is noise in brightness only.
    """

    sigma: float
    alike: float


def measure_noise(image: np.ndarray, following: np.ndarray | None = None) -> Noise:
    """Measure the noise of a picture in its flattest blocks.

    Fine noise is measured within the picture; coarse noise, such as enlarged grain, as the
    difference from the following picture. The larger of the two is returned.

    Args:
        image: (H, W, 3), uint8 or uint16.
        following: the next frame of the shot, if there is one; an identical frame is ignored.
    """
    levels = image.astype(np.float32) / np.float32(scale_of(image.dtype))
    if min(levels.shape[:2]) < 2 * _SIDE:
        return Noise(0.0, 1.0)
    fine = cv2.filter2D(levels, -1, _LAPLACE)
    variances, light = _flat_variances(fine, levels, _block_means(fine * fine).mean(axis=-1))
    if following is not None and not np.array_equal(image, following):
        # Aligned first; the interpolation between pixels reduces the noise by up to a tenth.
        sigma = float(np.sqrt(variances))
        lumas = flow_luma(image, sigma), flow_luma(following, sigma)
        moved = following.astype(np.float32) / np.float32(scale_of(image.dtype))
        change = (align(moved, *lumas) - levels) / np.float32(np.sqrt(2))
        # A change over a whole block is a change of brightness or motion, not noise.
        change = change - cv2.blur(change, (_SIDE, _SIDE))
        # The flattest blocks are used, where motion causes no change.
        moving, moving_light = _flat_variances(change, levels, _slopes(levels))
        if variances < moving < 9 * (variances + 0.05):
            variances, light = moving, moving_light
    if variances <= 0:
        return Noise(0.0, 1.0)
    # The variance of the mean of three channels is (1 + 2 alike) / 3 of that of one channel.
    alike = float(np.clip((3 * light / variances - 1) / 2, 0, 1))
    return Noise(float(np.sqrt(variances)), alike)


def _block_means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each block, (rows, columns, ...)."""
    rows, columns = values.shape[0] // _SIDE, values.shape[1] // _SIDE
    cut = values[: rows * _SIDE, : columns * _SIDE]
    shape = (rows, _SIDE, columns, _SIDE, *values.shape[2:])
    return cut.reshape(shape).mean(axis=(1, 3), dtype=np.float64)


def _slopes(levels: np.ndarray) -> np.ndarray:
    """Return the squared gradient of each block after smoothing, (rows, columns)."""
    smooth = cv2.GaussianBlur(levels.mean(axis=2), (0, 0), 3)
    across, down = cv2.Sobel(smooth, -1, 1, 0), cv2.Sobel(smooth, -1, 0, 1)
    return _block_means(across * across + down * down)


def _flat_variances(
    noise: np.ndarray, levels: np.ndarray, unrest: np.ndarray
) -> tuple[float, float]:
    """Return the variance of `noise` in the flattest blocks: of a channel, and of their mean.

    Args:
        noise, levels: (H, W, 3) float32, the noise and the picture that it was measured in.
        unrest: (rows, columns); blocks with the lowest values count as flat.
    """
    each = _block_means(noise * noise).mean(axis=-1).ravel()
    common = _block_means(noise.mean(axis=2) ** 2).ravel()
    bright = _block_means(levels.mean(axis=2)).ravel()
    # In clipped black or white, the noise is clipped too.
    seen = (bright > 12) & (bright < 243)
    if seen.sum() < 8:
        seen = np.ones(len(each), bool)
    each, common, unrest = each[seen], common[seen], unrest.ravel()[seen]
    order = np.argsort(unrest, kind="stable")[: max(int(len(each) * _FLATTEST), 4)]
    return float(np.median(each[order])), float(np.median(common[order]))


def measure_blockiness(image: np.ndarray, side: int = 8) -> float:
    """Measure how visible compression blocks are.

    Args:
        image: (H, W, 3), uint8 or uint16, of the size at which it was compressed.
        side: side of a block in pixels.

    Returns:
        The mean difference of neighbouring pixels across the edges of blocks, divided by that
        elsewhere; about 1 if there are no blocks.
    """
    levels = image.astype(np.float32).mean(axis=2) / np.float32(scale_of(image.dtype))
    ratios = []
    for plane in (levels, levels.T):
        if plane.shape[1] < 4 * side:
            continue
        # The step |b - a|, as far as it exceeds the slopes on both sides of it.
        step = np.abs(plane[:, 2:-1] - plane[:, 1:-2])
        slopes = (
            np.abs(plane[:, 1:-2] - plane[:, :-3]) + np.abs(plane[:, 3:] - plane[:, 2:-1])
        ) / 2
        excess = np.maximum(step - slopes, 0).mean(axis=0, dtype=np.float64)
        place = np.arange(2, plane.shape[1] - 1) % side
        elsewhere = excess[(place != 0)].mean()
        ratios.append((excess[place == 0].mean() + 0.02) / (elsewhere + 0.02))
    return float(np.mean(ratios)) if ratios else 1.0

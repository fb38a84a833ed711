"""Denoise a picture by shrinking the coefficients of overlapping cosine transforms, on any device.

    clean = shrink(levels, sigma=6.0, alike=1.0, device="cpu")

The method is that of Yu and Sapiro, "DCT Image Denoising: a Simple and Effective Image Denoising
Algorithm", IPOL 2011, in two passes as in BM3D (Dabov et al., IEEE TIP 2007): the first applies a
hard threshold, the second a Wiener filter that is based on the result of the first. Unlike FFmpeg's
filters, it can use a different amount of noise for each pixel.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as functional

from helpers.stages.denoise.ffmpeg_filters import OPPONENT

_SIDE, _STRIDE = 8, 2
"""Side of a block, and the distance from block to block, in pixels."""

_CUT = 2.7
"""A coefficient below this many standard deviations of the noise counts as noise. The hard
threshold of BM3D (Dabov et al. 2007)."""

_ROWS = 512
"""Rows that are processed at once, which limits the memory."""


def shrink(
    levels: np.ndarray,
    sigma: float | np.ndarray,
    alike: float = 1.0,
    device: str = "cpu",
) -> np.ndarray:
    """Denoise one picture without its neighbours.

    Args:
        levels: (H, W, 3) float32 RGB in 0..255.
        sigma: standard deviation of the noise in each channel, in grey levels: a number, or (H, W).
        alike: correlation of the noise between the channels: 1 is noise in brightness only, like
            film grain or noise in black and white; 0 is independent noise in each channel.
        device: the torch device to compute on.

    Returns:
        (H, W, 3) float32 in 0..255.
    """
    height, width = levels.shape[:2]
    planes = np.einsum("hwc,pc->phw", levels, OPPONENT.astype(np.float32))
    places = np.broadcast_to(np.asarray(sigma, np.float32), (height, width))
    parts = (np.sqrt(1 + 2 * alike), np.sqrt(1 - alike), np.sqrt(1 - alike))
    made = np.empty_like(planes)
    for number, part in enumerate(parts):
        if part * float(places.max()) < 0.05:
            made[number] = planes[number]
            continue
        for top in range(0, height, _ROWS):
            # Strips begin at multiples of the stride and extend by a block at both ends.
            above, below = max(top - _SIDE, 0), min(top + _ROWS + _SIDE, height)
            strip = slice(above, below)
            noise = places[strip] * np.float32(part)
            done = _shrink_plane(planes[number][strip], noise, device)
            made[number][top : top + _ROWS] = done[top - above : top - above + _ROWS]
    return np.einsum("phw,pc->hwc", made, OPPONENT.astype(np.float32)).clip(0, 255)


@torch.inference_mode()
def _shrink_plane(plane: np.ndarray, sigma: np.ndarray, device: str) -> np.ndarray:
    """Denoise one plane, (h, w) float32, given the noise of every pixel, (h, w)."""
    height, width = plane.shape
    ends = [_SIDE + (-side) % _STRIDE for side in (height, width)]
    edges = ((_SIDE, ends[0]), (_SIDE, ends[1]))
    mode = "reflect" if min(height, width) > max(ends) else "edge"
    noisy, noise = (
        torch.from_numpy(np.pad(values, edges, mode=mode))[None, None].to(device)  # type: ignore[call-overload]
        for values in (plane, np.ascontiguousarray(sigma))
    )
    basis = _basis(device)
    noise = functional.avg_pool2d(noise, _SIDE, _STRIDE).flatten(2)
    blocks = basis @ _extract_blocks(noisy)
    kept = blocks.abs() > _CUT * noise
    kept[:, 0] = True  # the mean of a block is never noise
    first = _aggregate(blocks * kept, 1 / kept.sum(1, keepdim=True), noisy.shape)
    gain = (basis @ _extract_blocks(first)).square_()
    gain /= gain + noise.square() + 1e-6
    gain[:, 0] = 1.0
    weight = 1 / gain.square().sum(1, keepdim=True)
    second = _aggregate(blocks.mul_(gain), weight, noisy.shape)
    return second[0, 0, _SIDE : _SIDE + height, _SIDE : _SIDE + width].cpu().numpy()


def _aggregate(blocks: torch.Tensor, weight: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Return the weighted mean of overlapping blocks; a block with few coefficients weighs more."""
    size = shape[-2:]
    patches = _basis(str(blocks.device)).T @ (blocks * weight)
    total = functional.fold(patches, size, _SIDE, stride=_STRIDE)
    return total / functional.fold(weight.expand_as(patches), size, _SIDE, stride=_STRIDE)


def _extract_blocks(plane: torch.Tensor) -> torch.Tensor:
    """Return the blocks, (1, 64, count), of a plane, (1, 1, h, w)."""
    return functional.unfold(plane, _SIDE, stride=_STRIDE)


@lru_cache(maxsize=4)
def _basis(device: str) -> torch.Tensor:
    """Return the orthonormal basis of the two-dimensional cosine transform, (64, 64)."""
    place = np.arange(_SIDE)
    waves = np.cos(np.pi * (2 * place[None] + 1) * place[:, None] / (2 * _SIDE))
    waves *= np.sqrt(np.where(place == 0, 1, 2) / _SIDE)[:, None]
    patterns = np.einsum("ui,vj->uvij", waves, waves).reshape(-1, _SIDE * _SIDE)
    return torch.from_numpy(patterns.astype(np.float32)).to(device)

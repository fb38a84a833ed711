"""Shrink what lies within the noise, in overlapping cosine transforms, on any device.

    clean = shrink(levels, sigma=6.0, alike=1.0, device="cpu")

Yu and Sapiro, "DCT Image Denoising: a Simple and Effective Image Denoising Algorithm", IPOL 2011,
in two passes as BM3D has them (Dabov et al., IEEE TIP 2007): the first cuts off what is smaller
than noise could be, the second weighs everything by what the first found there. The noise may
differ from place to place, which FFmpeg's filters cannot be told.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as functional

from helpers.stages.denoise.ffmpeg_filters import OPPONENT

_SIDE, _STRIDE = 8, 2
"""Pixels of a block, and from block to block."""

_CUT = 2.7
"""Standard deviations of noise below which a coefficient is taken for noise. The hard threshold of
BM3D (Dabov et al. 2007)."""

_ROWS = 512
"""Rows worked on at once, so that memory stays flat."""


def shrink(
    levels: np.ndarray,
    sigma: float | np.ndarray,
    alike: float = 1.0,
    device: str = "cpu",
) -> np.ndarray:
    """Clean a picture by itself.

    Args:
        levels: (H, W, 3) float32 RGB in 0..255.
        sigma: standard deviation of the noise in each channel, in grey levels; one or (H, W).
        alike: how alike it is in the three channels: 1 is noise of the light alone, as in film
            grain and in black and white; 0 is noise that each channel has for itself.
        device: where torch works.

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
            # Strips begin at multiples of the stride and see a block beyond both ends.
            above, below = max(top - _SIDE, 0), min(top + _ROWS + _SIDE, height)
            strip = slice(above, below)
            noise = places[strip] * np.float32(part)
            done = _shrink_plane(planes[number][strip], noise, device)
            made[number][top : top + _ROWS] = done[top - above : top - above + _ROWS]
    return np.einsum("phw,pc->hwc", made, OPPONENT.astype(np.float32)).clip(0, 255)


@torch.inference_mode()
def _shrink_plane(plane: np.ndarray, sigma: np.ndarray, device: str) -> np.ndarray:
    """Clean one plane, (h, w) float32, with the noise of every place, (h, w)."""
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
    """Return the plane that blocks make up where they overlap, each with its weight: a block in
    which little was kept is the surer one."""
    size = shape[-2:]
    patches = _basis(str(blocks.device)).T @ (blocks * weight)
    total = functional.fold(patches, size, _SIDE, stride=_STRIDE)
    return total / functional.fold(weight.expand_as(patches), size, _SIDE, stride=_STRIDE)


def _extract_blocks(plane: torch.Tensor) -> torch.Tensor:
    """Return every block of a plane (1, 1, h, w), (1, 64, blocks)."""
    return functional.unfold(plane, _SIDE, stride=_STRIDE)


@lru_cache(maxsize=4)
def _basis(device: str) -> torch.Tensor:
    """Return the 64 patterns of the two-dimensional cosine transform, (64, 64), orthonormal."""
    place = np.arange(_SIDE)
    waves = np.cos(np.pi * (2 * place[None] + 1) * place[:, None] / (2 * _SIDE))
    waves *= np.sqrt(np.where(place == 0, 1, 2) / _SIDE)[:, None]
    patterns = np.einsum("ui,vj->uvij", waves, waves).reshape(-1, _SIDE * _SIDE)
    return torch.from_numpy(patterns.astype(np.float32)).to(device)

"""Resize pictures on a graphics card, as `imaging.resample` does with OpenCV.

A side that becomes smaller is averaged over the area of each new pixel, a side that becomes larger
is interpolated by Lanczos with eight taps. OpenCV rounds weights to a 2048th for 8 bits, and what a
network made is rounded here after it is shrunk and not before. So results differ by at most a grey
level.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional

from helpers.nn.card import PixelsOnCard
from helpers.nn.tensors import UnroundedPixels, from_levels, to_levels

Weigh = Callable[[int, int], tuple[np.ndarray, np.ndarray]]
"""What gives the old pixels of each new one and their weights; see `weigh_area`."""

_REACH = 4
"""The reach of Lanczos in pixels; it has twice as many taps."""


def resize_on_card(pixels: PixelsOnCard, width: int, height: int) -> PixelsOnCard:
    """Resize a picture on a card to an exact size; it stays there.

    Args:
        pixels: (H, W, 3), uint8 or uint16.

    Returns:
        (height, width, 3) of the same type.
    """
    old_height, old_width = pixels.shape[:2]
    if (old_width, old_height) == (width, height):
        return pixels
    if isinstance(pixels, UnroundedPixels) and not (old_height % height or old_width % width):
        parts = (old_height // height, old_width // width)
        with torch.inference_mode():
            unit = functional.avg_pool2d(pixels.unit.clamp(0, 1)[None], parts)[0]
        return UnroundedPixels(unit, pixels.kind)
    small = (min(height, old_height), min(width, old_width))
    bits = pixels.bits
    with torch.inference_mode():
        for weigh, sides in ((weigh_area, small), (weigh_lanczos, (height, width))):
            if tuple(bits.shape[:2]) == sides:
                continue
            levels = to_levels(bits)
            for side, length in enumerate(sides):
                levels = _resize_side(levels, side, length, weigh)
            # Rounded between shrinking and enlarging, as by OpenCV.
            top = 255 if bits.dtype == torch.uint8 else 65535
            bits = from_levels(levels.clamp_(0, top), bits.dtype)
    return PixelsOnCard(bits)


def shrink_levels(levels: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Average levels, float32 (H, W, 3), over the area of each pixel of a smaller picture."""
    for side, length in enumerate((height, width)):
        levels = _resize_side(levels, side, length, weigh_area)
    return levels


def _resize_side(levels: torch.Tensor, side: int, length: int, weigh: Weigh) -> torch.Tensor:
    """Resize the rows (side 0) or columns (1) of levels, float32 (H, W, 3)."""
    old = levels.shape[side]
    if old == length:
        return levels
    places, weights = _on_device(weigh, old, length, side, str(levels.device))
    total = levels.index_select(side, places[0]).mul_(weights[0])
    for place, weight in zip(places[1:], weights[1:], strict=True):
        total.addcmul_(levels.index_select(side, place), weight)
    return total


@lru_cache(maxsize=16)
def _on_device(
    weigh: Weigh, old: int, new: int, side: int, device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return places, (taps, new), and weights, which can be multiplied with levels."""
    places, weights = weigh(old, new)
    shape = (-1, new, 1, 1) if side == 0 else (-1, 1, new, 1)
    return (
        torch.from_numpy(places).to(device),
        torch.from_numpy(weights.astype(np.float32)).to(device).reshape(shape),
    )


def weigh_area(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much of each old pixel lies in each new one, for a side that becomes smaller.

    Args:
        old, new: pixels of the side.

    Returns:
        The numbers of old pixels, int64 (taps, new), and their weights, float64 (taps, new).
    """
    begin = np.arange(new) * old / new
    end = begin + old / new
    taps = np.arange(int(np.ceil(old / new)) + 1)[:, None]
    places = np.floor(begin + 1e-9).astype(np.int64) + taps
    weights = np.minimum(places + 1, end) - np.maximum(places, begin)
    return _normalised(places, np.where(weights > 1e-3, weights, 0), old)


def weigh_lanczos(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the eight old pixels around each new one; see `weigh_area`."""
    at = (np.arange(new) + 0.5) * old / new - 0.5
    places = np.floor(at).astype(np.int64) + np.arange(1 - _REACH, 1 + _REACH)[:, None]
    apart = places - at
    return _normalised(places, np.sinc(apart) * np.sinc(apart / _REACH), old)


def _normalised(places: np.ndarray, weights: np.ndarray, old: int) -> tuple[np.ndarray, np.ndarray]:
    """Make weights add up to 1, and repeat the pixels at the ends of a side."""
    used = np.abs(weights).max(axis=1) > 0
    places, weights = places[used], weights[used]
    return places.clip(0, old - 1), weights / weights.sum(axis=0)

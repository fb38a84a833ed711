"""Hold an enlarged picture on a graphics card to its source, as `upscale.consistency` does."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch.nn import functional

from helpers.nn.card import PixelsOnCard
from helpers.nn.resample import shrink_levels
from helpers.nn.tensors import from_levels, to_levels


@torch.inference_mode()
def hold_on_card(
    made: PixelsOnCard, source: PixelsOnCard, strength: float, blur: float
) -> PixelsOnCard:
    """Correct the low frequencies of an enlarged picture; see `consistency.hold_to_source`.

    Args:
        made: (H, W, 3), uint8 or uint16.
        source: (h, w, 3) of the same type, on the same card.
        blur: standard deviation in pixels of the source.
    """
    height, width = made.shape[:2]
    size = (min(height, source.shape[0]), min(width, source.shape[1]))
    levels = to_levels(made.bits)
    # OpenCV rounds a shrunk picture to whole levels.
    known = shrink_levels(to_levels(source.bits), *size).round_()
    off = _blur(shrink_levels(levels, *size).round_() - known, blur)
    plain = ((1 - strength) * known - strength * off).permute(2, 0, 1)[None]
    plain = functional.interpolate(plain, (height, width), mode="bicubic")[0].permute(1, 2, 0)
    top = 255 if made.bits.dtype == torch.uint8 else 65535
    result = levels.mul_(strength).add_(plain).clamp_(0, top)
    return PixelsOnCard(from_levels(result, made.bits.dtype))


def _blur(levels: torch.Tensor, sigma: float) -> torch.Tensor:
    """Blur (H, W, 3) float32 as OpenCV's GaussianBlur; the edges are repeated."""
    weights = _gauss(sigma, str(levels.device))
    channels, reach = levels.shape[2], len(weights) // 2
    planes = levels.permute(2, 0, 1)[None]
    for side, pad in ((3, (reach, reach, 0, 0)), (2, (0, 0, reach, reach))):
        kernel = weights[:, None] if side == 2 else weights[None]
        kernel = kernel.expand(channels, 1, -1, -1)
        planes = functional.pad(planes, pad, mode="replicate")
        planes = functional.conv2d(planes, kernel, groups=channels)
    return planes[0].permute(1, 2, 0)


@lru_cache(maxsize=4)
def _gauss(sigma: float, device: str) -> torch.Tensor:
    """Return the weights that OpenCV uses for float32 pictures."""
    taps = round(sigma * 8 + 1) | 1
    weights = cv2.getGaussianKernel(taps, sigma, cv2.CV_32F)
    return torch.from_numpy(np.ascontiguousarray(weights[:, 0])).to(device)

"""A pair of pictures whose middle is known, and the judge of what an engine makes of it.

wrong = judge(*trial_pair(), middle, official=True)        # "" if it is well
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import numpy as np

from helpers.errors import ModelError
from helpers.nn.subprocess_call import send_result
from helpers.stages.interpolate.vulkan.rife_ncnn import RifeNcnn

SIDE, _SQUARE, _TOP, _LEFT, SHIFT = 64, 24, 20, 14, 12
"""The trial pair, in pixels: a red square in a grey ground, moving to the right."""


def make_pair(moved: tuple[int, int] = (0, SHIFT)) -> tuple[np.ndarray, np.ndarray]:
    """Return two pictures, (SIDE, SIDE, 3) RGB uint8, whose square moved by so many pixels."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    ground = 100 + 15 * np.sin(rows / 3) + 15 * np.cos(columns / 4)
    pictures = []
    for pixels in moved:
        picture = np.repeat(ground[..., None], 3, axis=2)
        inside = np.s_[_TOP : _TOP + _SQUARE, _LEFT + pixels : _LEFT + pixels + _SQUARE]
        picture[inside] = picture[_TOP : _TOP + _SQUARE, _LEFT : _LEFT + _SQUARE] + (90, -30, -30)
        pictures.append(picture.astype(np.uint8))
    return pictures[0], pictures[1]


def find_fault(first: np.ndarray, last: np.ndarray, middle: np.ndarray, official: bool) -> str:
    """Return what is wrong with the middle of the trial pair, "" if nothing is.

    Args:
        official: RIFE's own weights drew it. Other weights may see motion where there is none,
            but whatever they are, every pixel is a mix of pixels of the two pictures.
    """
    if not middle.any():
        return "it makes black"
    if np.ptp(middle) == 0:
        return "it makes one flat colour"
    if np.array_equal(middle, first) or np.array_equal(middle, last):
        return "it gives back one of the two"
    low, high = min(first.min(), last.min()), max(first.max(), last.max())
    if middle.min() < low - 2 or middle.max() > high + 2:
        return "it makes noise that is in neither"
    if not official:
        return ""
    if abs(middle.mean() - (first.mean() + last.mean()) / 2) > 8:
        return "it makes a much lighter or darker picture"
    truth, _ = make_pair((SHIFT // 2, 0))
    if abs(_find_square(middle) - _find_square(truth)) > SHIFT / 4:
        return "it makes a picture in which the moving thing is not in the middle"
    # A cross-fade, which a network makes whose layers all give zero, is as far off as either end.
    off, still = (np.abs(truth - picture.astype(float)).mean() for picture in (middle, first))
    return "it makes a picture no better than a cross-fade" if off > 0.9 * still else ""


def _find_square(picture: np.ndarray) -> float:
    """Return the column around which a picture's red lies."""
    red = np.clip(picture[..., 0].astype(float) - picture[..., 1], 20, None) - 20
    return float((red.sum(0) * np.arange(picture.shape[1])).sum() / max(red.sum(), 1))


def _draw_middle(model_folder: str, gpu: str) -> dict[str, Any]:
    """Draw the middle of the trial pair with the binding; only ever in a process of its own."""
    # The binding imports PyTorch where there is one, which takes longer than the trial may.
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        with RifeNcnn(Path(model_folder), gpu=int(gpu)) as engine:
            middle = engine.between(*make_pair(), [0.5])[0]
    except ModelError as error:
        return {"error": str(error)}
    return {"picture": base64.b64encode(middle.tobytes()).decode()}


if __name__ == "__main__":
    send_result(_draw_middle(*sys.argv[1:]))

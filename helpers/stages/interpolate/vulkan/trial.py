"""Make a pair of pictures whose middle is known, and check an interpolated middle.

fault = find_fault(*make_pair(), middle, official=True)        # "" if there is none
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
"""The trial pair in pixels: a red square on a grey background, moving to the right."""


def make_pair(moved: tuple[int, int] = (0, SHIFT)) -> tuple[np.ndarray, np.ndarray]:
    """Make two pictures, (SIDE, SIDE, 3) RGB uint8, in which the square has moved by `moved`."""
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
    """Return what is wrong with an interpolated middle of the trial pair; "" if nothing is.

    Args:
        first, last: the pair.
        middle: the interpolated picture, (SIDE, SIDE, 3) RGB uint8.
        official: it was made with RIFE's own weights. With others, only the range of the values is
            checked, since every pixel is a blend of pixels of the two pictures.
    """
    if not middle.any():
        return "the result was black"
    if np.ptp(middle) == 0:
        return "the result was a single flat colour"
    if np.array_equal(middle, first) or np.array_equal(middle, last):
        return "the result was one of the two pictures"
    low, high = min(first.min(), last.min()), max(first.max(), last.max())
    if middle.min() < low - 2 or middle.max() > high + 2:
        return "the result contained values outside the range of the two pictures"
    if not official:
        return ""
    if abs(middle.mean() - (first.mean() + last.mean()) / 2) > 8:
        return "the result was much lighter or darker than the two pictures"
    truth, _ = make_pair((SHIFT // 2, 0))
    if abs(_find_square(middle) - _find_square(truth)) > SHIFT / 4:
        return "the square was not in the middle of its path"
    # The result of a network whose layers all give zero is a cross-fade, as far off as either end.
    off, still = (np.abs(truth - picture.astype(float)).mean() for picture in (middle, first))
    return "the result was no better than a cross-fade" if off > 0.9 * still else ""


def _find_square(picture: np.ndarray) -> float:
    """Return the column of the centre of the red square."""
    red = np.clip(picture[..., 0].astype(float) - picture[..., 1], 20, None) - 20
    return float((red.sum(0) * np.arange(picture.shape[1])).sum() / max(red.sum(), 1))


def _draw_middle(model_folder: str, gpu: str) -> dict[str, Any]:
    """Interpolate the middle of the trial pair with the binding, in this separate process."""
    # If PyTorch is installed the binding imports it, which may take longer than the time limit.
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        with RifeNcnn(Path(model_folder), gpu=int(gpu)) as engine:
            middle = engine.between(*make_pair(), [0.5])[0]
    except ModelError as error:
        return {"error": str(error)}
    return {"picture": base64.b64encode(middle.tobytes()).decode()}


if __name__ == "__main__":
    send_result(_draw_middle(*sys.argv[1:]))

"""Pictures that a person coloured, from their files.

image, opacity = read_picture("000120.png")
luma, chroma, known = planes("000120.png", "bt709", size=(384, 216))
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from helpers.errors import StageError
from helpers.imaging.color_matrix import chroma_of, resize_planes, small_luma

_COLOURLESS = 2.0
"""Levels of 255 of colour, in its most coloured hundredth, below which a picture has none. Chosen
by trial; the films were not noted."""


def read_picture(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a coloured picture.

    Returns:
        (H, W, 3) RGB, uint8 or uint16; and its opacity, float32 (H, W) in 0..1, if it has one:
        where it is transparent it says nothing.

    Raises:
        StageError: it is no picture, or has no colours.
    """
    file = Path(path)
    if not file.is_file():
        raise StageError(f"There is no picture {path}; correct the path of the reference.")
    data = np.frombuffer(file.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise StageError(f"{path} cannot be read as a picture; allowed are PNG, JPEG and TIFF.")
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    opacity = None
    if image.shape[2] == 4:
        opacity = image[..., 3].astype(np.float32) / np.iinfo(image.dtype).max
    image = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_BGR2RGB)
    strength = np.hypot(*np.moveaxis(chroma_of(image, "smpte170m"), -1, 0))
    if opacity is not None:
        strength = strength * opacity
    if float(np.percentile(strength, 99)) * 255 < _COLOURLESS:
        raise StageError(f"{path} has no colours that could be used; colour it first.")
    return image, opacity


def read_planes(path: str, matrix: str, size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Return a coloured picture's luma, colours and where it has some, in working size.

    Args:
        path: of the picture.
        matrix: by which luma is counted.
        size: width and height.

    Returns:
        uint8 (h, w), float32 (h, w, 2), float32 (h, w) in 0..1.
    """
    return _read_planes(path, Path(path).stat().st_mtime_ns, matrix, size)


@lru_cache(maxsize=64)
def _read_planes(
    path: str, _changed: int, matrix: str, size: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    image, opacity = read_picture(path)
    luma = small_luma(image, matrix, size)
    known = np.ones(luma.shape, np.float32) if opacity is None else resize_planes(opacity, size)
    return luma, resize_planes(chroma_of(image, matrix), size), known

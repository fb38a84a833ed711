"""Read pictures that a person coloured.

image, opacity = read_picture("000120.png")
luma, chroma, known = read_planes("000120.png", "bt709", size=(384, 216))
"""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from helpers.errors import StageError
from helpers.imaging.color_matrix import chroma_of, resize_planes, small_luma

_COLOURLESS = 2.0
"""A picture is not coloured if the 99th percentile of its saturation is below this, in levels of
255. Chosen by trial; the films were not noted."""

_LARGEST = 80_000_000
"""Pixels of the largest picture that is read, twice those of an 8K frame. The work on it takes
some 20 bytes for each."""


def read_picture(path: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Read a coloured picture.

    Returns:
        (H, W, 3) RGB, uint8 or uint16; and its opacity, float32 (H, W) in 0..1, or None.
        Transparent pixels are not used.

    Raises:
        StageError: there is no such file, it is not a picture, is too large, or has no colours.
    """
    file = Path(path)
    if not os.path.isfile(file):
        raise StageError(f"There is no picture {path}. Correct the path of the reference.")
    _check_size(file)
    data = np.frombuffer(file.read_bytes(), np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise StageError(
            f"{path} cannot be read as a picture. Save it as PNG, JPEG or TIFF, with 8 or 16 bits."
        )
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
        raise StageError(f"{path} has no colours, so it cannot be a reference. Colour it first.")
    return image, opacity


def _check_size(path: Path) -> None:
    """Raise StageError if a picture's header announces more pixels than are read."""
    try:
        with warnings.catch_warnings():  # Pillow's own limit is another
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path)
    except Image.DecompressionBombError as error:
        raise StageError(f"{path} is too large ({error}). Save it in the film's size.") from error
    except OSError:
        return  # OpenCV reads some kinds that Pillow does not know
    with picture:
        width, height = picture.size
    if width * height > _LARGEST:
        raise StageError(
            f"{path} is {width}x{height}, and pictures of up to {_LARGEST // 10**6} million pixels "
            "are read. Save it in the film's size; more is of no use."
        )


def read_planes(path: str, matrix: str, size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Read the luma, colours and opacity of a coloured picture, resized.

    Args:
        path: the path of the picture.
        matrix: the matrix of luma.
        size: width and height of the result.

    Returns:
        Luma, uint8 (h, w); Cb and Cr, float32 (h, w, 2); opacity, float32 (h, w) in 0..1.
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

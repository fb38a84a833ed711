"""Check the arguments of interpolators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from helpers.nn.card import PixelsOnCard


def check_pictures(first: np.ndarray | PixelsOnCard, last: np.ndarray | PixelsOnCard) -> None:
    """Raise ValueError unless both are RGB, (H, W, 3), uint8 or uint16, of one shape and type."""
    for name, picture in (("first", first), ("last", last)):
        if picture.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"{name} must be uint8 or uint16; its dtype is {picture.dtype}.")
        shape = picture.shape
        if len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(f"{name} must be RGB, (H, W, 3); its shape is {shape}.")
    if first.shape != last.shape or first.dtype != last.dtype:
        raise ValueError(
            "first and last must have the same shape and dtype, but first is "
            f"{first.dtype} {first.shape} and last is {last.dtype} {last.shape}."
        )


def check_fractions(fractions: Sequence[float]) -> None:
    """Raise ValueError unless every fraction is between 0 and 1, both excluded."""
    for fraction in fractions:
        if not 0 < fraction < 1:
            raise ValueError(
                f"A fraction must be greater than 0 and less than 1; {fraction} was given."
            )

"""What every interpolator asks of the two pictures and the moments between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def check_pictures(first: np.ndarray, last: np.ndarray) -> None:
    """Raise ValueError unless both are RGB, (H, W, 3), uint8 or uint16, and alike in shape."""
    for name, picture in (("first", first), ("last", last)):
        if picture.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"{name} has dtype {picture.dtype}; allowed are uint8 and uint16.")
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.size == 0:
            raise ValueError(f"{name} has shape {picture.shape}; allowed is (H, W, 3), RGB.")
    if first.shape != last.shape or first.dtype != last.dtype:
        raise ValueError(
            f"first is {first.dtype} {first.shape} but last is {last.dtype} {last.shape}; "
            "both must have the same shape and dtype."
        )


def check_fractions(fractions: Sequence[float]) -> None:
    """Raise ValueError unless every fraction lies between 0 and 1, both excluded."""
    for fraction in fractions:
        if not 0 < fraction < 1:
            raise ValueError(
                f"fraction {fraction} is not between the two pictures; "
                "allowed is more than 0 and less than 1."
            )

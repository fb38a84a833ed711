"""Keep an enlarged picture consistent with the film it was made from.

    better = hold_to_source(made, source)                     # colour and shading are the film's
    softer = hold_to_source(made, source, strength=0.6)       # and nearer plain enlarging

A network shifts brightness and colour by several levels, each in its own direction. What a small
picture shows beyond doubt are its low frequencies, so these are made the source's own: the
difference between the shrunk result and the source is blurred, enlarged and subtracted. The
finest differences stay as they are, because correcting them too (iterative back-projection, Irani
and Peleg, CVGIP 1991) would copy the source's coding noise into the result.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

BLUR = 2.0
"""Standard deviation, in pixels of the source, of the blur that separates low frequencies. Blocks
of compression are eight pixels wide, so that most of their pattern is left out."""


def hold_to_source(made: Any, source: Any, strength: float = 1.0) -> Any:
    """Correct the low frequencies of an enlarged picture, and blend it with plain enlarging.

    Args:
        made: the picture that a network made of `source`, (H, W, 3) uint8 or uint16, as an array
            or on a graphics card.
        source: the picture (h, w, 3) of the same type, where `made` lies.
        strength: the share of the network in what it changes, above 0 (bicubic enlarging) to 1.

    Returns:
        (H, W, 3) of the same type, where `made` lies.
    """
    if not isinstance(made, np.ndarray):
        from helpers.nn.consistency import hold_on_card

        return hold_on_card(made, source, strength, BLUR)
    height, width = made.shape[:2]
    # If a side becomes smaller, nothing finer than the result can be compared.
    small = (min(width, source.shape[1]), min(height, source.shape[0]))
    known = _shrink(source, small).astype(np.float32)
    off = _shrink(made, small).astype(np.float32) - known
    off = cv2.GaussianBlur(off, (0, 0), BLUR, borderType=cv2.BORDER_REPLICATE)
    # Enlarging is linear, so what is added and what is subtracted are enlarged together; and one
    # buffer of floats is enough, since those of large pictures take much memory.
    rest = ((1 - strength) / strength) * known - off
    total = cv2.resize(rest, (width, height), interpolation=cv2.INTER_CUBIC)
    cv2.accumulate(made, total)
    total *= np.float32(strength)
    np.clip(np.rint(total, out=total), 0, np.iinfo(made.dtype).max, out=total)
    return total.astype(made.dtype)


def _shrink(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Average a picture over the area of each pixel of a smaller one."""
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)

"""Interlaced films, woven in code from the pictures of twice as many moments."""

from __future__ import annotations

import cv2
import numpy as np

from tests.support.films import texture


def woven(moments, order):
    """Weave pairs of moments into interlaced pictures; "tff" or "bff" names the first field."""
    frames = []
    for early, late in zip(moments[::2], moments[1::2], strict=True):
        frame, own = late.copy(), slice(int(order == "bff"), None, 2)
        frame[own] = early[own]
        frames.append(frame)
    return frames


def drifting(count, height=240, width=320, speed=(1.3, 0.4)):
    """Move a window over a picture of soft detail, by parts of a pixel from moment to moment."""
    right, down = speed
    margin = int(count * max(abs(right), abs(down))) + 2
    wide = texture(height + margin, width + margin)
    moved = [
        np.array([[1, 0, right * number], [0, 1, down * number]], np.float32)
        for number in range(count)
    ]
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return [cv2.warpAffine(wide, matrix, (width, height), flags=how) for matrix in moved]


def telecined(frames, order="tff", pattern=(2, 3)):
    """Show a film's frames for so many fields in turn, and weave these into pictures."""
    shown = [frame for n, frame in enumerate(frames) for _ in range(pattern[n % len(pattern)])]
    return woven(shown[: len(shown) // 2 * 2], order)

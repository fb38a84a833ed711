"""How the camera moved from frame to frame, and frames laid back into place. Arrays only.

    tracker = Tracker()
    step = tracker.follow(image)         # Motion since the image before
    steady = shift(image, Motion(2.5, -1.0, 0.001), zoom=1.02)

Corners are tracked (Shi and Tomasi 1994; pyramidal Lucas and Kanade, Bouguet 2000; both OpenCV's)
and the motion that most of them share is found by RANSAC. Points that have moved with the
background for some frames have the first say, so that a cart that fills half the picture does not
take the camera with it.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from helpers.imaging.luma import small_brightness

WIDTH = 480
"""Pixels to which frames are narrowed for tracking; points are found to a fraction of a pixel."""

POINTS = 300
"""Corners that are tracked at once. This number and those below were chosen by trial;
benchmarks/quality/picture.py measures the effect."""

MARGIN = 0.06
"""Part of each side left out: the border of the scan stands still while the film moves."""

TRUSTED = 3
"""Frames for which a point must have moved with the background to speak for it."""

NEAR = 0.6
"""Pixels, in the small picture, within which a point moves like the others."""

FEWEST, AGREED = 12, 0.25
"""Points, and part of all that were tracked, that must move alike to be the background."""


class Motion(NamedTuple):
    """How a picture lies against another: pixels to the right and down, and radians clockwise about
    its middle."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0


class Tracker:
    """Follows a shot, image by image, and tells how the background moved.

    Attributes:
        sure: whether the last answer was measured; where too little could be tracked it is rest.
    """

    def __init__(self) -> None:
        self.sure = False
        self._before: np.ndarray | None = None
        self._points = np.zeros((0, 2), np.float32)
        self._trust = np.zeros(0, int)

    def follow(self, image: np.ndarray) -> Motion:
        """Take the next image, (H, W, 3) uint8 or uint16, and return how it moved since the last,
        in its own pixels."""
        grey = _even(small_brightness(image, WIDTH))
        before, self._before = self._before, grey
        if before is None or min(grey.shape) < 16:
            self.sure = False
            self._refill(grey)
            return Motion()
        found = self._track(before, grey)
        self._refill(grey)
        scale = image.shape[1] / grey.shape[1]
        self.sure = found is not None
        return Motion(found.x * scale, found.y * scale, found.angle) if found else Motion()

    def _track(self, before: np.ndarray, grey: np.ndarray) -> Motion | None:
        """Move the points on, drop the lost ones, and return the motion most of them share."""
        if len(self._points) < FEWEST:
            return None
        there = _lucas_kanade(before, grey, self._points)
        back = _lucas_kanade(grey, before, there)
        kept = np.abs(back - self._points).max(axis=1) < 0.5
        here, there, trust = self._points[kept], there[kept], self._trust[kept]
        self._points, self._trust = there, trust
        if len(here) < FEWEST:
            return None
        known = trust >= TRUSTED
        first = known if known.sum() >= 20 else np.ones(len(here), bool)
        middle = np.array([grey.shape[1] - 1, grey.shape[0] - 1], np.float32) / 2
        here, there = here - middle, there - middle
        found = _common(here[first], there[first])
        if found is None and not first.all():
            found = _common(here, there)
        if found is None:
            self._trust[:] = 0
            return None
        near = np.abs(_moved(here, found) - there).max(axis=1) < NEAR
        self._trust = np.where(near, trust + 1, 0)
        if near.sum() < max(FEWEST, AGREED * len(near)):
            return None
        return _fit(here[near], there[near])

    def _refill(self, grey: np.ndarray) -> None:
        """Look for corners where there are none yet."""
        height, width = grey.shape
        inside = (self._points >= 1).all(1) & (self._points < (width - 2, height - 2)).all(1)
        self._points, self._trust = self._points[inside], self._trust[inside]
        if len(self._points) > 0.7 * POINTS:
            return
        mask = np.zeros(grey.shape, np.uint8)
        rows, columns = int(height * MARGIN), int(width * MARGIN)
        mask[rows : height - rows, columns : width - columns] = 255
        apart = max(int(np.sqrt(height * width / POINTS) / 2), 3)
        for x, y in self._points:
            cv2.circle(mask, (round(float(x)), round(float(y))), apart, 0, -1)
        more = POINTS - len(self._points)
        corners = cv2.goodFeaturesToTrack(grey, more, 0.01, apart, mask=mask, blockSize=5)
        if corners is not None:
            self._points = np.concatenate([self._points, corners.reshape(-1, 2)])
            self._trust = np.concatenate([self._trust, np.zeros(len(corners), int)])


def _even(luma: np.ndarray) -> np.ndarray:
    """Return a picture without its brightness and contrast, so that flicker is no motion."""
    mean, deviation = float(luma.mean()), float(luma.std())
    return np.clip(128 + (luma - mean) * (50 / max(deviation, 4.0)), 0, 255).astype(np.uint8)


def _lucas_kanade(one: np.ndarray, two: np.ndarray, points: np.ndarray) -> np.ndarray:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.005)
    moved, _, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        one, two, points.reshape(-1, 1, 2), None, winSize=(15, 15), maxLevel=3, criteria=criteria
    )
    return moved.reshape(-1, 2)


def _common(here: np.ndarray, there: np.ndarray) -> Motion | None:
    """Return the motion that the largest number of points share; None if they are too few."""
    if len(here) < FEWEST:
        return None
    cv2.setRNGSeed(0)  # the same points give the same answer
    matrix, inside = cv2.estimateAffinePartial2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=NEAR, maxIters=500, confidence=0.995
    )
    if matrix is None or inside.sum() < max(FEWEST, AGREED * len(here)):
        return None
    near = inside.ravel() > 0
    return _fit(here[near], there[near])


def _fit(here: np.ndarray, there: np.ndarray) -> Motion:
    """Return the shift and turn that fit points best. A zoom is left to the cameraman."""
    a, b = here.mean(axis=0, dtype=np.float64), there.mean(axis=0, dtype=np.float64)
    p, q = here - a, there - b
    angle = float(np.arctan2((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum(), (p * q).sum()))
    turned = _moved(a[None], Motion(0, 0, angle))[0]
    return Motion(float(b[0] - turned[0]), float(b[1] - turned[1]), angle)


def _moved(points: np.ndarray, motion: Motion) -> np.ndarray:
    cos, sin = np.cos(motion.angle), np.sin(motion.angle)
    x, y = points[:, 0], points[:, 1]
    return np.stack([cos * x - sin * y + motion.x, sin * x + cos * y + motion.y], axis=1)


def shift(image: np.ndarray, motion: Motion, zoom: float = 1.0, fill: bool = True) -> np.ndarray:
    """Move and turn a picture about its middle, to a fraction of a pixel, in one resampling.

    Args:
        image: (H, W, 3), uint8 or uint16.
        motion: where to.
        zoom: enlarge about the middle as well.
        fill: what comes in at the border repeats the edge, else it is black.

    Returns:
        (H, W, 3) of the same type; the very image where nothing moves by a thirtieth of a pixel.
    """
    height, width = image.shape[:2]
    reach = max(abs(motion.x), abs(motion.y)) + abs(motion.angle) * max(height, width) / 2
    if reach < 1 / 32 and zoom == 1:
        return image
    cos, sin = zoom * np.cos(motion.angle), zoom * np.sin(motion.angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array(
        [
            [cos, -sin, x - cos * x + sin * y + zoom * motion.x],
            [sin, cos, y - sin * x - cos * y + zoom * motion.y],
        ]
    )
    border = cv2.BORDER_REPLICATE if fill else cv2.BORDER_CONSTANT
    size = (width, height)
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LANCZOS4, borderMode=border)

"""Track the motion of the camera from frame to frame, and move frames. Arrays only.

    tracker = Tracker()
    step = tracker.track(image)          # Motion since the previous image
    steady = shift(image, Motion(2.5, -1.0, 0.001), zoom=1.02)

Corners are tracked with OpenCV (Shi and Tomasi 1994; pyramidal Lucas and Kanade, Bouguet 2000), and
the motion that most of them share is found by RANSAC. Points that have moved with the background
for some frames are tried first, so that a cart that fills half of the picture is not mistaken for
the background.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from helpers.imaging.luma import small_brightness

WIDTH = 480
"""Frames are reduced to this width in pixels; points are tracked with subpixel precision."""

POINTS = 300
"""Corners that are tracked at once. This number and those below were chosen by trial;
benchmarks/quality/picture.py measures the effect."""

MARGIN = 0.06
"""The share of each side that is not tracked, since the border of a scan does not move."""

TRUSTED = 3
"""A point is trusted after it has moved with the background for so many frames."""

NEAR = 0.6
"""Points whose motion differs by fewer pixels of the reduced picture move alike."""

FEWEST, AGREED = 12, 0.25
"""The least number of points, and share of the tracked points, that form the background."""


class Motion(NamedTuple):
    """A motion of the picture: pixels to the right and down, and radians clockwise about its
    middle."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0


class Tracker:
    """Tracks the background of a shot, image by image.

    Attributes:
        sure: whether the last motion was measured; if too few points were tracked, it is zero.
    """

    def __init__(self) -> None:
        self.sure = False
        self._before: np.ndarray | None = None
        self._points = np.zeros((0, 2), np.float32)
        self._trust = np.zeros(0, int)

    def track(self, image: np.ndarray) -> Motion:
        """Return the motion from the previous image to this one, in its own pixels.

        Args:
            image: (H, W, 3), uint8 or uint16.
        """
        grey = _normalise(small_brightness(image, WIDTH))
        before, self._before = self._before, grey
        if before is None or min(grey.shape) < 16:
            self.sure = False
            self._refill(grey)
            return Motion()
        found = self._track_points(before, grey)
        self._refill(grey)
        scale = image.shape[1] / grey.shape[1]
        self.sure = found is not None
        return Motion(found.x * scale, found.y * scale, found.angle) if found else Motion()

    def _track_points(self, before: np.ndarray, grey: np.ndarray) -> Motion | None:
        """Track the points, drop lost ones, and return the motion that most of them share."""
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
        found = _find_common(here[first], there[first])
        if found is None and not first.all():
            found = _find_common(here, there)
        if found is None:
            self._trust[:] = 0
            return None
        near = np.abs(_move(here, found) - there).max(axis=1) < NEAR
        self._trust = np.where(near, trust + 1, 0)
        if near.sum() < max(FEWEST, AGREED * len(near)):
            return None
        return _fit(here[near], there[near])

    def _refill(self, grey: np.ndarray) -> None:
        """Add corners where there are no points yet."""
        height, width = grey.shape
        inside = (self._points >= 1).all(1) & (self._points < (width - 2, height - 2)).all(1)
        self._points, self._trust = self._points[inside], self._trust[inside]
        if len(self._points) > 0.7 * POINTS:
            return
        mask = np.zeros(grey.shape, np.uint8)
        rows, columns = int(height * MARGIN), int(width * MARGIN)
        mask[rows : height - rows, columns : width - columns] = 255
        distance = max(int(np.sqrt(height * width / POINTS) / 2), 3)
        for x, y in self._points:
            cv2.circle(mask, (round(float(x)), round(float(y))), distance, 0, -1)
        more = POINTS - len(self._points)
        corners = cv2.goodFeaturesToTrack(grey, more, 0.01, distance, mask=mask, blockSize=5)
        if corners is not None:
            self._points = np.concatenate([self._points, corners.reshape(-1, 2)])
            self._trust = np.concatenate([self._trust, np.zeros(len(corners), int)])


def _normalise(luma: np.ndarray) -> np.ndarray:
    """Normalise brightness and contrast, so that flicker has no effect."""
    mean, deviation = float(luma.mean()), float(luma.std())
    return np.clip(128 + (luma - mean) * (50 / max(deviation, 4.0)), 0, 255).astype(np.uint8)


def _lucas_kanade(one: np.ndarray, two: np.ndarray, points: np.ndarray) -> np.ndarray:
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.005)
    moved, _, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
        one, two, points.reshape(-1, 1, 2), None, winSize=(15, 15), maxLevel=3, criteria=criteria
    )
    return moved.reshape(-1, 2)


def _find_common(here: np.ndarray, there: np.ndarray) -> Motion | None:
    """Return the motion that most points share; None if they are too few."""
    if len(here) < FEWEST:
        return None
    cv2.setRNGSeed(0)  # the same points give the same result
    matrix, inside = cv2.estimateAffinePartial2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=NEAR, maxIters=500, confidence=0.995
    )
    if matrix is None or inside.sum() < max(FEWEST, AGREED * len(here)):
        return None
    near = inside.ravel() > 0
    return _fit(here[near], there[near])


def _fit(here: np.ndarray, there: np.ndarray) -> Motion:
    """Return the shift and rotation that fit the points best. Zooms are intended, so not fitted."""
    a, b = here.mean(axis=0, dtype=np.float64), there.mean(axis=0, dtype=np.float64)
    p, q = here - a, there - b
    angle = float(np.arctan2((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum(), (p * q).sum()))
    turned = _move(a[None], Motion(0, 0, angle))[0]
    return Motion(float(b[0] - turned[0]), float(b[1] - turned[1]), angle)


def _move(points: np.ndarray, motion: Motion) -> np.ndarray:
    cos, sin = np.cos(motion.angle), np.sin(motion.angle)
    x, y = points[:, 0], points[:, 1]
    return np.stack([cos * x - sin * y + motion.x, sin * x + cos * y + motion.y], axis=1)


def shift(image: np.ndarray, motion: Motion, zoom: float = 1.0, fill: bool = True) -> np.ndarray:
    """Shift and rotate a picture about its middle, with subpixel precision, in one resampling.

    Args:
        image: (H, W, 3), uint8 or uint16.
        motion: the motion to apply.
        zoom: enlarge the picture about its middle as well.
        fill: repeat the edges; if not, the border is black.

    Returns:
        (H, W, 3) of the same type; the image itself if the motion is below 1/32 of a pixel.
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

"""Find where shots begin, with PySceneDetect.

cuts = find_cuts(clip)            # one pass over the film; `Project.source` keeps the result
clip = MarkShots(cuts)(clip)      # marks the shots for all later stages
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import closing
from fractions import Fraction

import numpy as np

from helpers.clip import Clip, Frame
from helpers.run import RunContext
from helpers.stage import prefetch

_WIDTH = 256
"""Frames are reduced to this width in pixels for the search, which is faster and just as good."""

_SHORTEST = Fraction(2, 5)
"""The minimum length of a shot in seconds. This number and the next were chosen by trial; the films
were not noted."""

_NEAR = 3
"""Frames before and after a cut that are compared; a flash or torn frames are shorter."""

_ALIKE = 0.8
"""Two pictures with a higher correlation are of the same shot. In real films neighbours within a
shot are above it, except in very fast motion, and pictures on both sides of a cut are below 0.5."""


def find_cuts(clip: Clip, run: RunContext | None = None) -> tuple[Fraction, ...]:
    """Return the times at which shots begin, including that of the first frame.

    PySceneDetect's adaptive detector compares every change with its neighbourhood, so that fast
    motion is not mistaken for a cut. Then the pictures around every cut are compared: if one before
    and one after it differ only in brightness, it was a flash, flicker or damage.
    """
    from scenedetect import AdaptiveDetector, FrameTimecode

    fps = float(clip.info.fps)
    detector = AdaptiveDetector(min_scene_len=1)
    found = [clip.times[0]]
    pending: list[int] = []  # cuts that wait for the next NEAR pictures
    recent: deque[tuple[int, np.ndarray]] = deque(maxlen=4 * _NEAR)

    def confirm(upto: int) -> None:
        while pending and pending[0] + _NEAR <= upto:
            number = pending.pop(0)
            time = clip.times[number]
            if time - found[-1] >= _SHORTEST and not _same_shot(recent, number):
                found.append(time)

    run = run or RunContext()
    stamp = FrameTimecode(0, fps)
    with closing(prefetch(clip.frames(run=run))) as frames:
        for number, frame in enumerate(run.bar(frames, len(clip), "find shots")):
            stamp, picture = FrameTimecode(number, fps), _reduce(frame)
            recent.append((number, _normalise(picture)))
            pending += sorted(cut.frame_num for cut in detector.process_frame(stamp, picture))
            confirm(number + 1)
    pending += sorted(cut.frame_num for cut in detector.post_process(stamp))
    confirm(len(clip) + _NEAR)
    return tuple(found)


def _same_shot(recent: Iterable[tuple[int, np.ndarray]], cut: int) -> bool:
    """Tell whether the shot continues after frame `cut`: a picture before is like one after."""
    before = [picture for number, picture in recent if cut - _NEAR <= number < cut]
    after = [picture for number, picture in recent if cut <= number < cut + _NEAR]
    return any(float(np.mean(a * b)) > _ALIKE for a in before for b in after)


def _normalise(picture: np.ndarray) -> np.ndarray:
    """Return a tiny grey copy, (24, 32), with zero mean and unit variance."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    tiny = cv2.resize(grey, (32, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
    tiny -= tiny.mean()
    # A smaller deviation is only noise, so flat pictures correlate with nothing.
    return tiny / max(float(tiny.std()), 2.0)


def _reduce(frame: Frame) -> np.ndarray:
    """Return a small 8-bit BGR copy of a frame."""
    import cv2

    image = frame.image
    height, width = image.shape[:2]
    if width > _WIDTH:
        size = (_WIDTH, max(height * _WIDTH // width, 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)

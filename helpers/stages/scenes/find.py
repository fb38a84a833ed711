"""Where shots begin, found by PySceneDetect.

cuts = find_cuts(clip)            # one pass over the film; keep the answer in the project
clip = MarkShots(cuts)(clip)      # from here on every stage knows them
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

WIDTH = 256
"""Pixels to which frames are narrowed for the search: cuts are as plain there, and it is quick."""

SHORTEST = Fraction(2, 5)
"""Seconds a shot lasts at least. This number and the next were chosen by trial; the films were not
noted."""

NEAR = 3
"""Frames before and after a cut that are compared: a flash or torn frames last less."""

ALIKE = 0.8
"""Correlation above which two pictures are of one shot. On real films neighbours within a shot lie
above it but for wild motion, and the pictures around a cut stay below 0.5."""


def find_cuts(clip: Clip, run: RunContext | None = None) -> tuple[Fraction, ...]:
    """Return the times at which shots begin, the first frame's included.

    PySceneDetect's adaptive detector compares every change with its neighbourhood, so that fast
    motion is not taken for a cut. What it finds is then held against the pictures around it: where
    one before and one after are alike but for their brightness, it was a flash, flicker or damage.
    """
    from scenedetect import AdaptiveDetector, FrameTimecode

    fps = float(clip.info.fps)
    detector = AdaptiveDetector(min_scene_len=1)
    found = [clip.times[0]]
    pending: list[int] = []  # cuts whose following pictures are still to come
    recent: deque[tuple[int, np.ndarray]] = deque(maxlen=4 * NEAR)

    def settle(upto: int) -> None:
        while pending and pending[0] + NEAR <= upto:
            number = pending.pop(0)
            time = clip.times[number]
            if time - found[-1] >= SHORTEST and not _goes_on(recent, number):
                found.append(time)

    run = run or RunContext()
    stamp = FrameTimecode(0, fps)
    with closing(prefetch(clip.frames(run=run))) as frames:
        for number, frame in enumerate(run.bar(frames, len(clip), "find shots")):
            stamp, picture = FrameTimecode(number, fps), _small(frame)
            recent.append((number, _outline(picture)))
            pending += sorted(cut.frame_num for cut in detector.process_frame(stamp, picture))
            settle(number + 1)
    pending += sorted(cut.frame_num for cut in detector.post_process(stamp))
    settle(len(clip) + NEAR)
    return tuple(found)


def _goes_on(recent: Iterable[tuple[int, np.ndarray]], cut: int) -> bool:
    """Tell whether the shot goes on after frame `cut`: a picture before is like one after."""
    before = [picture for number, picture in recent if cut - NEAR <= number < cut]
    after = [picture for number, picture in recent if cut <= number < cut + NEAR]
    return any(float(np.mean(a * b)) > ALIKE for a in before for b in after)


def _outline(picture: np.ndarray) -> np.ndarray:
    """Return a tiny grey copy without its brightness and contrast, (24, 32), of unit variance."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    tiny = cv2.resize(grey, (32, 24), interpolation=cv2.INTER_AREA).astype(np.float32)
    tiny -= tiny.mean()
    # Less than a grey level or two is noise: flat pictures are like nothing.
    return tiny / max(float(tiny.std()), 2.0)


def _small(frame: Frame) -> np.ndarray:
    """Return a narrow 8-bit BGR copy of a frame."""
    import cv2

    image = frame.image
    height, width = image.shape[:2]
    if width > WIDTH:
        size = (WIDTH, max(height * WIDTH // width, 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)

"""Where shots begin, found by PySceneDetect.

cuts = find_cuts(clip)            # one pass over the film; keep the answer in the project
clip = MarkShots(cuts)(clip)      # from here on every stage knows them
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from helpers.clip import Clip, Frame
from helpers.stage import Stage, prefetch, snap
from helpers.writing import bar

WIDTH = 256
"""Pixels to which frames are narrowed for the search: cuts are as plain there, and it is quick."""

SHORTEST = 0.4
"""Seconds a shot lasts at least; a flash or a torn frame is not a shot."""


def find_cuts(clip: Clip, progress: bool = False) -> tuple[Fraction, ...]:
    """Return the times at which shots begin, the first frame's included.

    PySceneDetect's adaptive detector compares every change with its neighbourhood, so that fast
    motion and flicker are not taken for cuts.
    """
    from contextlib import closing

    from scenedetect import AdaptiveDetector, FrameTimecode

    fps = float(clip.info.fps)
    detector = AdaptiveDetector(min_scene_len=max(round(SHORTEST * fps), 1))
    found: set[int] = set()
    stamp = FrameTimecode(0, fps)
    with closing(prefetch(clip.frames())) as frames:
        for number, frame in enumerate(bar(frames, len(clip), "find shots", progress)):
            stamp = FrameTimecode(number, fps)
            found.update(cut.frame_num for cut in detector.process_frame(stamp, _small(frame)))
    found.update(cut.frame_num for cut in detector.post_process(stamp))
    return tuple(clip.times[number] for number in sorted({0, *found}))


def _small(frame: Frame):  # noqa: ANN202
    """Return a narrow 8-bit BGR copy of a frame."""
    import cv2
    import numpy as np

    image = frame.image
    height, width = image.shape[:2]
    if width > WIDTH:
        size = (WIDTH, max(height * WIDTH // width, 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)


@dataclass(frozen=True)
class MarkShots(Stage):
    """Write down where shots begin, for the stages that follow.

    Attributes:
        begins: times in seconds; those that are not a frame's time mark the next frame.
    """

    begins: tuple[Fraction, ...]

    def cuts(self, source: Clip) -> Sequence[Fraction]:
        """The first frame, and every marked one."""
        return snap((source.times[0], *self.begins), source.times)

    def process(self, frames: Iterator[Frame], times: Sequence[Fraction]) -> Iterator[Frame]:
        """Pass the frames on; the clip marks them."""
        return frames

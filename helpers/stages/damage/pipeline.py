"""Clean a film of dust, dirt and scratches, frame by frame, with a window of its shot in hand.

    cleaning = FilmCleaning(network=None, radius=2, lines=True)
    window = [Seen(image) for image in images]       # 6 before the frame, and 6 after it
    cleaned = cleaning.clean(window, at=6)

For each frame: choose its neighbours, bring them to where it is (`alignment`), bridge the lines
that stay (`scratches`), and repair what is damaged (`repairing`). All other pixels are left alone.
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.stages.damage import alignment, scratches
from helpers.stages.damage.frame_repair import Repairing, Seen
from helpers.stages.damage.network import Cleaner

REPEATED, REPEATED_MEAN = 4.0, 0.7
"""Grey levels by which a repeated picture differs at most: anywhere (smoothed), and on average.
This number and the next were chosen by trial; benchmarks/quality/damage.py measures the effect."""

LINE_FRAMES = 4
"""Frames on each side in which a line is looked for again."""


class FilmCleaning:
    """Cleans the frames of a film; what is known of a frame is kept with it, in `Seen`.

    Args:
        network: finds the damage; None to find it by comparison.
        radius: neighbours looked at on each side, 1 or 2.
        lines: whether to look for vertical lines that stay.
    """

    def __init__(self, network: Cleaner | None, radius: int, lines: bool) -> None:
        self.network, self.radius, self.lines = network, radius, lines

    def clean(self, window: list[Seen], at: int) -> np.ndarray:
        """Return the frame `window[at]` repaired; its own array if there is nothing to repair.

        Args:
            window: the frame and its neighbours in the shot, in order: 2 * radius + 2 on each side,
                or as many as the shot has.
            at: the place of the frame in it.
        """
        work = self.prepared(window, at)
        return window[at].image if work is None else work.result(work.repaired(self.network))

    def prepared(self, window: list[Seen], at: int) -> Repairing | None:
        """Bring the neighbours of `window[at]` to where it is; None if it has none."""
        offsets = self._neighbours(window, at)
        here = window[at]
        if not offsets:
            return None
        work = Repairing(here, [window[at + offset] for offset in offsets], offsets)
        # From one side alone, what leaves the picture looks like damage.
        two_sided = min(offsets) < 0 < max(offsets)
        calm = self._calm(window, at) if two_sided else here.luma
        calms = [self._calm(window, at + offset) for offset in offsets]
        work.calms = calms
        work.moves = [
            np.zeros((*calm.shape, 2), np.float32) if near is calm else alignment.motion(calm, near)
            for near in calms
        ]
        if self.lines:
            work.bridge(self._lines(window, at, work))
        return work

    def mask(self, window: list[Seen], at: int) -> np.ndarray:
        """Return which pixels of `window[at]` are changed, bool (H, W)."""
        return (self.clean(window, at) != window[at].image).any(-1)

    def _neighbours(self, window: list[Seen], at: int) -> list[int]:
        """Choose a frame's neighbours in its shot, as steps from it, the nearest first.

        Pictures that repeat are looked past; where a side has too few, the other gives more.
        """
        limit = 2 * self.radius
        sides = [self._side(window, at, step, limit) for step in (-1, 1)]
        fresh = [[n for n, repeats in side if not repeats] for side in sides]
        chosen = fresh[0][: self.radius] + fresh[1][: self.radius]
        spare = sorted((n for side in fresh for n in side if n not in chosen), key=_nearness)
        stale = sorted((n for side in sides for n, repeats in side if repeats), key=_nearness)
        chosen += (spare + stale)[: limit - len(chosen)]
        return sorted(chosen, key=_nearness)

    def _side(self, window: list[Seen], at: int, step: int, limit: int) -> list[tuple[int, bool]]:
        """Return the steps to the frames of the shot on one side, and whether each repeats."""
        found = []
        for here in range(at + step, at + step * (limit + 1), step):
            if not 0 <= here < len(window):
                break
            found.append((here - at, repeats(window[here], window[here - step])))
        return found

    def _calm(self, window: list[Seen], at: int) -> np.ndarray:
        """Return a frame calmed with its two nearest neighbours, worked out once."""
        here = window[at]
        if here.calm is None:
            sides = [n for step in (-1, 1) for n in self._side(window, at, step, 2)]
            fresh = sorted((n for n, stale in sides if not stale), key=_nearness)
            near = sorted(fresh, key=lambda n: (abs(n), n))[:2]
            if len(near) < 2:
                here.calm = here.luma
            else:
                one, two = sorted(near)
                here.calm = alignment.calmed(
                    here.luma, window[at + one].luma, window[at + two].luma, (one, two)
                )
        return here.calm

    def _lines(self, window: list[Seen], at: int, work: Repairing) -> list[scratches.Mark]:
        """Find the lines of a frame, confirmed by the frames around it."""
        if not window[at].marks:
            return []
        around = [n for step in (-1, 1) for n, _ in self._side(window, at, step, LINE_FRAMES)]
        marks = {step: window[at + step].marks for step in [0, *around]}
        return scratches.find_lines(marks, work.sideways())


def _nearness(step: int) -> tuple[int, int]:
    return abs(step), step


def repeats(one: Seen, other: Seen) -> bool:
    """Tell whether two neighbours are the same picture, give or take compression."""
    apart = cv2.absdiff(one.luma, other.luma)
    return bool(apart.mean() < REPEATED_MEAN and cv2.blur(apart, (7, 7)).max() < REPEATED)

"""Clean a film of dust, dirt and scratches, frame by frame.

    cleaning = FilmCleaning(network=None, radius=2, lines=True)
    window = [ShotFrame(image) for image in images]  # 6 frames before the frame, and 6 after it
    cleaned = cleaning.clean(window, at=6)

For each frame its neighbours are chosen and aligned (`alignment`), persistent lines are bridged
(`scratches`), and damage is repaired (`frame_repair`). All other pixels are left unchanged.
"""

from __future__ import annotations

import cv2
import numpy as np

from helpers.stages.damage import alignment, scratches
from helpers.stages.damage.frame_repair import FrameRepair, ShotFrame
from helpers.stages.damage.network import Cleaner
from helpers.stages.damage.unsteady import keep_unsteady

REPEATED, REPEATED_MEAN = 4.0, 0.7
"""The most grey levels by which a repeated frame may differ: anywhere (smoothed), and on average.
This number and the next were chosen by trial; benchmarks/quality/damage.py measures the effect."""

LINE_FRAMES = 4
"""A line is confirmed in this many frames on each side."""


class FilmCleaning:
    """Cleans the frames of a film; values that are needed again are kept in the `ShotFrame`.

    Args:
        network: finds the damage; if None, it is found by comparison.
        radius: neighbours to use on each side, 1 or 2.
        lines: whether to remove persistent vertical lines.
    """

    def __init__(self, network: Cleaner | None, radius: int, lines: bool) -> None:
        self.network, self.radius, self.lines = network, radius, lines

    def clean(self, window: list[ShotFrame], at: int) -> np.ndarray:
        """Return the frame `window[at]` repaired; its own array if there is nothing to repair.

        Args:
            window: the frame and its neighbours in the shot, in order: 2 * radius + 2 on each side,
                or as many as the shot has.
            at: the position of the frame in it.
        """
        repair = self.prepare(window, at)
        return window[at].image if repair is None else repair.apply(repair.find(self.network))

    def prepare(self, window: list[ShotFrame], at: int) -> FrameRepair | None:
        """Align the neighbours of `window[at]` with it; None if it has none."""
        offsets = self._choose_neighbours(window, at)
        here = window[at]
        if not offsets:
            return None
        repair = FrameRepair(here, [window[at + offset] for offset in offsets], offsets)
        # With neighbours on one side only, things that leave the picture would look like damage.
        two_sided = min(offsets) < 0 < max(offsets)
        luma = self._suppress_damage(window, at) if two_sided else here.luma
        repair.suppressed = [self._suppress_damage(window, at + offset) for offset in offsets]
        repair.flows = [
            np.zeros((*luma.shape, 2), np.float32)
            if near is luma
            else alignment.measure_motion(luma, near)
            for near in repair.suppressed
        ]
        if self.lines:
            repair.bridge(self._find_lines(window, at, repair))
        return repair

    def mask(self, window: list[ShotFrame], at: int) -> np.ndarray:
        """Return which pixels of `window[at]` are changed, bool (H, W)."""
        return (self.clean(window, at) != window[at].image).any(-1)

    def _choose_neighbours(self, window: list[ShotFrame], at: int) -> list[int]:
        """Choose a frame's neighbours in its shot, as steps from it, the nearest first.

        Repeated frames are skipped. If a side has too few, more are taken from the other side.
        """
        limit = 2 * self.radius
        sides = [self._list_side(window, at, step, limit) for step in (-1, 1)]
        fresh = [[n for n, repeats in side if not repeats] for side in sides]
        chosen = fresh[0][: self.radius] + fresh[1][: self.radius]
        spare = sorted((n for side in fresh for n in side if n not in chosen), key=_nearness)
        stale = sorted((n for side in sides for n, repeats in side if repeats), key=_nearness)
        chosen += (spare + stale)[: limit - len(chosen)]
        return sorted(chosen, key=_nearness)

    def _list_side(
        self, window: list[ShotFrame], at: int, step: int, limit: int
    ) -> list[tuple[int, bool]]:
        """Return the steps to the frames of the shot on one side, and whether each is a repeat."""
        found = []
        for here in range(at + step, at + step * (limit + 1), step):
            if not 0 <= here < len(window):
                break
            found.append((here - at, is_repeat(window[here], window[here - step])))
        return found

    def _suppress_damage(self, window: list[ShotFrame], at: int) -> np.ndarray:
        """Return a frame's luma without obvious damage; it is computed once."""
        here = window[at]
        if here.suppressed is None:
            sides = [n for step in (-1, 1) for n in self._list_side(window, at, step, 2)]
            fresh = sorted((n for n, stale in sides if not stale), key=_nearness)
            near = sorted(fresh, key=lambda n: (abs(n), n))[:2]
            if len(near) < 2:
                here.suppressed = here.luma
            else:
                one, two = sorted(near)
                here.suppressed = alignment.suppress_damage(
                    here.luma, window[at + one].luma, window[at + two].luma, (one, two)
                )
        return here.suppressed

    def _find_lines(
        self, window: list[ShotFrame], at: int, repair: FrameRepair
    ) -> list[scratches.Mark]:
        """Find the lines of a frame, confirmed by the frames around it."""
        if not window[at].marks:
            return []
        around = [n for step in (-1, 1) for n, _ in self._list_side(window, at, step, LINE_FRAMES)]
        marks = {step: window[at + step].marks for step in [0, *around]}
        moved = repair.horizontal_motion()
        lines = scratches.find_lines(marks, moved)
        if not lines:
            return []
        lumas = [window[at + step].luma for step in around]
        return keep_unsteady(lines, window[at].luma, lumas, repair.align(), list(moved.values()))


def _nearness(step: int) -> tuple[int, int]:
    return abs(step), step


def is_repeat(one: ShotFrame, other: ShotFrame) -> bool:
    """Tell whether two neighbours are the same picture, except for compression."""
    difference = cv2.absdiff(one.luma, other.luma)
    smoothed = cv2.blur(difference, (7, 7))
    return bool(difference.mean() < REPEATED_MEAN and smoothed.max() < REPEATED)

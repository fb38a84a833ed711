"""Clean a film of dust, dirt and scratches, frame by frame, with a window of frames in hand.

    cleaning = FilmCleaning(network=None, radius=2, lines=True, reach=6)
    for image, cleaned in cleaning.stream(pictures): ...

For each frame: choose its neighbours, bring them to where it is (`alignment`), bridge the lines
that stay (`scratches`), find the rest by comparison (`median`) or by the network (`cleaner`), and
repair those pixels, in all channels, with what the neighbours show. All others are left alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from helpers.engines import alignment, scratches
from helpers.engines.cleaner import BESIDE, Cleaner, mixture, opacity
from helpers.engines.median import credible, differs, find_dust

REPEATED, REPEATED_MEAN = 4.0, 0.7
"""Grey levels by which a repeated picture differs at most: anywhere (smoothed), and on average."""

FOUND, MOSTLY = 8.0, 0.5
"""Grey levels within which a pixel is found again, and the share of a piece that must be."""

RETURNS = 1.5
"""Pixels within which a way there and back must end where it began."""

SPECK = 60
"""Pixels below which a piece must be found again in both neighbours, not in one of them."""

ASIDE = 2.0
"""Pixels beyond a picture's edge up to which its last row or column still tells what is there."""

LINE_FRAMES = 4
"""Frames on each side in which a line is looked for again."""


Repair = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows and columns of pixels, (N,), and what to put there, (N, 3) levels in 0..255."""

NOTHING: Repair = (np.empty(0, int), np.empty(0, int), np.empty((0, 3), np.float32))


@dataclass
class Seen:
    """A frame in the window, and what is known of it; worked out when first asked for.

    Attributes:
        image: (H, W, 3) RGB, uint8 or uint16.
        begins: whether it begins a shot.
        wanted: whether its result is asked for.
    """

    image: np.ndarray
    begins: bool
    wanted: bool
    calm: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def luma(self) -> np.ndarray:
        """Its float32 (H, W) luma in 0..255."""
        return alignment.luma(self.image)

    @cached_property
    def marks(self) -> list[scratches.Mark]:
        """What looks like a vertical line in it."""
        return scratches.find_marks(self.luma)

    @cached_property
    def levels(self) -> np.ndarray:
        """Its pixels as float32 in 0..255, (H, W, 3)."""
        return self.image.astype(np.float32) * np.float32(255 / np.iinfo(self.image.dtype).max)


class FilmCleaning:
    """Cleans the frames of a film; keeps no state between calls of `stream`.

    Args:
        network: finds the damage; None to find it by comparison.
        radius: neighbours looked at on each side, 1 or 2.
        lines: whether to look for vertical lines that stay.
        reach: how many frames before and after a frame may decide about it; 2 * radius + 2.
    """

    def __init__(self, network: Cleaner | None, radius: int, lines: bool, reach: int) -> None:
        self.network, self.radius, self.lines, self.reach = network, radius, lines, reach

    def stream(
        self, pictures: Iterable[tuple[np.ndarray, bool, bool]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Clean pictures in order, holding no more than the window.

        Args:
            pictures: image, whether it begins a shot, whether its result is wanted. Where results
                are wanted, `reach` more pictures must be given on both sides, if there are any.

        Yields:
            The image and the cleaned image, of each that is wanted.
        """
        source, ended = iter(pictures), False
        window: deque[Seen] = deque()
        at = 0
        while True:
            while not ended and len(window) <= at + self.reach:
                found = next(source, None)
                ended = found is None
                if found is not None:
                    window.append(Seen(*found))
            if at >= len(window):
                return
            if window[at].wanted:
                yield window[at].image, self.clean(list(window), at)
            at += 1
            if at > self.reach:
                window.popleft()
                at -= 1

    def clean(self, window: list[Seen], at: int) -> np.ndarray:
        """Return the frame `window[at]` repaired; its own array if there is nothing to repair."""
        offsets = self._neighbours(window, at)
        here = window[at]
        if not offsets:
            return here.image
        work = _Work(here, [window[at + offset] for offset in offsets], offsets)
        # From one side alone, what leaves the picture looks like damage.
        two_sided = min(offsets) < 0 < max(offsets)
        calm = self._calm(window, at) if two_sided else here.luma
        calms = [self._calm(window, at + offset) for offset in offsets]
        work.calms = calms
        work.moves = [
            np.zeros((*calm.shape, 2), np.float32) if near is calm else move
            for near, move in zip(calms, alignment.flows(calm, calms), strict=True)
        ]
        if self.lines:
            work.bridge(self._lines(window, at, work))
        return work.result(work.repaired(self.network))

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
        found, here = [], at
        for _ in range(limit):
            begins = window[here].begins if step < 0 else False
            here += step
            if begins or not 0 <= here < len(window) or (step > 0 and window[here].begins):
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

    def _lines(self, window: list[Seen], at: int, work: _Work) -> list[scratches.Mark]:
        """Find the lines of a frame, confirmed by the frames around it."""
        if not window[at].marks:
            return []
        around = range(-min(LINE_FRAMES, self.reach), min(LINE_FRAMES, self.reach) + 1)
        before = self._side(window, at, -1, -around[0])
        after = self._side(window, at, 1, around[-1])
        steps = sorted([0, *(n for n, _ in before + after)])
        marks = [window[at + step].marks for step in steps]
        return scratches.find_lines(marks, steps.index(0), work.sideways())


def _nearness(step: int) -> tuple[int, int]:
    return abs(step), step


def repeats(one: Seen, other: Seen) -> bool:
    """Tell whether two neighbours are the same picture, give or take compression."""
    apart = cv2.absdiff(one.luma, other.luma)
    return bool(apart.mean() < REPEATED_MEAN and cv2.blur(apart, (7, 7)).max() < REPEATED)


class _Work:
    """One frame being repaired."""

    def __init__(self, here: Seen, near: list[Seen], offsets: list[int]) -> None:
        self.here, self.near, self.offsets = here, near, offsets
        self.moves: list[np.ndarray] = []
        self.lumas = [here.luma, *(one.luma for one in near)]
        self.levels = [here.levels, *(one.levels for one in near)]
        self.lined: list[np.ndarray] = []
        self.shifts: list[np.ndarray] = []
        self.calms: list[np.ndarray] = []

    def sideways(self) -> np.ndarray:
        """Return how far the picture moves to the right a frame, (W,), around each column."""
        move = self.moves[0][..., 0] / np.float32(self.offsets[0])
        return np.median(cv2.blur(move, (33, 1)), 0)

    def bridge(self, lines: list[scratches.Mark]) -> None:
        """Interpolate across a frame's lines, and across the same lines of its neighbours."""
        if not lines:
            return
        height, width = self.here.luma.shape
        for number, one in enumerate([self.here, *self.near]):
            steps = abs([0, *self.offsets][number])
            found = [scratches.same_mark(line, one.marks, steps) for line in lines]
            mask = scratches.paint([mark for mark in found if mark], height, width)
            self.lumas[number] = scratches.bridge(one.luma, mask)
            self.levels[number] = scratches.bridge(one.levels, mask)
            self.lined.append(mask)

    def repaired(self, network: Cleaner | None) -> Repair:
        """Find the damaged pixels and what to put there."""
        if len(self.lumas) < 3:  # against one neighbour nobody can tell whose the damage is
            return NOTHING
        brought = [alignment.warp(a, m) for a, m in zip(self.lumas[1:], self.moves, strict=True)]
        self.shifts = [alignment.offset(self.lumas[0], one) for one in brought]
        seen = [one + shift for one, shift in zip(brought, self.shifts, strict=True)]
        return self._by_comparison(seen) if network is None else self._by_network(seen, network)

    def _by_comparison(self, seen: list[np.ndarray]) -> Repair:
        """Repair what the neighbours contradict with their median."""
        witnesses = self._known(seen)
        mask = find_dust(self.lumas[0], witnesses, self.offsets)
        rows, columns = np.nonzero(self._believed(mask, witnesses))
        if not rows.size:
            return NOTHING
        return rows, columns, np.median(self._offered(rows, columns), 0)

    def _known(self, seen: list[np.ndarray]) -> list[np.ndarray]:
        """Let a witness that does not see a place say what the others do.

        Where fewer than two see it, it has just come into the picture or is about to leave it: it
        is given the benefit, and the witness says what the frame shows.
        """
        blind = np.stack([alignment.outside(move, ASIDE) for move in self.moves])
        rows, columns = np.nonzero(blind.any(0))
        blind = blind[:, rows, columns]
        ordered = np.sort(np.where(blind, np.inf, np.stack(seen)[:, rows, columns]), 0)
        seeing = (~blind).sum(0)
        low, high = (
            np.take_along_axis(ordered, np.maximum(place, 0)[None] // 2, 0)[0]
            for place in (seeing - 1, seeing)
        )
        others = np.where(seeing >= 2, (low + high) / 2, self.lumas[0][rows, columns])
        known = [one.copy() for one in seen]
        for one, where in zip(known, blind, strict=True):
            one[rows, columns] = np.where(where, others, one[rows, columns])
        return known

    def _by_network(self, seen: list[np.ndarray], network: Cleaner) -> Repair:
        """Repair what the network or the comparison finds, as the network says."""
        four = [n % len(seen) for n in range(4)]
        planes = np.stack([self.lumas[0], *(seen[n] for n in four)]) / np.float32(255)
        verdict = network.judge(planes)
        witnesses = self._known(seen)
        share = opacity(verdict.mask)
        share = share * differs(self.lumas[0], witnesses if self._one_sided() else seen)
        # What contradicts all neighbours is damage whatever the network thinks of its shape.
        share = np.maximum(share, find_dust(self.lumas[0], witnesses, self.offsets))
        rows, columns = np.nonzero(self._believed(share > 0, witnesses))
        if not rows.size:
            return NOTHING
        shown = self._offered(rows, columns)[four]
        ordered = np.sort(shown, 0)
        beside = (self._beside(rows, columns, -BESIDE) + self._beside(rows, columns, BESIDE)) / 2
        offered = np.stack([*shown, (ordered[1] + ordered[2]) / 2, beside])
        values = mixture(verdict, offered, rows, columns)
        old = self.levels[0][rows, columns]
        return rows, columns, old + share[rows, columns][:, None] * (values - old)

    def _one_sided(self) -> bool:
        return not min(self.offsets) < 0 < max(self.offsets)

    def _believed(self, mask: np.ndarray, witnesses: list[np.ndarray]) -> np.ndarray:
        """Keep the pieces of a mask that its witnesses can vouch for, and do not show."""
        return self._unseen(credible(mask, self.lumas[0], witnesses, self._one_sided()))

    def _unseen(self, mask: np.ndarray) -> np.ndarray:
        """Keep the pieces of a mask that are not in the neighbours after all.

        The calmed frames know only what they show in common, so what moves far may be missing from
        them. Motion is measured once more from the frame as it is, there and back.
        """
        if not mask.any():
            return mask
        found = []
        for calm, shift in zip(self.calms[:2], self.shifts, strict=False):
            here = self.lumas[0]
            move, back = alignment.motion(here, calm), alignment.motion(calm, here)
            alike = np.abs(here - alignment.warp(calm, move) - shift) < FOUND
            # A dark stain finds a dark coat, but the coat does not lead back to the stain.
            astray = np.linalg.norm(move + alignment.warp(back, move), axis=2)
            found.append(alike & (astray < RETURNS))
        _, labels = cv2.connectedComponents(mask.astype(np.uint8))
        sizes = np.bincount(labels.ravel())
        either, both = (
            np.bincount(labels.ravel(), where.ravel()) / sizes
            for where in (found[0] | found[1], found[0] & found[1])
        )
        # A speck on a picture that half repeats (blended, a field) is on that neighbour, too.
        share = np.where(sizes < SPECK, both, either)
        return mask & (share < MOSTLY)[labels]

    def _beside(self, rows: np.ndarray, columns: np.ndarray, step: int) -> np.ndarray:
        return self.levels[0][rows, np.clip(columns + step, 0, self.here.luma.shape[1] - 1)]

    def _offered(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return what the neighbours show at some pixels, (neighbours, N, 3) in 0..255."""
        return np.stack(
            [
                gather(image, move, rows, columns) + shift[rows, columns][:, None]
                for image, move, shift in zip(self.levels[1:], self.moves, self.shifts, strict=True)
            ]
        )

    def _behind_lines(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the pixels under lines and what was behind them: seen by a neighbour whose own
        line is elsewhere, or interpolated where none is."""
        rows, columns = np.nonzero(self.lined[0])
        shown = self._offered(rows, columns)
        free = np.stack(
            [
                gather(mask.astype(np.float32), move, rows, columns) < 0.01
                for mask, move in zip(self.lined[1:], self.moves, strict=True)
            ]
        )[..., None]
        across = self.levels[0][rows, columns]
        # A neighbour that shows something quite different was not brought to the right place.
        free = free & (np.abs(shown - across).mean(-1, keepdims=True) < 20)
        count = free.sum(0)
        seen = (shown * free).sum(0) / np.maximum(count, 1)
        return rows, columns, np.where(count > 0, seen, across).astype(np.float32)

    def result(self, repair: Repair) -> np.ndarray:
        """Put repaired levels into a copy of the image; all other pixels stay as they are."""
        image = self.here.image
        places = [*([self._behind_lines()] if self.lined else []), repair]
        if not any(rows.size for rows, _, _ in places):
            return image
        top = np.iinfo(image.dtype).max
        made = image.copy()
        for rows, columns, levels in places:
            made[rows, columns] = np.rint(levels * (top / 255)).clip(0, top)
        return made


def gather(
    image: np.ndarray, move: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Sample a float32 image at some pixels' places plus their motion; (N,) or (N, C)."""
    places = move[rows, columns] + np.stack([columns, rows], 1).astype(np.float32)
    wide = 512
    padded = np.zeros((-(-len(rows) // wide) * wide, 2), np.float32)
    padded[: len(rows)] = places
    found = cv2.remap(
        image, padded.reshape(-1, wide, 2), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return found.reshape(len(padded), *image.shape[2:])[: len(rows)]

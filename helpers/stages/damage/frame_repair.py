"""Repair one frame of a film with what its neighbours show.

    work = Repairing(here, neighbours, offsets)
    work.calms, work.moves = ...             # where the frame's picture is in each neighbour
    work.bridge(lines)
    cleaned = work.result(work.repaired(network))

What is damaged is found by comparison (`median`), or by the network (`cleaner`), which is shown
what comparison found; only what the neighbours do not show is repaired, in all channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from helpers.imaging.luma import levels_of, opencv_luma
from helpers.imaging.optical_flow import inside, places, sample, warp
from helpers.stages.damage import alignment, scratches
from helpers.stages.damage import network_input as evidence
from helpers.stages.damage.network import BESIDE, Cleaner, mixture, opacity
from helpers.stages.damage.temporal_outliers import credible, differs, find_dust

FOUND, MOSTLY = 8.0, 0.5
"""Grey levels within which a pixel is found again, and the share of a piece that must be. This
number and those below that name no source were chosen by trial; benchmarks/quality/damage.py
measures the effect."""

RETURNS = 1.5
"""Pixels within which a way there and back must end where it began."""

SPECK = 60
"""Pixels below which a piece must be found again in both neighbours, not in one of them."""

LIKELY = 0.2
"""Mean likelihood of damage from which on the network does not doubt a piece.
docs/cleaner_training.md has the results of other values."""

ASIDE = 2.0
"""Pixels beyond a picture's edge up to which its last row or column still tells what is there.
docs/cleaner_training.md has the effect."""

Repair = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows and columns of pixels, (N,), and what to put there, (N, 3) levels in 0..255."""

NOTHING: Repair = (np.empty(0, int), np.empty(0, int), np.empty((0, 3), np.float32))


@dataclass
class Seen:
    """A frame of a shot, and what is known of it; worked out when first asked for.

    Attributes:
        image: (H, W, 3) RGB, uint8 or uint16.
    """

    image: np.ndarray
    calm: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def luma(self) -> np.ndarray:
        """Its float32 (H, W) luma in 0..255."""
        return opencv_luma(self.image)

    @cached_property
    def marks(self) -> list[scratches.Mark]:
        """What looks like a vertical line in it."""
        return scratches.find_marks(self.luma)

    @cached_property
    def levels(self) -> np.ndarray:
        """Its pixels as float32 in 0..255, (H, W, 3)."""
        return levels_of(self.image)


class Repairing:
    """One frame being repaired.

    Args:
        here: the frame.
        near: its neighbours, the nearest first.
        offsets: how many frames after it each of them is; negative is before.
    """

    def __init__(self, here: Seen, near: list[Seen], offsets: list[int]) -> None:
        self.here, self.near, self.offsets = here, near, offsets
        self.moves: list[np.ndarray] = []
        self.lumas = [here.luma, *(one.luma for one in near)]
        self.levels = [here.levels, *(one.levels for one in near)]
        self.lined: list[np.ndarray] = []
        self.calms: list[np.ndarray] = []

    def sideways(self) -> dict[int, np.ndarray]:
        """Return how far the picture around each column, (W,), lies to the right in each neighbour.

        The neighbours go by how many frames after the frame they are.
        """
        moved = (np.median(cv2.blur(move[..., 0], (33, 1)), 0) for move in self.moves)
        return dict(zip(self.offsets, moved, strict=True))

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
        return self._by_comparison() if network is None else self._by_network(network)

    def _by_comparison(self) -> Repair:
        """Repair what the neighbours contradict with their median."""
        rows, columns = np.nonzero(self.believed)
        if not rows.size:
            return NOTHING
        return rows, columns, np.median(self._offered(rows, columns), 0)

    @cached_property
    def _brought(self) -> list[np.ndarray]:
        pairs = zip(self.lumas[1:], self.moves, strict=True)
        return [warp(luma, move, cv2.INTER_CUBIC) for luma, move in pairs]

    @cached_property
    def shifts(self) -> list[np.ndarray]:
        """What to add to each neighbour so that its brightness is the frame's, (H, W)."""
        return [alignment.offset(self.lumas[0], one) for one in self._brought]

    @cached_property
    def seen(self) -> list[np.ndarray]:
        """The neighbours' lumas, brought to the frame in place and in brightness."""
        return [one + shift for one, shift in zip(self._brought, self.shifts, strict=True)]

    @cached_property
    def known(self) -> list[np.ndarray]:
        """The same, where a neighbour that does not see a place says what the others do.

        Where fewer than two see it, it has just come into the picture or is about to leave it: it
        is given the benefit, and the neighbour says what the frame shows.
        """
        blind = ~np.stack([inside(places(move), ASIDE) for move in self.moves])
        rows, columns = np.nonzero(blind.any(0))
        blind = blind[:, rows, columns]
        ordered = np.sort(np.where(blind, np.inf, np.stack(self.seen)[:, rows, columns]), 0)
        seeing = (~blind).sum(0)
        low, high = (
            np.take_along_axis(ordered, np.maximum(place, 0)[None] // 2, 0)[0]
            for place in (seeing - 1, seeing)
        )
        others = np.where(seeing >= 2, (low + high) / 2, self.lumas[0][rows, columns])
        known = [one.copy() for one in self.seen]
        for one, where in zip(known, blind, strict=True):
            one[rows, columns] = np.where(where, others, one[rows, columns])
        return known

    @cached_property
    def dust(self) -> np.ndarray:
        """What the neighbours contradict, bool (H, W)."""
        return find_dust(self.lumas[0], self.known, self.offsets)

    @cached_property
    def believed(self) -> np.ndarray:
        """The pieces of it that hold; see `_vouched_for`."""
        return self._vouched_for(self.dust)

    @cached_property
    def again(self) -> list[evidence.Again]:
        """The two nearest neighbours along the frame's own motion, in the frame's brightness."""
        found = [evidence.seen_again(self.lumas[0], calm) for calm in self.calms[:2]]
        shifted = zip(found, self.shifts, strict=False)
        return [(shown + shift, astray) for (shown, astray), shift in shifted]

    def evidence(self) -> np.ndarray:
        """Return what the network is shown; see `evidence.gather`."""
        near = zip(self.lumas[1:3], self.shifts, strict=False)
        return evidence.gather(
            self.lumas[0],
            self.seen,
            self.again,
            [luma + shift for luma, shift in near],
            (self.dust + self.believed.astype(np.float32)) / 2,
            not self._one_sided(),
        )

    def _by_network(self, network: Cleaner) -> Repair:
        """Repair what the network finds, and what it does not doubt, as the network says."""
        verdict = network.judge(self.evidence())
        share = opacity(verdict.mask)
        share = share * differs(self.lumas[0], self.known if self._one_sided() else self.seen)
        share = np.maximum(share, self._likely(verdict.mask))
        rows, columns = np.nonzero(self._vouched_for(share > 0))
        if not rows.size:
            return NOTHING
        shown = self._offered(rows, columns)
        shown = shown[[n % len(shown) for n in range(4)]]
        ordered = np.sort(shown, 0)
        beside = (self._beside(rows, columns, -BESIDE) + self._beside(rows, columns, BESIDE)) / 2
        offered = np.stack([*shown, (ordered[1] + ordered[2]) / 2, beside])
        values = mixture(verdict, offered, rows, columns)
        old = self.levels[0][rows, columns]
        return rows, columns, old + share[rows, columns][:, None] * (values - old)

    def _one_sided(self) -> bool:
        return not min(self.offsets) < 0 < max(self.offsets)

    def _likely(self, mask: np.ndarray) -> np.ndarray:
        """Keep those pieces of what comparison believes that the network does not think unlikely.

        It follows a hair by what it looks like and may let go of it half way.
        """
        labels, _, (likely,) = pieces(self.believed, mask)
        return self.believed & (likely > LIKELY)[labels]

    def _vouched_for(self, mask: np.ndarray) -> np.ndarray:
        """Keep the pieces of a mask that the neighbours can vouch for, and do not show."""
        return self._unseen(credible(mask, self.lumas[0], self.known, self._one_sided()))

    def _unseen(self, mask: np.ndarray) -> np.ndarray:
        """Keep the pieces of a mask that are not in the neighbours after all.

        The calmed frames know only what they show in common, so what moves far may be missing from
        them. Motion is measured once more from the frame as it is, there and back.
        """
        if not mask.any():
            return mask
        found = [
            (np.abs(self.lumas[0] - shown) < FOUND) & (astray < RETURNS)
            for shown, astray in self.again
        ]
        labels, sizes, (either, both) = pieces(mask, found[0] | found[1], found[0] & found[1])
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


def pieces(
    mask: np.ndarray, *values: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Tell the pieces of a mask apart: each pixel's piece (0 is none), their sizes, their means.

    Args:
        mask: bool (H, W).
        values: (H, W) each, of which the mean over every piece is given.
    """
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    flat = labels.ravel()
    sizes = np.bincount(flat)
    return labels, sizes, [np.bincount(flat, one.ravel()) / sizes for one in values]


def gather(
    image: np.ndarray, move: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Sample a float32 image at some pixels' places plus their motion; (N,) or (N, C)."""
    at = move[rows, columns] + np.stack([columns, rows], 1).astype(np.float32)
    wide = 512
    padded = np.zeros((-(-len(rows) // wide) * wide, 2), np.float32)
    padded[: len(rows)] = at
    found = sample(image, padded.reshape(-1, wide, 2), cv2.INTER_CUBIC)
    return found.reshape(len(padded), *image.shape[2:])[: len(rows)]

"""Repair one frame of a film with the pixels of its neighbours.

    repair = FrameRepair(here, neighbours, offsets)
    repair.suppressed, repair.flows = ...    # see `alignment`
    repair.bridge(lines)
    cleaned = repair.apply(repair.find(network))

Damage is found by comparison with the neighbours, or by the network, whose input includes the
result of the comparison. Only what the neighbours do not show is repaired, in all channels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from helpers.imaging.luma import opencv_luma, to_levels
from helpers.imaging.optical_flow import is_inside, sample, target_positions, warp
from helpers.stages.damage import alignment, network_input, scratches
from helpers.stages.damage.flying import drop_flying
from helpers.stages.damage.light import drop_light
from helpers.stages.damage.network import BESIDE, Cleaner, mix_candidates, repair_opacity
from helpers.stages.damage.temporal_outliers import (
    find_differences,
    find_dust,
    keep_credible,
    median_of,
)

FOUND, MOSTLY = 8.0, 0.5
"""A piece is also in a neighbour if this share of its pixels differs by fewer grey levels. This
number and those below that name no source were chosen by trial; benchmarks/quality/damage.py
measures the effect."""

RETURNS = 1.5
"""Motion is consistent if forward and backward flow lead back to within so many pixels."""

SPECK = 60
"""A piece of fewer pixels is in the neighbours only if it is found in both of them."""

LIKELY = 0.2
"""Pieces with a higher mean probability of damage are kept, even if the network does not mark them.
docs/cleaner_training.md has the results of other values."""

ASIDE = 2.0
"""So many pixels beyond a picture's edge, its last row or column may still be used.
docs/cleaner_training.md has the effect."""

Repair = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Rows and columns of pixels, (N,), and their new values, (N, 3) levels in 0..255."""

NOTHING: Repair = (np.empty(0, int), np.empty(0, int), np.empty((0, 3), np.float32))


@dataclass
class ShotFrame:
    """A frame of a shot, with values that are computed when they are first needed.

    Attributes:
        image: (H, W, 3) RGB, uint8 or uint16.
        suppressed: its luma without obvious damage, float32 (H, W) in 0..255, once computed.
    """

    image: np.ndarray
    suppressed: np.ndarray | None = field(default=None, repr=False)

    @cached_property
    def luma(self) -> np.ndarray:
        """Its float32 (H, W) luma in 0..255."""
        return opencv_luma(self.image)

    @cached_property
    def marks(self) -> list[scratches.Mark]:
        """What looks like a vertical line in this frame alone."""
        return scratches.find_marks(self.luma)

    @cached_property
    def levels(self) -> np.ndarray:
        """Its pixels as float32 in 0..255, (H, W, 3)."""
        return to_levels(self.image)


class FrameRepair:
    """The repair of one frame.

    Args:
        here: the frame.
        near: its neighbours, the nearest first.
        offsets: how many frames after it each of them is; negative is before.

    Attributes:
        suppressed: the neighbours' lumas without obvious damage.
        flows: (H, W, 2) each, where the frame's pixels are in each neighbour.
    """

    def __init__(self, here: ShotFrame, near: list[ShotFrame], offsets: list[int]) -> None:
        self.here, self.near, self.offsets = here, near, offsets
        self.flows: list[np.ndarray] = []
        self.lumas = [here.luma, *(one.luma for one in near)]
        self.levels = [here.levels, *(one.levels for one in near)]
        self.line_masks: list[np.ndarray] = []
        self.suppressed: list[np.ndarray] = []

    def horizontal_motion(self) -> dict[int, np.ndarray]:
        """Return the motion to the right around each column, (W,), by the neighbours' offsets."""
        moved = (np.median(cv2.blur(flow[..., 0], (33, 1)), 0) for flow in self.flows)
        return dict(zip(self.offsets, moved, strict=True))

    def bridge(self, lines: list[scratches.Mark]) -> None:
        """Interpolate across a frame's lines, and across the same lines of its neighbours."""
        if not lines:
            return
        height, width = self.here.luma.shape
        for number, one in enumerate([self.here, *self.near]):
            steps = abs([0, *self.offsets][number])
            found = [scratches.find_same_mark(line, one.marks, steps) for line in lines]
            mask = scratches.draw_mask([mark for mark in found if mark], height, width)
            self.lumas[number] = scratches.bridge(one.luma, mask)
            self.levels[number] = scratches.bridge(one.levels, mask)
            self.line_masks.append(mask)

    def find(self, network: Cleaner | None) -> Repair:
        """Find the damaged pixels and their new values."""
        if len(self.lumas) < 3:  # with one neighbour, either of the two may be the damaged one
            return NOTHING
        return self._find_by_comparison() if network is None else self._find_by_network(network)

    def _find_by_comparison(self) -> Repair:
        """Find what differs from the neighbours, to be replaced by their median."""
        rows, columns = np.nonzero(self._drop_pictured(self.confirmed_dust))
        if not rows.size:
            return NOTHING
        return rows, columns, np.median(self._sample_neighbours(rows, columns), 0)

    @cached_property
    def _aligned(self) -> list[np.ndarray]:
        return self.align()

    def align(self) -> list[np.ndarray]:
        """Align the neighbours' lumas, in which lines may be bridged; float32 (H, W) each."""
        pairs = zip(self.lumas[1:], self.flows, strict=True)
        return [warp(luma, flow, cv2.INTER_CUBIC) for luma, flow in pairs]

    @cached_property
    def brightness_offsets(self) -> list[np.ndarray]:
        """What must be added to each neighbour to match the frame's brightness, (H, W)."""
        return [alignment.brightness_offset(self.lumas[0], one) for one in self._aligned]

    @cached_property
    def witnesses(self) -> list[np.ndarray]:
        """The neighbours' lumas, aligned with the frame, with its brightness."""
        pairs = zip(self._aligned, self.brightness_offsets, strict=True)
        return [one + offset for one, offset in pairs]

    @cached_property
    def filled_witnesses(self) -> list[np.ndarray]:
        """The witnesses, with a value also for places that are outside a neighbour's picture.

        The value is the median of the other neighbours. Where fewer than two neighbours show the
        place, it has just come into the picture or is about to leave it, and the value is that of
        the frame itself, so that it is not taken for damage.
        """
        blind = ~np.stack([is_inside(target_positions(flow), ASIDE) for flow in self.flows])
        rows, columns = np.nonzero(blind.any(0))
        blind = blind[:, rows, columns]
        ordered = np.sort(np.where(blind, np.inf, np.stack(self.witnesses)[:, rows, columns]), 0)
        seeing = (~blind).sum(0)
        low, high = (
            np.take_along_axis(ordered, np.maximum(place, 0)[None] // 2, 0)[0]
            for place in (seeing - 1, seeing)
        )
        others = np.where(seeing >= 2, (low + high) / 2, self.lumas[0][rows, columns])
        filled = [one.copy() for one in self.witnesses]
        for one, where in zip(filled, blind, strict=True):
            one[rows, columns] = np.where(where, others, one[rows, columns])
        return filled

    @cached_property
    def dust(self) -> np.ndarray:
        """What differs from the neighbours, bool (H, W)."""
        return find_dust(self.lumas[0], self.filled_witnesses, self.offsets)

    @cached_property
    def confirmed_dust(self) -> np.ndarray:
        """The confirmed pieces of it; see `_confirm`."""
        return self._confirm(self.dust)

    @cached_property
    def directly_aligned(self) -> list[network_input.Aligned]:
        """The two nearest neighbours, aligned by the frame's own motion, with its brightness."""
        found = [network_input.align_directly(self.lumas[0], luma) for luma in self.suppressed[:2]]
        pairs = zip(found, self.brightness_offsets, strict=False)
        return [(shown + offset, error) for (shown, error), offset in pairs]

    def evidence(self) -> np.ndarray:
        """Return the network's input; see `network_input.stack_planes`."""
        near = zip(self.lumas[1:3], self.brightness_offsets, strict=False)
        return network_input.stack_planes(
            self.lumas[0],
            self.witnesses,
            self.directly_aligned,
            [luma + offset for luma, offset in near],
            (self.dust + self.confirmed_dust.astype(np.float32)) / 2,
            not self._one_sided(),
        )

    def _find_by_network(self, network: Cleaner) -> Repair:
        """Find the damage by the network, and add confirmed dust that it finds likely."""
        verdict = network.judge(self.evidence())
        share = repair_opacity(verdict.mask)
        witnesses = self.filled_witnesses if self._one_sided() else self.witnesses
        share = share * find_differences(self.lumas[0], witnesses)
        share = np.maximum(share, self._likely_dust(verdict.mask))
        rows, columns = np.nonzero(self._drop_pictured(self._confirm(share > 0)))
        if not rows.size:
            return NOTHING
        shown = self._sample_neighbours(rows, columns)
        shown = shown[[n % len(shown) for n in range(4)]]
        ordered = np.sort(shown, 0)
        beside = (self._beside(rows, columns, -BESIDE) + self._beside(rows, columns, BESIDE)) / 2
        candidates = np.stack([*shown, (ordered[1] + ordered[2]) / 2, beside])
        values = mix_candidates(verdict, candidates, rows, columns)
        old = self.levels[0][rows, columns]
        return rows, columns, old + share[rows, columns][:, None] * (values - old)

    def _one_sided(self) -> bool:
        return not min(self.offsets) < 0 < max(self.offsets)

    def _likely_dust(self, mask: np.ndarray) -> np.ndarray:
        """Return the confirmed pieces of dust that the network finds likely.

        The network finds hairs by their appearance, and may miss a part of a hair.
        """
        labels, _, (likely,) = label_pieces(self.confirmed_dust, mask)
        return self.confirmed_dust & (likely > LIKELY)[labels]

    def _confirm(self, mask: np.ndarray) -> np.ndarray:
        """Keep the pieces of a mask that are credible and that the neighbours do not show."""
        witnesses = self.filled_witnesses
        return self._drop_shown(keep_credible(mask, self.lumas[0], witnesses, self._one_sided()))

    def _drop_pictured(self, mask: np.ndarray) -> np.ndarray:
        """Drop the pieces of a mask that are light, or things that fly on in the neighbours."""
        if not mask.any():
            return mask
        here, witnesses = self.lumas[0], self.filled_witnesses
        base = median_of(witnesses)
        mask = drop_light(mask, here, base)
        return drop_flying(mask, here, base, witnesses, self.offsets)

    def _drop_shown(self, mask: np.ndarray) -> np.ndarray:
        """Drop the pieces of a mask that the neighbours do show.

        Fast things may be missing from the frames without obvious damage, and then the flow does
        not follow them. So the neighbours are also aligned by the frame's own motion.
        """
        if not mask.any():
            return mask
        found = [
            (np.abs(self.lumas[0] - shown) < FOUND) & (error < RETURNS)
            for shown, error in self.directly_aligned
        ]
        labels, sizes, (either, both) = label_pieces(mask, found[0] | found[1], found[0] & found[1])
        # A speck may be on a neighbour too if that partly repeats the frame (blended, a field).
        share = np.where(sizes < SPECK, both, either)
        return mask & (share < MOSTLY)[labels]

    def _beside(self, rows: np.ndarray, columns: np.ndarray, step: int) -> np.ndarray:
        return self.levels[0][rows, np.clip(columns + step, 0, self.here.luma.shape[1] - 1)]

    def _sample_neighbours(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return the neighbours' values at some pixels, (neighbours, N, 3) in 0..255."""
        near = zip(self.levels[1:], self.flows, self.brightness_offsets, strict=True)
        return np.stack(
            [
                sample_moved(image, flow, rows, columns) + offset[rows, columns][:, None]
                for image, flow, offset in near
            ]
        )

    def _behind_lines(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the pixels behind the lines: from neighbours with their own line elsewhere, or
        interpolated if there are none."""
        rows, columns = np.nonzero(self.line_masks[0])
        shown = self._sample_neighbours(rows, columns)
        free = np.stack(
            [
                sample_moved(mask.astype(np.float32), flow, rows, columns) < 0.01
                for mask, flow in zip(self.line_masks[1:], self.flows, strict=True)
            ]
        )[..., None]
        across = self.levels[0][rows, columns]
        # A neighbour with very different values was not aligned correctly.
        free = free & (np.abs(shown - across).mean(-1, keepdims=True) < 20)
        count = free.sum(0)
        seen = (shown * free).sum(0) / np.maximum(count, 1)
        return rows, columns, np.where(count > 0, seen, across).astype(np.float32)

    def apply(self, repair: Repair) -> np.ndarray:
        """Return a copy of the image with the repairs; all other pixels stay as they are."""
        image = self.here.image
        repairs = [*([self._behind_lines()] if self.line_masks else []), repair]
        if not any(rows.size for rows, _, _ in repairs):
            return image
        top = np.iinfo(image.dtype).max
        made = image.copy()
        for rows, columns, levels in repairs:
            made[rows, columns] = np.rint(levels * (top / 255)).clip(0, top)
        return made


def label_pieces(
    mask: np.ndarray, *values: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Label the connected pieces of a mask.

    Args:
        mask: bool (H, W).
        values: (H, W) each.

    Returns:
        The label of each pixel (0 is none), the size of each piece, and for each of `values` its
        mean over every piece.
    """
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    flat = labels.ravel()
    sizes = np.bincount(flat)
    return labels, sizes, [np.bincount(flat, one.ravel()) / sizes for one in values]


def sample_moved(
    image: np.ndarray, flow: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Sample a float32 image at the places of some pixels plus their motion; (N,) or (N, C)."""
    at = flow[rows, columns] + np.stack([columns, rows], 1).astype(np.float32)
    wide = 512
    padded = np.zeros((-(-len(rows) // wide) * wide, 2), np.float32)
    padded[: len(rows)] = at
    found = sample(image, padded.reshape(-1, wide, 2), cv2.INTER_CUBIC)
    return found.reshape(len(padded), *image.shape[2:])[: len(rows)]

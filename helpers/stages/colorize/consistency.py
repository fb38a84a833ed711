"""Keep colours steady: those of a frame drawn from its neighbours, along the motion between them.

    onward, back = measure_both_flows(luma, other, FAST)
    witness = Witness(warp(other_chroma, onward), trust(luma, other, onward, back), weight=0.9)
    chroma = steadied(own_chroma, [witness, ...])

A model that colours every frame by itself gives the same wall another colour in every frame. Each
neighbour is laid over the frame by optical flow and counts where the flow there and back agree and
both places look alike: blind video consistency (Bonneel et al., SIGGRAPH Asia 2015; Lai et al.,
ECCV 2018) without a network, on colour differences alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.optical_flow import is_inside, sample, target_positions

_UNLIKE = 9.0
"""Grey levels (of 255) by which two places may differ and still be half trusted to be one. This
number and those below were chosen by trial; benchmarks/quality/color.py measures the effect."""

_ASTRAY = 0.8
"""Pixels by which flow may miss its start on the way back, and still be half trusted."""

EDGE = 0.6
"""Pixels beyond a picture's outermost ones up to which a motion may lead."""

_JUMP = 0.012
"""Colour difference (Cb, Cr in -0.5..0.5) by which a frame as a whole may differ from what its
neighbours agree on, and is not yet taken for one whose colours jump."""

_JUMPS = 3.0
"""How many times the usual difference of its neighbours a frame may differ, for the same."""

_SPREAD = 0.025
"""Colour difference to what the neighbours agree on at which a witness' weight is 0.6."""

_SUM = np.ones((1, 2), np.float32)


@dataclass(frozen=True, eq=False)
class Witness:
    """What a neighbour says of a frame's colours.

    Attributes:
        chroma: its colours laid over the frame, float32 (h, w, 2).
        trust: how far each is to be believed, float32 (h, w) in 0..1.
        weight: how much it counts as a whole, falling with its distance.
    """

    chroma: np.ndarray
    trust: np.ndarray
    weight: float


def measure_trust(
    here: np.ndarray, there: np.ndarray, onward: np.ndarray, back: np.ndarray
) -> np.ndarray:
    """Return how far a motion is to be believed, float32 (h, w) in 0..1.

    Args:
        here, there: uint8 (h, w) luma.
        onward, back: the motion from here to there, and from there to here.
    """
    at = target_positions(onward)
    miss = onward + sample(back, at)
    squared = miss[..., 0] ** 2 + miss[..., 1] ** 2
    # Fast motion is measured less finely.
    allowed = _ASTRAY + 0.05 * np.sqrt(onward[..., 0] ** 2 + onward[..., 1] ** 2)
    agreed = np.exp2(-squared / (allowed * allowed))
    return agreed * measure_likeness(here, sample(there, at)) * is_inside(at, EDGE)


def measure_likeness(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how far two pictures show the same at each place, float32 (h, w) in 0..1.

    Args:
        one, other: uint8 (h, w) luma. What they differ by over a wide surrounding is light.
    """
    apart = one.astype(np.float32) - other
    apart -= cv2.blur(apart, (31, 31)).clip(-_UNLIKE, _UNLIKE)
    apart = cv2.blur(np.abs(apart), (5, 5))
    return np.exp2(-((apart / _UNLIKE) ** 2))


def steady_colors(own: np.ndarray, witnesses: Sequence[Witness]) -> np.ndarray:
    """Return a frame's colours, averaged with those that its neighbours gave the same things.

    What they agree on at each place is the median. By how much the colours of each lie elsewhere as
    a whole is taken off and averaged by itself, without those that jump: so the whole frame is
    brought to the colours of its neighbours, even where none of them can be believed, and a frame
    that jumps is coloured by the others. What is left is averaged place by place, along the motion;
    one that lies elsewhere counts less.

    Args:
        own: float32 (h, w, 2), Cb and Cr.
        witnesses: the neighbours' colours, in order of time.
    """
    if not witnesses:
        return own
    heard = [Witness(own, np.ones(own.shape[:2], np.float32), 1.0), *witnesses]
    agreed = _find_consensus(own, witnesses)
    offsets = [_find_offset(witness, agreed) for witness in heard]
    shares = _weigh_witnesses(heard, offsets)
    common = np.average(offsets, axis=0, weights=shares).astype(np.float32)
    total, weights = np.zeros_like(own), np.zeros(own.shape[:2], np.float32)
    for witness, share, offset in zip(heard, shares, offsets, strict=True):
        chroma = witness.chroma - offset
        apart = cv2.transform((chroma - agreed) ** 2, _SUM)
        weight = witness.trust * cv2.exp(apart / np.float32(-2 * _SPREAD * _SPREAD))
        # One's own colours are never without any weight: there may be no others.
        weight *= np.float32(max(share, 1e-3))
        total += chroma * cv2.merge([weight, weight])
        weights += weight
    weights += np.float32(1e-6)
    return (
        np.where(weights[..., None] > 1e-5, total / weights[..., None], own - offsets[0]) + common
    )


def _find_consensus(own: np.ndarray, witnesses: Sequence[Witness]) -> np.ndarray:
    """Return the median of what is said of each place; who cannot be believed repeats the frame."""
    said = [own]
    for witness in witnesses:
        said.append(own + cv2.merge([witness.trust] * 2) * (witness.chroma - own))
    ordered = np.sort(np.stack(said), 0)
    middle = len(said) // 2
    return ordered[middle] if len(said) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _find_offset(witness: Witness, agreed: np.ndarray) -> np.ndarray:
    """Return by how much a witness' colours as a whole differ from what is agreed, (2,)."""
    total = float(witness.trust.sum(dtype=np.float64)) + 1e-6
    apart = (witness.chroma - agreed) * cv2.merge([witness.trust] * 2)
    return (apart.sum(axis=(0, 1), dtype=np.float64) / total).astype(np.float32)


def _weigh_witnesses(heard: Sequence[Witness], offsets: Sequence[np.ndarray]) -> list[float]:
    """Return how much each witness counts as a whole: little if it jumps or is hardly believed."""
    lengths = np.array([float(np.hypot(*offset)) for offset in offsets])
    allowed = max(_JUMP, _JUMPS * float(np.median(lengths)))
    return [
        witness.weight * float(witness.trust.mean()) * 2.0 ** -((length / allowed) ** 4) + 1e-6
        for witness, length in zip(heard, lengths, strict=True)
    ]

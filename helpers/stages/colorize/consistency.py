"""Make colours consistent over time, by averaging them along the motion.

    forward, backward = measure_both_flows(luma, other, FAST)
    trust = measure_trust(luma, other, forward, backward)
    witness = Witness(warp(other_chroma, forward), trust, weight=0.9)
    chroma = steady_colors(own_chroma, [witness, ...])

A model that colours every frame by itself gives the same wall a different colour in each frame.
Here each neighbour is aligned with the frame by optical flow, and has weight where the forward and
backward flow agree and the two pictures are similar. This is blind video consistency (Bonneel et
al., SIGGRAPH Asia 2015; Lai et al., ECCV 2018) without a network, on chroma only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from helpers.imaging.optical_flow import is_inside, sample, target_positions

_UNLIKE = 9.0
"""The difference in grey levels (of 255) at which the similarity of two pixels is one half. This
number and those below were chosen by trial; benchmarks/quality/color.py measures the effect."""

_ASTRAY = 0.8
"""The error of the forward and backward flow in pixels at which the trust is one half."""

EDGE = 0.6
"""Pixels by which a motion may lead outside of the picture."""

_JUMP = 0.012
"""A frame counts as a jump if its mean colour (Cb, Cr in -0.5..0.5) differs by more than this from
the consensus of its neighbours."""

_JUMPS = 3.0
"""The same limit as a multiple of the neighbours' median difference; the larger of both is used."""

_SPREAD = 0.025
"""The difference of colour from the consensus at which the weight of a witness is 0.6."""

_SUM = np.ones((1, 2), np.float32)


@dataclass(frozen=True, eq=False)
class Witness:
    """The colours of a neighbour, aligned with a frame.

    Attributes:
        chroma: its aligned colours, float32 (h, w, 2).
        trust: the trust in the alignment of each pixel, float32 (h, w) in 0..1.
        weight: its weight as a whole, which decreases with its distance.
    """

    chroma: np.ndarray
    trust: np.ndarray
    weight: float


def measure_trust(
    here: np.ndarray, there: np.ndarray, forward: np.ndarray, backward: np.ndarray
) -> np.ndarray:
    """Measure the trust in the flow of each pixel, float32 (h, w) in 0..1.

    Args:
        here, there: uint8 (h, w) luma.
        forward, backward: the flow from here to there, and from there to here.
    """
    at = target_positions(forward)
    miss = forward + sample(backward, at)
    squared = miss[..., 0] ** 2 + miss[..., 1] ** 2
    # Fast motion is measured less accurately.
    allowed = _ASTRAY + 0.05 * np.sqrt(forward[..., 0] ** 2 + forward[..., 1] ** 2)
    agreed = np.exp2(-squared / (allowed * allowed))
    return agreed * measure_likeness(here, sample(there, at)) * is_inside(at, EDGE)


def measure_likeness(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Measure the similarity of two aligned pictures at each pixel, float32 (h, w) in 0..1.

    A difference over a wide area is a change of light, and is subtracted first.

    Args:
        one, other: uint8 (h, w) luma.
    """
    difference = one.astype(np.float32) - other
    difference -= cv2.blur(difference, (31, 31)).clip(-_UNLIKE, _UNLIKE)
    difference = cv2.blur(np.abs(difference), (5, 5))
    return np.exp2(-((difference / _UNLIKE) ** 2))


def steady_colors(own: np.ndarray, witnesses: Sequence[Witness]) -> np.ndarray:
    """Average the colours of a frame with those of its neighbours.

    The consensus is the median at each pixel. The mean difference of each frame from the consensus
    is subtracted, and these differences are averaged separately, without frames that jump. So the
    whole frame gets the colours of its neighbours, even where the flow cannot be trusted, and a
    frame that jumps gets the colours of the others. The rest is averaged pixel by pixel; colours
    far from the consensus have less weight.

    Args:
        own: the colours of the frame, float32 (h, w, 2), Cb and Cr.
        witnesses: the colours of its neighbours, in order of time.

    Returns:
        The averaged colours, float32 (h, w, 2).
    """
    if not witnesses:
        return own
    all_witnesses = [Witness(own, np.ones(own.shape[:2], np.float32), 1.0), *witnesses]
    agreed = _find_consensus(own, witnesses)
    offsets = [_find_offset(witness, agreed) for witness in all_witnesses]
    shares = _weigh_witnesses(all_witnesses, offsets)
    common = np.average(offsets, axis=0, weights=shares).astype(np.float32)
    total, weights = np.zeros_like(own), np.zeros(own.shape[:2], np.float32)
    for witness, share, offset in zip(all_witnesses, shares, offsets, strict=True):
        chroma = witness.chroma - offset
        difference = cv2.transform((chroma - agreed) ** 2, _SUM)
        weight = witness.trust * cv2.exp(difference / np.float32(-2 * _SPREAD * _SPREAD))
        # The weight of a frame's own colours is never 0, since there may be no others.
        weight *= np.float32(max(share, 1e-3))
        total += chroma * cv2.merge([weight, weight])
        weights += weight
    weights += np.float32(1e-6)
    return (
        np.where(weights[..., None] > 1e-5, total / weights[..., None], own - offsets[0]) + common
    )


def _find_consensus(own: np.ndarray, witnesses: Sequence[Witness]) -> np.ndarray:
    """Return the median of the colours at each pixel; untrusted colours are replaced by `own`."""
    colors = [own]
    for witness in witnesses:
        colors.append(own + cv2.merge([witness.trust] * 2) * (witness.chroma - own))
    ordered = np.sort(np.stack(colors), 0)
    middle = len(colors) // 2
    return ordered[middle] if len(colors) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _find_offset(witness: Witness, agreed: np.ndarray) -> np.ndarray:
    """Return the mean difference of a witness's colours from the consensus, (2,)."""
    total = float(witness.trust.sum(dtype=np.float64)) + 1e-6
    difference = (witness.chroma - agreed) * cv2.merge([witness.trust] * 2)
    return (difference.sum(axis=(0, 1), dtype=np.float64) / total).astype(np.float32)


def _weigh_witnesses(witnesses: Sequence[Witness], offsets: Sequence[np.ndarray]) -> list[float]:
    """Return the weight of each witness as a whole: low if it jumps or its alignment is poor."""
    lengths = np.array([float(np.hypot(*offset)) for offset in offsets])
    allowed = max(_JUMP, _JUMPS * float(np.median(lengths)))
    return [
        witness.weight * float(witness.trust.mean()) * 2.0 ** -((length / allowed) ** 4) + 1e-6
        for witness, length in zip(witnesses, lengths, strict=True)
    ]

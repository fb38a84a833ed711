"""Find the lines that a field lacks in the fields just before and after it, along the motion.

An interlaced picture holds two fields, of its even and of its odd lines, from two moments. At the
moment of one of them, every second line is missing, and a deinterlacer must guess it from the lines
above and below. The fields just before and after do have these lines, from a moment earlier and
later. Here they are fetched from where the motion has taken them.

    luma, *chroma = fill_lines(here, before, after, own=0)

All pictures have every line: those of their own field, and guesses between them. Three values are
mixed for each missing pixel: the guess, and what was found before and after. An earlier or later
value weighs more

- where the known lines nearby are found again along the same motion,
- where it comes from lines that the other field has, and not from between them: what moves up or
  down by a line from field to field never shows what is between its lines,
- where neighbouring lines differ, so that a guess between them is bad.

Arrays only. Small networks guess better than a filter from one field alone (nnedi3, which packages
offer under the GPL, and which is not used for that reason), but what they guess is not what was
there.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from helpers.imaging.optical_flow import FlowSettings, measure_flow, warp

BETWEEN_FIELDS = FlowSettings(finest_scale=1, patch_stride=4, descents=8, refinements=5)
"""Half the descents of FINE, at three quarters of its time. On seven films the result is as near
the truth as with FINE or MEDIUM; with FAST it is 0.3 dB further away, in a third of the time."""

WIDE, NARROW = (7, 3), (3, 1)
"""Columns, and lines of one field, over which a mismatch is averaged: about 7x7 and 3x3 pixels of
the picture."""

NEVER_ZERO = 0.5
"""Grey levels that are added to a mismatch: rounding alone makes as much."""

WIDELY, NARROWLY, DETAIL, REAL, USUALLY = -1.65, -1.05, 2.1, 0.8, -0.7
"""The exponents of the mismatch of known lines in the wide and in the narrow window, and of the
difference between neighbouring lines; the weight of real lines; and a constant. They minimise the
sum over films of the error in dB: of eight clips, and of fifteen films made in code, with pans,
zooms, letters, noise, flashes and cuts. benchmarks/quality/deinterlace.py measures it, also on
clips that had no part in this."""

Planes = Sequence[np.ndarray]
"""Luma and then the other planes of a picture, (h, w) uint8, or uint16 of so many bits."""


def fill_lines(
    here: Planes, before: Planes | None, after: Planes, own: int, bits: int = 8
) -> list[np.ndarray]:
    """Return the planes of a picture with the missing lines improved, of the same type.

    Args:
        here, before, after: the planes of three fields with guessed lines; other planes than luma
            may be smaller. Nothing is before a film's first field.
        own: the first of the lines that the field here has: 0 or 1.
        bits: of a value.
    """
    others = [other for other in (before, after) if other is not None]
    small = [_eight_bits(planes[0], bits) for planes in (here, *others)]
    flows = [measure_flow(small[0], luma, BETWEEN_FIELDS) for luma in small[1:]]
    made, shares = [], []
    for number, plane in enumerate(here):
        found = [_fetch(planes[number], flow) for planes, flow in zip(others, flows, strict=True)]
        if number == 0:
            shares = _weigh(plane, found, flows, own, 2.0 ** (bits - 8))
        made.append(_mix(plane, found, shares, own, bits))
    return made


def _fetch(other: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Return a plane of another field along the flow of luma, (h, w) float32."""
    height, width = other.shape
    if flow.shape[:2] != other.shape:
        shrink = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
        flow = _fit(flow, width, height) * shrink
    return warp(other.astype(np.float32), flow, cv2.INTER_CUBIC)


def _mix(
    plane: np.ndarray, found: list[np.ndarray], shares: list[np.ndarray], own: int, bits: int
) -> np.ndarray:
    """Return a plane whose missing lines are mixed of the guess and of what was found."""
    made, (height, width) = plane.copy(), plane.shape
    if height < 2:
        return made
    missing = slice(1 - own, None, 2)
    guess = plane[missing].astype(np.float32)
    mixed = guess.copy()
    for values, share in zip(found, shares, strict=True):
        mixed += (values[missing] - guess) * _fit(share, width, len(guess))
    made[missing] = np.clip(np.rint(mixed), 0, 2**bits - 1)
    return made


def _eight_bits(luma: np.ndarray, bits: int) -> np.ndarray:
    """Return luma of so many bits as contiguous uint8."""
    return np.ascontiguousarray(luma if bits == 8 else luma >> (bits - 8), np.uint8)


def _weigh(
    luma: np.ndarray, found: list[np.ndarray], flows: list[np.ndarray], own: int, unit: float
) -> list[np.ndarray]:
    """Return how much of what was found counts, 0 to 1; the rest is the guess's.

    Args:
        luma: (H, W), of the field here.
        found: (H, W) float32, aligned with it.
        unit: so much is a grey level of 255.

    Returns:
        (missing lines, W) float32, for each that was found.
    """
    here, found = luma.astype(np.float32), list(found)
    if unit != 1:
        here, found = here / np.float32(unit), [values / np.float32(unit) for values in found]
    missing, known = slice(1 - own, None, 2), here[own::2]
    count = len(here[missing])
    above, below = _neighbours(known, count, own)
    common = DETAIL * np.log(cv2.blur(np.abs(above - below), WIDE) + NEVER_ZERO) + USUALLY
    weights = [
        _weigh_one(np.abs(aligned[own::2] - known), flow[missing, :, 1], common, own)
        for aligned, flow in zip(found, flows, strict=True)
    ]
    total = 1 + sum(weights)
    return [weight / total for weight in weights]


def _weigh_one(mismatch: np.ndarray, down: np.ndarray, common: np.ndarray, own: int) -> np.ndarray:
    """Return the weight of what was found along a flow, beside a guess's weight of 1.

    Args:
        mismatch: of the known lines, (known lines, W), in grey levels.
        down: the vertical flow at the missing lines, in lines.
        common: the part of the logarithm that both directions have in common.
    """
    above, below = _neighbours(mismatch, len(down), own)
    near = (above + below) / 2
    real = (1 + np.cos(np.pi * down)) / 2  # 1 on a line that the other field has, 0 between two
    log = common + REAL * real
    log += WIDELY * np.log(cv2.blur(near, WIDE) + NEVER_ZERO)
    log += NARROWLY * np.log(cv2.blur(near, NARROW) + NEVER_ZERO)
    return np.exp(log)


def _neighbours(known: np.ndarray, count: int, own: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the known lines above and below each of so many missing ones."""
    below = np.arange(count) + 1 - own
    above = np.clip(below - 1, 0, len(known) - 1)
    return known[above], known[np.clip(below, 0, len(known) - 1)]


def _fit(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return values for a plane of another size."""
    if values.shape[:2] == (height, width):
        return values
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)

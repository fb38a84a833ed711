"""Extract grain and damage from a film.

    grains, overlays = extract_grain_and_damage(open_video("wedding.mp4"))

Where nothing moves, the differences between neighbouring frames are grain; what is in one frame
but in neither neighbour is damage. Training samples that use both look like this film.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from helpers.clip import Clip
from helpers.errors import ModelError
from helpers.imaging.luma import opencv_luma
from helpers.imaging.optical_flow import warp
from helpers.stages.damage.alignment import brightness_offset, measure_motion, suppress_damage
from helpers.stages.damage.temporal_outliers import find_dust

_PIECE = 96
"""Pixels a side of a piece of grain."""


def extract_grain_and_damage(
    clip: Clip, samples: int = 40, most: int = 200
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Cut pieces of grain and damage out of a film.

    Args:
        clip: the film.
        samples: number of places to examine, evenly spread.
        most: the most pieces of each to keep.

    Returns:
        Pieces of grain, float32 (96, 96) in grey levels about 0; shapes of damage, uint8 (H, W)
        opacity. Either may be empty.

    Raises:
        ModelError: the film is too short to compare frames.
    """
    if len(clip) < 3:
        raise ModelError(
            f"The film has {len(clip)} frames, but at least 3 are needed to find its grain and "
            "damage. Give a longer film, or none."
        )
    grains: list[np.ndarray] = []
    overlays: list[np.ndarray] = []
    for before, here, after in _triples(clip, samples):
        calm = suppress_damage(here, before, after)
        seen = [warp(one, measure_motion(calm, one), cv2.INTER_CUBIC) for one in (before, after)]
        seen = [one + brightness_offset(here, one) for one in seen]
        grains += _grains(here, (seen[0] + seen[1]) / 2)
        overlays += _overlays(here, seen)
    return _spread(grains, most), _spread(overlays, most)


def _triples(clip: Clip, samples: int) -> Iterator[list[np.ndarray]]:
    """Yield the lumas of three consecutive frames of one shot, at places spread over the film."""
    for number in np.unique(np.linspace(1, len(clip) - 2, samples).astype(int)):
        frames = list(clip.frames(int(number) - 1, int(number) + 2))
        if not (frames[1].cut or frames[2].cut):
            yield [opencv_luma(frame.image) for frame in frames]


def _grains(here: np.ndarray, middle: np.ndarray) -> list[np.ndarray]:
    """Cut out the piece with the least difference: where nothing moves, only grain differs."""
    # The mean of two neighbours also has grain, with half the power.
    difference = (here - middle) * np.float32(np.sqrt(2 / 3))
    height, width = here.shape
    if min(height, width) < _PIECE:
        return []
    power = cv2.blur(difference * difference, (_PIECE, _PIECE))[
        _PIECE // 2 : height - _PIECE // 2 + 1, _PIECE // 2 : width - _PIECE // 2 + 1
    ]
    top, left = np.unravel_index(int(power.argmin()), power.shape)
    piece = difference[top : top + _PIECE, left : left + _PIECE]
    return [piece - piece.mean()] if piece.shape == (_PIECE, _PIECE) else []


def _overlays(here: np.ndarray, seen: list[np.ndarray]) -> list[np.ndarray]:
    """Cut out each piece of damage; its opacity is its difference from the neighbours."""
    mask = find_dust(here, seen, (-1, 1)).astype(np.uint8)
    difference = np.abs(here - (seen[0] + seen[1]) / 2) * mask
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask)
    found = []
    for label in range(1, count):
        left, top, width, height, area = boxes[label]
        if area < 6:
            continue
        box = (slice(top, top + height), slice(left, left + width))
        piece = np.where(labels[box] == label, difference[box], 0)
        found.append(np.pad((255 * piece / piece.max()).astype(np.uint8), 3))
    return found


def _spread(pieces: list[np.ndarray], most: int) -> list[np.ndarray]:
    """Return at most `most` pieces, evenly spread over the film."""
    if len(pieces) <= most:
        return pieces
    return [pieces[number] for number in np.linspace(0, len(pieces) - 1, most).astype(int)]

"""Score how much each step of a shot looks like a repeat; the score is close to its log odds.

    score, share, lowness = step_scores(measures)      # of one shot

There are three signs, all of them ratios that do not depend on contrast or exposure:

- depth: how much smaller the step's difference is than those of the steps on both sides;
- share: the share of the way from the frame before it to the frame after it that the step covers,
  measured so that noise cancels out (`features.measure_progress`): a third for steady motion, zero
  for a repeat;
- detour: how much longer the way over the step and a neighbour is than over the neighbour alone;
  not longer for a repeat.

A fourth, `usual`, is how much smaller the difference is than the usual one before and after it. A
codec that treats every second frame differently affects it less than depth. But it changes with the
motion of the film, so it is used only if the steps of a shot form two groups (`bimodal.py`).

The weights come from a logistic regression on the kinds of film, noise and compression of
benchmarks/quality/duplicates.py. The mixture of `cadence.py` then adapts the scale to each shot.
"""

from __future__ import annotations

import numpy as np

from helpers.stages.duplicates.features import Measures

LONGEST = 4
"""The most repeats in a row. Longer runs are stills, which are kept."""

_DEPTH, _SHARE, _DETOUR, _BIAS = 3.8, 5.5, 1.9, -1.7
"""Weights of the score. From a logistic regression over the films of
benchmarks/quality/duplicates.py."""

_USUAL, _AROUND, _MIDDLE = 2.0, 12, 60
"""The weight of `usual`, the number of steps on each side, and the percentile of these steps. This
number and those below that name no source were chosen by trial; benchmarks/quality/duplicates.py
measures the effect."""

_UNKNOWN_SHARE, _UNKNOWN_DETOUR = 0.2, 0.3
"""The values where a shot begins or ends, and nothing can be compared."""

_FAINT = 0.25
"""Smaller differences, in levels of 255 at full contrast, are noise."""

_QUANTUM = 0.12
"""Smaller differences, in levels of 255 as they are, are below the precision of eight bits."""


def step_scores(measures: Measures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the score of every step of a shot, its share of the way around it, and its lowness.

    Args:
        measures: those of the n frames of a shot.

    Returns:
        (n,), (n,) and (n,): for the step from the previous frame to each frame; score and lowness
        are finite. Where there is no previous frame, the score is that of motion. Lowness is the
        part of the evidence without the direction of motion: depth and usual.
    """
    distance = measures.distance[:, :2]
    logs = np.log(np.where(np.isnan(distance), np.inf, distance) + noise_floor(measures.contrast))
    depth = np.max([_run_depth(logs[:, 0, scale]) for scale in (0, 1)], axis=0)
    share = np.mean([_step_shares(measures.progress[:, scale]) for scale in (0, 1)], axis=0)
    score = _DEPTH * np.clip(depth, -1, 2.5) - _SHARE * np.clip(share, 0, 0.7)
    score = np.nan_to_num(score - _DETOUR * _step_detours(logs) + _BIAS, nan=_BIAS - _DEPTH)
    usual = np.mean([_usual_depth(logs[:, 0, scale]) for scale in (0, 1)], axis=0)
    lowness = _DEPTH * np.clip(depth, -1, 2) + _USUAL * np.clip(usual, -1, 2)
    return score, share, np.nan_to_num(lowness, nan=-_DEPTH)


def noise_floor(contrast: np.ndarray) -> float:
    """Return the level below which differences in a shot are noise, by its contrast.

    It is FAINT at full contrast, and less in a shot with less contrast, down to QUANTUM.
    """
    return max(_FAINT * min(float(np.median(contrast)) / 255, 1.0), _QUANTUM)


def _run_depth(logs: np.ndarray) -> np.ndarray:
    """Return how much smaller every step is than those around it, alone or as part of a run.

    Args:
        logs: (n,) logarithm of each frame's difference from the previous one; the first is unused.

    Returns:
        (n,) logarithm of a ratio, the best over all runs of up to LONGEST steps; at least -1.
    """
    count = len(logs)
    depth = np.full(count, -1.0)
    steps = np.concatenate(([np.inf], logs[1:], [np.inf]))
    for length in range(1, min(LONGEST, count - 1) + 1):
        windows = np.lib.stride_tricks.sliding_window_view(steps[1:-1], length)
        left, right = steps[: len(windows)], steps[length + 1 : length + 1 + len(windows)]
        side = np.minimum(left, right)
        below = np.where(np.isfinite(side), side - windows.max(axis=1), -1.0)
        for offset in range(length):
            part = depth[1 + offset : 1 + offset + len(windows)]
            np.maximum(part, below, out=part)
    return depth


def _usual_depth(logs: np.ndarray) -> np.ndarray:
    """Return how much smaller every step is than the usual step, both before and after it.

    Args:
        logs: (n,) logarithm of each frame's difference from the previous one; the first is unused.

    Returns:
        (n,) logarithm of a ratio; 0 where there are fewer than two steps on a side.
    """
    steps = np.where(np.isfinite(logs), logs, np.nan)
    steps[:1] = np.nan
    around = np.pad(steps, _AROUND, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(around, _AROUND)
    enough = np.isfinite(windows).sum(axis=1) >= 2
    usual = np.full(len(windows), np.inf)
    usual[enough] = np.nanpercentile(windows[enough], _MIDDLE, axis=1)
    before, after = usual[: len(logs)], usual[_AROUND + 1 :]
    depth = np.minimum(before, after) - steps
    return np.where(np.isfinite(depth), depth, 0.0)


def _step_shares(progress: np.ndarray) -> np.ndarray:
    """Return the share of the way around it that each step covers: about a third, or zero.

    Args:
        progress: (n, 3), as in `Measures`.

    Returns:
        (n,) from 0. Where there is only noise it is close to a third, so that noise alone is never
        taken for a repeat.
    """
    known = np.isfinite(progress[:, 2])
    steps = np.where(known, progress[:, 2], np.inf)
    around = np.pad(steps, 6, constant_values=np.inf)
    noise = np.lib.stride_tricks.sliding_window_view(around, 13).min(axis=1)
    noise = np.where(np.isfinite(noise), noise, 0) + _FAINT * _FAINT
    part = np.abs(progress[:, 0] + noise / 3) / (progress[:, 1] + noise)
    return np.where(known, part, _UNKNOWN_SHARE)


def _step_detours(logs: np.ndarray) -> np.ndarray:
    """Return how much longer the way over each step and a neighbour is than the neighbour alone.

    Args:
        logs: (n, 2 or more, scales) logarithm of distances from one and from two frames before.

    Returns:
        (n,) logarithm of a ratio, the larger of both sides, mean of the scales.
    """
    sides = np.full((2, len(logs), logs.shape[2]), _UNKNOWN_DETOUR)
    both, step = (np.where(np.isinf(logs[:, n]), np.nan, logs[:, n]) for n in (1, 0))
    sides[0, :-1] = (both - step)[1:]
    sides[1, 1:] = both[1:] - step[:-1]
    sides = np.where(np.isfinite(sides), sides, _UNKNOWN_DETOUR)
    # A negative detour is a way back, which `reappearance.py` finds.
    return np.maximum(sides.mean(axis=2), 0).max(axis=0)

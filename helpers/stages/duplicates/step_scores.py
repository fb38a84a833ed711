"""How much each step of a shot looks like a repeat: one score a step, near its log odds.

    score, share, lowness = step_scores(measures)      # of one shot

Three signs, each a ratio that neither contrast nor exposure changes:

- depth: how far the step's difference lies below those of the steps on both sides of it;
- share: which part of the way from the frame before it to the frame after it the step covers,
  measured so that noise drops out (`likeness.progress`): a third of steady motion, none of a
  repeat;
- detour: how much further it is over the step and a neighbour together than over the neighbour
  alone: where a frame repeats, no further.

A fourth, `usual`, is how far it lies below what steps usually are before it and after it. A codec
that treats every second frame in another way makes neighbours unlike, and a dozen of them less so;
but what is usual changes where motion does, so it counts only where a shot's repeats are plainly
apart from its motion (`bimodal.py`).

The weights come from a logistic regression, done once, over the kinds of film, noise and
compression of benchmarks/duplicates.py; a shot then finds its own place on the scale
(`cadence.py`).
"""

from __future__ import annotations

import numpy as np

from helpers.stages.duplicates.features import Measures

LONGEST = 4
"""Repeats in a row, at most. What stays the same for longer is a still, and stays."""

DEPTH, SHARE, DETOUR, BIAS = 3.8, 5.5, 1.9, -1.7
"""Weights of the score. From a logistic regression over the films of
benchmarks/quality/duplicates.py."""

USUAL, AROUND, MIDDLE = 2.0, 12, 60
"""What `usual` weighs; from how many steps on each side it is taken; which percentile of them. This
number and those below that name no source were chosen by trial; benchmarks/quality/duplicates.py
measures the effect."""

UNKNOWN_SHARE, UNKNOWN_DETOUR = 0.2, 0.3
"""What is taken where a shot begins or ends, and there is nothing to compare with."""

FAINT = 0.25
"""Levels (of 255, after the stretch) below which differences say nothing."""

QUANTUM = 0.12
"""Levels before the stretch below which they say nothing either: eight bits end somewhere."""


def step_scores(measures: Measures) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the score of every step of a shot, its share of the way around it, and how low it is.

    Args:
        measures: of the n frames of a shot.

    Returns:
        (n,), (n,) and (n,): of the step from each frame's predecessor to it; score and lowness are
        finite. Where there is nothing before it, as at the first, a score is that of motion.
        Lowness is the part of the evidence that does not look at where motion goes: depth, usual.
    """
    distance = measures.distance[:, :2]
    logs = np.log(np.where(np.isnan(distance), np.inf, distance) + floor(measures.contrast))
    depth = np.max([run_depth(logs[:, 0, scale]) for scale in (0, 1)], axis=0)
    share = np.mean([shares(measures.progress[:, scale]) for scale in (0, 1)], axis=0)
    score = DEPTH * np.clip(depth, -1, 2.5) - SHARE * np.clip(share, 0, 0.7)
    score = np.nan_to_num(score - DETOUR * detours(logs) + BIAS, nan=BIAS - DEPTH)
    usual = np.mean([usual_depth(logs[:, 0, scale]) for scale in (0, 1)], axis=0)
    lowness = DEPTH * np.clip(depth, -1, 2) + USUAL * np.clip(usual, -1, 2)
    return score, share, np.nan_to_num(lowness, nan=-DEPTH)


def floor(contrast: np.ndarray) -> float:
    """Return the levels below which differences in a shot say nothing, by its contrast.

    Stretching the shot to full contrast and then asking for FAINT levels is the same as asking for
    so much less where it is dark, down to what eight bits can show.
    """
    return max(FAINT * min(float(np.median(contrast)) / 255, 1.0), QUANTUM)


def run_depth(logs: np.ndarray) -> np.ndarray:
    """Return how far below the steps around it every step lies, alone or with a few neighbours.

    Args:
        logs: (n,) logarithm of each frame's difference from the one before; the first is unused.

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


def usual_depth(logs: np.ndarray) -> np.ndarray:
    """Return how far below what is usual, both before it and after it, every step lies.

    Args:
        logs: (n,) logarithm of each frame's difference from the one before; the first is unused.

    Returns:
        (n,) logarithm of a ratio; 0 where there are less than two steps on a side.
    """
    steps = np.where(np.isfinite(logs), logs, np.nan)
    steps[:1] = np.nan
    around = np.pad(steps, AROUND, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(around, AROUND)
    enough = np.isfinite(windows).sum(axis=1) >= 2
    usual = np.full(len(windows), np.inf)
    usual[enough] = np.nanpercentile(windows[enough], MIDDLE, axis=1)
    before, after = usual[: len(logs)], usual[AROUND + 1 :]
    depth = np.minimum(before, after) - steps
    return np.where(np.isfinite(depth), depth, 0.0)


def shares(progress: np.ndarray) -> np.ndarray:
    """Return which part of the way around it each step covers: about a third, or nothing.

    Args:
        progress: (n, 3), as in `Measures`.

    Returns:
        (n,) from 0; where nothing moves but noise it comes near to a third, so that noise by
        itself is never taken for a repeat.
    """
    known = np.isfinite(progress[:, 2])
    steps = np.where(known, progress[:, 2], np.inf)
    around = np.pad(steps, 6, constant_values=np.inf)
    noise = np.lib.stride_tricks.sliding_window_view(around, 13).min(axis=1)
    noise = np.where(np.isfinite(noise), noise, 0) + FAINT * FAINT
    part = np.abs(progress[:, 0] + noise / 3) / (progress[:, 1] + noise)
    return np.where(known, part, UNKNOWN_SHARE)


def detours(logs: np.ndarray) -> np.ndarray:
    """Return how much longer the way over each step and one beside it is than that one alone.

    Args:
        logs: (n, 2 or more, scales) logarithm of distances from one and from two frames before.

    Returns:
        (n,) logarithm of a ratio, the larger of both sides, mean of the scales.
    """
    sides = np.full((2, len(logs), logs.shape[2]), UNKNOWN_DETOUR)
    both, step = (np.where(np.isinf(logs[:, n]), np.nan, logs[:, n]) for n in (1, 0))
    sides[0, :-1] = (both - step)[1:]
    sides[1, 1:] = both[1:] - step[:-1]
    sides = np.where(np.isfinite(sides), sides, UNKNOWN_DETOUR)
    # Less than none is a way back, which `reappearance.py` looks for.
    return np.maximum(sides.mean(axis=2), 0).max(axis=0)

"""Find clicks in a sound, and replace them by what the sound around them predicts.

A click is told from a voice by two things. It is alone: the pulses of the vocal cords, a consonant
or a drum have neighbours of their kind within some hundredths of a second. And it is as sudden
backwards as it is forwards: everything that rings, a mouth as well as a string, begins at once and
dies away slowly, so that it is hard to predict in one direction of time only.

Source: clicks by the error of linear prediction, and their replacement, S. J. Godsill and P. J. W.
Rayner, "Digital Audio Restoration", Springer 1998, chapter 5; the replacement is that of A. Janssen
et al., "Adaptive interpolation of discrete-time signals that can be modeled as autoregressive
processes", IEEE TASSP 34(2), 1986.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_toeplitz
from scipy.ndimage import binary_closing, binary_dilation, find_objects, label, maximum, rank_filter
from scipy.signal import lfilter

BLOCK = 0.05
"""Seconds that share one predictor. This number and those below that name no source were chosen by
trial; benchmarks/quality/clicks.py measures the effect."""

_CELL = 0.001
"""Seconds of a cell. A click is compared with the cells around it."""

_BESIDE = 2
"""Cells on either side that may belong to the click itself."""

_NEAR, _NEAR_RANK = 30, 3
"""Cells on either side that a click is compared with, and how many of them may hold another click.
Two pulses of the lowest voices, of 70 Hz, are among them on either side."""

_FAR, _FAR_RANK = 200, 10
"""The same for a comparison with the words around it, which are louder than their beginnings."""

_SUSPECT = 1.5
"""What is suspected to be a click has so many times the prediction error of the cells near it."""

_NEAR_TIMES, _FAR_TIMES, _SHORT = 6.0, 4.0, 0.0005
"""A click has so many times their error if it is no longer than so many seconds. A longer one must
stand out by as much more: the start of a consonant has up to 14 times and lasts a millisecond or
more, a scratch of that length has hundreds. In 67 s of clean speech by 13 people, two were
found."""

_LONGEST = 0.004
"""Seconds of the longest click, together with what stands out within two cells of it: the rest of a
consonant or of a drum."""

_SENSITIVE_FAR_TIMES, _SENSITIVE_SHORT = 2.5, 0.0007
"""The same where it is known that there are clicks."""

_EDGE, _GAP = 1.25, 0.0003
"""A click reaches as far as it has so many times their error, over gaps of so many seconds."""

_FAINTEST = 3e-5
"""A prediction error, full scale 1, that is not heard: the last bit of 16-bit sound."""


def find_clicks(samples: np.ndarray, rate: int, sensitive: bool = False) -> np.ndarray:
    """Return which samples, (N,) of one channel, are clicks.

    Args:
        sensitive: find weaker ones too, and now and then the start of a word.
    """
    samples = np.asarray(samples, np.float64)
    if len(samples) < 4 * _order(rate):
        return np.zeros(len(samples), bool)
    error = _two_sided_error(samples, samples, rate)
    suspect = error > _SUSPECT * _error_around(error, rate, _NEAR, _NEAR_RANK)
    # A click spoils the predictor, and so hides itself: predict from what it is replaced by.
    suspect = binary_dilation(suspect, iterations=max(round(_CELL * rate), 1))
    without = replace_clicks(samples, suspect, rate, worth=0)
    return _judge(_two_sided_error(samples, without, rate, error), rate, sensitive)


def count_clicks(found: np.ndarray) -> int:
    """Count the runs of true values in (N,)."""
    return _number_runs(found)[1]


def _number_runs(found: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the runs of true values in (N,), from 1, and count them."""
    marks, count = label(found)  # type: ignore[misc]
    return np.asarray(marks), int(count)


def _order(rate: int) -> int:
    """Return from how many samples the next is predicted: as usual for speech at this rate."""
    return min(max(rate // 1000 + 4, 12), 32)


def _two_sided_error(
    samples: np.ndarray, model: np.ndarray, rate: int, known: np.ndarray | None = None
) -> np.ndarray:
    """Return the error of linear prediction, (N,), forwards or backwards, whichever is less.

    Args:
        samples: (N,).
        model: (N,), the same sound, from which the predictor is learnt.
        known: (N,), what was returned when the samples were the model.
    """
    order, count = _order(rate), len(samples)
    size = max(round(BLOCK * rate), 4 * order)
    error = np.zeros(count) if known is None else known.copy()
    for start in range(0, count, size):
        first = max(start - size // 2, 0)
        block, alike = (one[first : start + size + size // 2] for one in (samples, model))
        if len(block) < 4 * order or np.abs(block).max() < _FAINTEST:
            continue
        if known is not None and np.array_equal(block, alike):
            continue  # the same predictor makes the same error
        whiten = _prediction_error_filter(alike, order)
        forwards = np.abs(lfilter(whiten, [1.0], block))
        backwards = np.abs(lfilter(whiten, [1.0], block[::-1])[::-1])
        # At its ends a block begins from nothing, which looks like a click.
        forwards[:order] = 0
        backwards[len(block) - order :] = 0
        least = np.minimum(forwards, backwards)[start - first :][:size]
        error[start : start + len(least)] = least
    return error


def _prediction_error_filter(block: np.ndarray, order: int) -> np.ndarray:
    """Return the prediction error filter, (order + 1,), of a block."""
    windowed, size = block * np.hanning(len(block)), len(block)
    past = np.array([windowed[lag:] @ windowed[: size - lag] for lag in range(order + 1)])
    past[0] = past[0] * 1.0001 + 1e-12
    return np.concatenate([[1.0], -solve_toeplitz(past[:-1], past[1:])])


def _error_around(error: np.ndarray, rate: int, around: int, rank: int) -> np.ndarray:
    """Return for each sample, (N,), the highest error around it but for a few cells."""
    size = max(round(_CELL * rate), 1)
    cells = np.pad(error, (0, -len(error) % size)).reshape(-1, size).max(1)
    footprint = np.ones(2 * around + 1, bool)
    footprint[around - _BESIDE : around + _BESIDE + 1] = False
    usual = rank_filter(cells, -rank, footprint=footprint, mode="reflect")
    return np.maximum(np.repeat(usual, size)[: len(error)], _FAINTEST)


def _judge(error: np.ndarray, rate: int, sensitive: bool) -> np.ndarray:
    """Return the runs of samples, (N,), whose error stands out as that of clicks does."""
    near = error / _error_around(error, rate, _NEAR, _NEAR_RANK)
    likely = near > _EDGE
    if not likely.any():
        return likely
    together = _close_gaps(likely, round(rate * _CELL))
    likely = _close_gaps(likely, round(rate * _GAP))
    far = error / _error_around(error, rate, _FAR, _FAR_RANK)
    far_times, short = _FAR_TIMES, _SHORT
    if sensitive:
        far_times, short = _SENSITIVE_FAR_TIMES, _SENSITIVE_SHORT
    marks, count = _number_runs(likely)
    sizes = np.bincount(marks, minlength=count + 1)
    outstanding = np.maximum(near / _NEAR_TIMES, far / far_times)
    highest = np.asarray(maximum(outstanding, marks, np.arange(count + 1)))
    good = highest > np.maximum(sizes / rate / short, 1)
    lengths = np.bincount(groups := _number_runs(together)[0])[groups]
    good &= np.asarray(maximum(lengths, marks, np.arange(count + 1))) <= rate * _LONGEST
    good[0] = False
    return good[marks]


def _close_gaps(found: np.ndarray, reach: int) -> np.ndarray:
    """Return runs of true values, (N,), with gaps of up to twice so many samples closed."""
    return found | np.asarray(binary_closing(found, iterations=max(reach, 1)), bool)


# --- replacing them -------------------------------------------------------------------------------

_CONTEXT = 0.025
"""Seconds on either side from which the sound within a click is predicted."""

_ROUNDS = 3
"""The predictor and the replaced samples are improved in turn, so many times."""

_HIGHEST_ORDER = 100
"""A longer click is predicted from three times as many samples as it has, but not from more than
these (Janssen et al. take three times as many, and two more, up to 50)."""

_WORTH = 3.0
"""A click is replaced if it has so many times the energy by which the prediction may be wrong."""


def replace_clicks(
    samples: np.ndarray, clicks: np.ndarray, rate: int, worth: float = _WORTH
) -> np.ndarray:
    """Return samples, (N,) float32, with those that are clicks replaced.

    Args:
        samples: (N,) of one channel.
        clicks: which of them are clicks, (N,).
        worth: a click is replaced if it has so many times the energy by which the prediction may
            be wrong.
    """
    made = np.array(samples, np.float64)
    around = max(round(_CONTEXT * rate), 4 * _order(rate))
    for (run,) in find_objects(_number_runs(clicks)[0]):
        first = max(run.start - around, 0)
        part = slice(first, run.stop + around)
        order = _order(rate)
        if worth:  # else only a predictor is learnt from the result
            order = min(max(order, 3 * (run.stop - run.start)), _HIGHEST_ORDER)
        within = slice(run.start - first, run.stop - first)
        made[run] = _interpolate(made[part], clicks[part], within, order, worth)
    return made.astype(np.float32)


def _interpolate(
    samples: np.ndarray, unknown: np.ndarray, run: slice, order: int, worth: float
) -> np.ndarray:
    """Return a run of samples as all of them, (N,), predict it; as it is if that is no better.

    Args:
        unknown: which of the samples, (N,), are not to be believed; the run is among them.
    """
    made, at = samples.copy(), np.flatnonzero(unknown)
    if len(samples) < 4 * order or len(at) > len(samples) // 2:
        return samples[run]
    apart = np.abs(at[:, None] - at[None])
    made[at] = 0
    whiten, factor = np.ones(1), (np.eye(1), True)
    for _ in range(_ROUNDS):
        whiten = _prediction_error_filter(made, order)
        weights = np.zeros(len(samples))
        weights[: order + 1] = np.correlate(whiten, whiten, "full")[order:]
        made[at] = 0
        both = np.concatenate([weights[order:0:-1], weights[: order + 1]])
        known = np.convolve(made, both, "same")[at]
        factor = cho_factor(weights[apart])
        made[at] = cho_solve(factor, -known)
    # The prediction has a variance of its own. A click of less energy is better left.
    noise = np.square(lfilter(whiten, [1.0], made)[order:]).mean()
    inside = (at >= run.start) & (at < run.stop)
    expected = noise * np.diag(cho_solve(factor, np.eye(len(at))))[inside].sum()
    change = np.square(made[run] - samples[run]).sum()
    return made[run] if change > worth * expected else samples[run]

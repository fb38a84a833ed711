"""Find the last layer of the network, which is linear, by least squares instead of by steps.

    fit_last_layer(network, pool, numbers=range(64, 600))

The best linear filter of what the network sees, and of the features that it computes, is known in
closed form. Thousands of steps of training come no nearer to it, so training begins there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from helpers.stages.upscale.small_video_network import (
    FRAMES,
    LINEAR,
    RADIUS,
    SCALE,
    SEEN,
    UNIT,
    SmallVideoNet,
    keep_level,
    pad_linear,
    split_colour,
)
from helpers.training.small_video.samples import SmallVideoPool, split

_ROWS = 700
"""Pixels of each sample that are used."""

_RIDGE = 3e-4
"""What is added to the diagonal, as a share of it, so that weights stay small."""

_FLOOR = 1.2e-5
"""A squared error of a thirtieth of a level, so that no sample counts without bounds."""


@torch.inference_mode()
def fit_last_layer(
    network: SmallVideoNet, pool: SmallVideoPool, numbers: Sequence[int], crop: int = 48
) -> None:
    """Set the linear filter and the last layer so that they draw the truth best, in place.

    Every sample counts by its error when it is plainly enlarged, as a mean of decibels does.

    Args:
        network: its other layers stay as they are.
        pool: the samples.
        numbers: those to use.
        crop: pixels a side of the piece of each that is looked at.
    """
    free = _free_weights()
    square, right = torch.zeros(0), torch.zeros(0)
    for number in numbers:
        rng = np.random.default_rng([17, number])
        top, left = rng.integers(0, pool.size - crop + 1, 2)
        planes = pool.samples[number, :, top : top + crop, left : left + crop]
        window, truth = (torch.from_numpy(one)[None] for one in split(planes / np.float32(255)))
        rows, target = _read(network, window, truth.contiguous(), free)
        chosen = torch.from_numpy(rng.choice(rows.shape[1], min(_ROWS, rows.shape[1]), False))
        rows, target = rows[:, chosen].double(), target[:, chosen].double()
        plain = functional.interpolate(
            window[:, 3 * RADIUS : 3 * RADIUS + 3], scale_factor=float(SCALE), mode="bicubic"
        )
        weight = 1 / (float((plain - truth).square().mean()) + _FLOOR)
        square = square + weight * rows @ rows.T if len(square) else weight * rows @ rows.T
        right = right + weight * rows @ target.T if len(right) else weight * rows @ target.T
    diagonal = square.diagonal()
    found = torch.linalg.solve(square + torch.diag(_RIDGE * diagonal + 1e-9), right).float()
    _set_weights(network, found, free)


def _free_weights() -> Tensor:
    """Return which weights of the linear filter may differ from 0, (SEEN, LINEAR, LINEAR) bool.

    The average is seen as a whole, the frames and its colour near by, the rest in one pixel.
    """
    free = torch.zeros(SEEN, LINEAR, LINEAR, dtype=torch.bool)
    near, middle = slice(LINEAR // 2 - 2, LINEAR // 2 + 3), LINEAR // 2
    free[0] = True
    free[1 : FRAMES + 3, near, near] = True
    free[FRAMES + 3 :, middle, middle] = True
    return free


def _read(
    network: SmallVideoNet, window: Tensor, truth: Tensor, free: Tensor
) -> tuple[Tensor, Tensor]:
    """Return what the last layer is given, (D, P), and what it should give, (SCALE ** 2 + 2, P)."""
    average, tint, seen = network.see(window)
    wide = functional.unfold(pad_linear(seen), LINEAR)[:, free.flatten()]
    deep = functional.unfold(network.features(seen), 3, padding=1) * UNIT
    rows = keep_level(torch.cat([wide, deep], 1).unflatten(2, seen.shape[2:]))
    light, colour = split_colour(truth)
    plain = functional.interpolate(average, scale_factor=float(SCALE), mode="bicubic")
    detail = functional.pixel_unshuffle(light[:, None] - plain, SCALE)
    shade = functional.avg_pool2d(colour, SCALE) - tint
    return rows[0].flatten(1), keep_level(torch.cat([detail, shade], 1))[0].flatten(1)


def _set_weights(network: SmallVideoNet, found: Tensor, free: Tensor) -> None:
    count = int(free.sum())
    weights = torch.zeros(network.linear.weight.shape)
    weights[:, free] = found[:count].T
    network.linear.weight.copy_(weights)
    last = network.tail[-1]
    last.weight.copy_(found[count:].T.reshape(last.weight.shape))  # type: ignore[operator]
    network.linear.bias.zero_()  # type: ignore[union-attr]
    last.bias.zero_()  # type: ignore[union-attr, operator]

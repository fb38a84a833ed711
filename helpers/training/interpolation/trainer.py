"""Training the network that interpolates: one cycle, averaged weights, resumable.

trainer = MotionTrainer(pool, folder, MotionRecipe(steps=4000))
trainer.run()                       # run it again after it was broken off, and it goes on
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from helpers.stages.interpolate.fusion import look, padded
from helpers.stages.interpolate.fusion_network import FusionNet, Seen, mixed
from helpers.training.interpolation.samples import Pair
from helpers.training.loop import BaseTrainer, Schedule, decibels

FLOOR = 2e-5
"""Squared error, of values in 0..1, far below which (47 dB) there is nothing to gain."""


@dataclass(frozen=True)
class MotionRecipe(Schedule):
    """How to train the fusion network; see `Schedule`.

    Whole samples are better than crops of them: at the edge of a crop the flow is good, and at that
    of a film it is bad.

    Attributes:
        widths: channels of the network.
        kept: the share of what was learned that the weights written have. On films it was found to
            go a little too far, for their noise is no made-up noise.
    """

    steps: int = 6000
    batch: int = 4
    sizes: tuple[tuple[int, float], ...] = ((224, 1.0),)
    rate: float = 6e-4
    rise: float = 0.05
    average: float = 0.997
    held_out: int = 96
    every: int = 250
    widths: tuple[int, int, int] = (24, 40, 64)
    kept: float = 0.6


class MotionTrainer(BaseTrainer):
    """Trains the fusion network; see `BaseTrainer`. Its pool is a `MotionPool`."""

    def _make(self) -> FusionNet:
        return FusionNet(self.recipe.widths)

    def _draw(self, dice: np.random.Generator, size: int) -> list[Pair]:
        return self.pool.draw_pairs(dice, self.recipe.batch, size, self.recipe.held_out)

    def _loss(self, drawn: list[Pair]) -> tuple[torch.Tensor, dict[str, float]]:
        """Return the mean logarithm of the squared error, which is what PSNR averages.

        So a calm scene counts as much as a wild one: both are to gain by the same share. The base
        is taken off, so that 0 means "as good as optical flow".
        """
        seen, truth = batched(drawn, self.device)
        on = self.half is not None
        with torch.autocast(self.device, self.half or torch.bfloat16, enabled=on):
            made = self.network(seen)
        base = mixed(seen.brought, seen.weights)
        return (_log_error(made, truth) - _log_error(base, truth)).mean(), {}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Measure PSNR in dB on the samples held out; "worst" and "lost" compare with the base.

        "lost" is the share of samples that lost 0.3 dB or more.
        """
        ours, flow = [], []
        for pair in self.pool.pairs(self.recipe.held_out):
            seen, truth = batched([pair], self.device)
            on = self.half is not None
            with torch.autocast(self.device, self.half or torch.bfloat16, enabled=on):
                made = self.averaged.module(seen).clamp(0, 1)
            ours.append(_psnr(made, truth))
            flow.append(_psnr(mixed(seen.brought, seen.weights).clamp(0, 1), truth))
        ours, flow = (np.minimum(values, 50) for values in (ours, flow))
        gains = ours - flow
        return {
            "psnr": float(ours.mean()),
            "flow": float(flow.mean()),
            "gain": float(gains.mean()),
            "worst": float(gains.min()),
            "lost": float((gains < -0.3).mean()),
        }


def tempered(state: dict[str, torch.Tensor], kept: float) -> dict[str, torch.Tensor]:
    """Return weights with which a network changes only so much of what it would."""
    return {**state, "last.weight": kept * state["last.weight"]}


def _log_error(made: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of each picture's mean squared error, (N,)."""
    return torch.log((made - truth).square().mean((1, 2, 3)) + FLOOR)


def _psnr(made: torch.Tensor, truth: torch.Tensor) -> float:
    return decibels(float((made - truth).square().mean()))


def batched(pairs: Sequence[Pair], device: str) -> tuple[Seen, torch.Tensor]:
    """Return what the network is to see of samples of one size, and the truths in 0..1."""
    seen = [look(one.first, one.last, one.forward, one.backward, one.fraction) for one in pairs]
    together = Seen(
        *(torch.cat([getattr(one, field.name) for one in seen]) for field in fields(Seen))
    )
    truths = np.stack([pair.truth for pair in pairs]).transpose(0, 3, 1, 2) / np.float32(255)
    return padded(together).to(device), torch.from_numpy(truths).to(device)

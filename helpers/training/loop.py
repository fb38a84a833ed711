"""The training loop: one-cycle schedule, averaged weights, bit-exact resuming.

trainer = Trainer(pool, folder, Recipe(steps=4000))
trainer.run()                       # if it was interrupted, run it again to continue
"""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from helpers.errors import ModelError
from helpers.stages.damage.network import CleanerNet
from helpers.stages.damage.network_input import EVIDENCE, HERE, WITNESSES
from helpers.training.cleaner.losses import Weights, feature_loss, restore, total_loss
from helpers.training.cleaner.samples import MASK, TRUTH
from helpers.training.notes import read_note

log = logging.getLogger("helpers")


@dataclass(frozen=True)
class Schedule:
    """How to train any network.

    Attributes:
        steps: number of batches.
        batch: samples in a batch.
        sizes: (pixels a side, share of the steps), small pictures first.
        rate: the highest learning rate of the cycle.
        rise: the share of the steps before the highest rate.
        decay: weight decay.
        average: decay of the averaged weights; lower in the beginning.
        held_out: samples kept for validation.
        every: steps between validations and checkpoints.
        seed: the seed of all random numbers.
    """

    steps: int = 2000
    batch: int = 16
    sizes: tuple[tuple[int, float], ...] = ((96, 0.6), (128, 0.25), (160, 0.15))
    rate: float = 1.5e-3
    rise: float = 0.2
    decay: float = 1e-4
    average: float = 0.99
    held_out: int = 48
    every: int = 200
    seed: int = 1

    def check_samples(self, count: int) -> None:
        """Raise ModelError unless there are more samples than are held out."""
        if count <= self.held_out:
            raise ModelError(
                f"{count} samples are too few: {self.held_out} are held out for validation. Make "
                "more than that."
            )

    def size_at(self, step: int) -> int:
        """Return the pixels a side of the batch at a step."""
        reached = 0.0
        for size, share in self.sizes:
            reached += share * self.steps
            if step < reached:
                return size
        return self.sizes[-1][0]


@dataclass(frozen=True)
class Recipe(Schedule):
    """How to train the cleaner; see `Schedule`.

    Attributes:
        widths, depths: of the network; see `CleanerNet`.
        weights: the weights of the parts of the loss.
        features: "auto", "vgg" or "gradient"; see `feature_loss`.
    """

    widths: tuple[int, int, int] = (32, 56, 80)
    depths: tuple[int, int, int] = (1, 2, 3)
    weights: Weights = field(default_factory=Weights)
    features: str = "auto"


class BaseTrainer(ABC):
    """Trains a network on a pool of samples, and saves checkpoints in a folder.

    Args:
        pool: the samples; more than `recipe.held_out`.
        folder: the folder of the checkpoint and the history.
        recipe: how to train; must be that of the checkpoint, if there is one.
        device: the device to train on.
        start: the initial weights; random ones if not given.

    Raises:
        ModelError: the folder's checkpoint was made with another recipe.
    """

    def __init__(
        self,
        pool: Any,
        folder: Path | str,
        recipe: Any,
        device: str = "cpu",
        start: dict[str, torch.Tensor] | None = None,
    ) -> None:
        self.pool, self.folder, self.recipe, self.device = pool, Path(folder), recipe, device
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / "checkpoint.pt"
        torch.manual_seed(recipe.seed)
        network = self._make()
        if start is not None:
            network.load_state_dict(start)
        self.network = network.to(device, memory_format=torch.channels_last)
        self.averaged = AveragedModel(
            self.network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average)
        )
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.rate, weight_decay=recipe.decay
        )
        steps = max(recipe.steps + 1, 16)
        self.cycle = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, recipe.rate, total_steps=steps, pct_start=recipe.rise
        )
        self.half = _half_type(device)
        self.scaler = torch.amp.GradScaler(device, enabled=self.half == torch.float16)
        self.step, self.history = 0, {"train": [], "held": []}
        if self.path.exists():
            self._load()

    @abstractmethod
    def _make(self) -> nn.Module:
        """Return the network with random weights."""

    @abstractmethod
    def _draw(self, rng: np.random.Generator, size: int) -> Any:
        """Draw a batch of `size` pixels a side."""

    @abstractmethod
    def _loss(self, drawn: Any) -> tuple[torch.Tensor, dict[str, float]]:
        """Return the loss of a batch, and its parts for the curves."""

    @abstractmethod
    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on the held-out samples."""

    def run(
        self, upto: int | None = None, progress: Callable[[int, float], object] | None = None
    ) -> None:
        """Train to the end of the recipe, or up to a step, with checkpoints.

        Args:
            upto: the step to stop at, before the end.
            progress: called after each step with the number of steps done and the loss.
        """
        last = min(upto if upto is not None else self.recipe.steps, self.recipe.steps)
        while self.step < last:
            loss, parts = self._train_step()
            self.step += 1
            self.history["train"].append({"step": self.step, "loss": loss, **parts})
            if progress:
                progress(self.step, loss)
            if self.step % self.recipe.every == 0 or self.step == last:
                self.history["held"].append({"step": self.step, **self.validate()})
                self.save()

    def _train_step(self) -> tuple[float, dict[str, float]]:
        """Train on one batch, which depends only on the seed and the number of the step."""
        self.network.train()
        rng = np.random.default_rng([self.recipe.seed, self.step])
        loss, parts = self._loss(self._draw(rng, self.recipe.size_at(self.step)))
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_norm_(self.network.parameters(), 0.5)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.cycle.step()
        # With a high decay the average would contain the initial weights for too long.
        self.averaged.multi_avg_fn = get_ema_multi_avg_fn(
            min(self.recipe.average, (1 + self.step) / (10 + self.step))
        )
        self.averaged.update_parameters(self.network)
        return loss.item(), parts

    def state(self) -> dict[str, torch.Tensor]:
        """Return the averaged weights, on the CPU."""
        return {k: v.detach().cpu().clone() for k, v in self.averaged.module.state_dict().items()}

    def save(self) -> None:
        """Write the checkpoint atomically, and the history as JSON."""
        values = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "cycle": self.cycle.state_dict(),
            "scaler": self.scaler.state_dict(),
            "step": self.step,
            "recipe": json.dumps(asdict(self.recipe)),
        }
        part = self.path.with_suffix(".part")
        torch.save(values, part)
        part.replace(self.path)
        (self.folder / "history.json").write_text(json.dumps(self.history))

    def _load(self) -> None:
        values = self._read_checkpoint()
        if values["recipe"] != json.dumps(asdict(self.recipe)):
            raise ModelError(
                f"{self.path} was made with another recipe ({values['recipe']}). Train with that "
                "recipe, or give another folder to start a new training."
            )
        for name in ("network", "averaged", "optimiser", "cycle", "scaler"):
            getattr(self, name).load_state_dict(values[name])
        self.step = values["step"]
        history = read_note(self.folder / "history.json", dict[str, list[dict[str, float]]])
        self.history = {k: [r for r in v if r["step"] <= self.step] for k, v in history.items()}
        log.info("Training continues at step %d of %d.", self.step, self.recipe.steps)

    def _read_checkpoint(self) -> dict[str, Any]:
        """Read the checkpoint; raise ModelError if it is damaged."""
        try:
            values = torch.load(self.path, map_location=self.device, weights_only=True)
            if values.keys() >= CHECKPOINT:
                return values
            found = f"it lacks {', '.join(sorted(CHECKPOINT - values.keys()))}"
        except (OSError, EOFError, RuntimeError, UnpicklingError, AttributeError) as error:
            found = str(error).split("\n")[0]
        raise ModelError(
            f"{self.path} is damaged ({found}). Delete it, and train again from the beginning."
        )


CHECKPOINT = {"network", "averaged", "optimiser", "cycle", "scaler", "step", "recipe"}
"""What a checkpoint holds."""


class Trainer(BaseTrainer):
    """Trains the cleaner; see `BaseTrainer`. Its pool is a `Pool`, its recipe a `Recipe`."""

    def _make(self) -> CleanerNet:
        self.feature = feature_loss(self.recipe.features, self.device)
        return CleanerNet(self.recipe.widths, self.recipe.depths)

    def _draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        return self.pool.draw(rng, self.recipe.batch, size, self.recipe.held_out)

    def _loss(self, drawn: np.ndarray) -> tuple[torch.Tensor, dict[str, float]]:
        batch = torch.from_numpy(drawn).to(self.device)
        on = self.half is not None
        with torch.autocast(self.device, self.half or torch.bfloat16, enabled=on):
            return total_loss(self.network, batch, self.recipe.weights, self.feature)

    @torch.inference_mode()
    def validate(self, crop: int = 160) -> dict[str, float]:
        """Measure the averaged weights on the held-out samples: PSNR in dB, F1 of the mask."""
        held = self.pool.held(self.recipe.held_out, crop)
        errors, sums = np.zeros(4), np.zeros(3)
        for one in held:
            planes = torch.from_numpy(one[None, :EVIDENCE]).to(self.device)
            logits, repaired, result = restore(self.averaged.module, planes)
            found = logits[0, 0].cpu().numpy() > 0
            made, fixed = (x[0, 0].float().cpu().numpy() for x in (result, repaired))
            mask = one[MASK] > 0.5
            middle = np.sort(one[WITNESSES], 0)[1:3].mean(0)
            for slot, (image, where) in enumerate(
                ((fixed, mask), (middle, mask), (np.where(found, made, one[HERE]), ~mask))
            ):
                errors[slot] += np.square(image - one[TRUTH])[where].sum()
            sums += [(found & mask).sum(), found.sum(), mask.sum()]
        inside, area = max(sums[2], 1), max(held[:, MASK].size - sums[2], 1)
        return {
            "inside": _decibels(errors[0] / inside),
            "median inside": _decibels(errors[1] / inside),
            "outside": _decibels(errors[2] / area),
            "precision": float(sums[0] / max(sums[1], 1)),
            "recall": float(sums[0] / inside),
            "f1": float(2 * sums[0] / max(sums[1] + sums[2], 1)),
        }


def find_rate(
    trainer: BaseTrainer, lowest: float = 1e-5, highest: float = 0.1, steps: int = 60
) -> tuple[float, list[tuple[float, float]]]:
    """Find a learning rate by trying rising rates (Smith, WACV 2017); the network is restored.

    Returns:
        The rate to train with, a third of the one with the lowest smoothed loss; and the curve as
        (rate, loss).
    """
    original = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    optimiser = torch.optim.AdamW(trainer.network.parameters(), lr=lowest)
    curve, smooth = [], 0.0
    for step in range(steps):
        rate = lowest * (highest / lowest) ** (step / max(steps - 1, 1))
        for group in optimiser.param_groups:
            group["lr"] = rate
        rng = np.random.default_rng([trainer.recipe.seed, 999, step])
        recipe = trainer.recipe
        loss, _ = trainer._loss(trainer._draw(rng, recipe.sizes[0][0]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        smooth = 0.9 * smooth + 0.1 * loss.item()
        curve.append((rate, smooth / (1 - 0.9 ** (step + 1))))
        if not np.isfinite(smooth) or curve[-1][1] > 3 * min(value for _, value in curve):
            break
    trainer.network.load_state_dict(original)
    # The first values depend too much on single batches.
    settled = curve[min(5, len(curve) - 1) :]
    return min(settled, key=lambda pair: pair[1])[0] / 3, curve


def _half_type(device: str) -> torch.dtype | None:
    """Return the 16-bit type to train in, or None for float32."""
    from helpers.runtime.machine import cpu_has_bf16

    if device == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    return torch.bfloat16 if device == "cpu" and cpu_has_bf16() else None


def _decibels(error: float) -> float:
    """Return the PSNR of a mean squared error of values in 0..1, in decibels."""
    return float(10 * np.log10(1 / max(error, 1e-10)))

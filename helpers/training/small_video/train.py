"""Train the network for small compressed video.

    trained = train_small_video("my_network.safetensors", pictures="photos", films="free_films")

If it was interrupted, run it again to continue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.runtime.machine import runtime
from helpers.stages.upscale.small_video_network import (
    RADIUS,
    SCALE,
    Size,
    SmallVideoNet,
    split_colour,
)
from helpers.training.bars import run_with_bar, show_bar
from helpers.training.cleaner.train import Trained, write_weights
from helpers.training.loop import BaseTrainer, Schedule
from helpers.training.sheets import draw_panels
from helpers.training.small_video.least_squares import fit_last_layer
from helpers.training.small_video.samples import SmallVideoPool, make_maker

_FITTED = 800
"""Samples that least squares look at."""


@dataclass(frozen=True)
class SmallVideoRecipe(Schedule):
    """How to train the network; see `Schedule`. Sizes are in pixels of the small film.

    Attributes:
        network: its size.
        edges: the weight of the error of edges, beside that of brightness.
        colour: the weight of the error of colour.
        soft: the difference, of values in 0..1, below which an error counts as its square.
    """

    steps: int = 6000
    batch: int = 8
    sizes: tuple[tuple[int, float], ...] = ((48, 0.7), (64, 0.3))
    rate: float = 6e-4
    rise: float = 0.05
    decay: float = 1e-5
    average: float = 0.995
    held_out: int = 64
    every: int = 250
    network: Size = field(default_factory=Size)
    edges: float = 0.5
    colour: float = 0.5
    soft: float = 0.01


class SmallVideoTrainer(BaseTrainer):
    """Trains the network; see `BaseTrainer`. Its pool is a `SmallVideoPool`."""

    recipe: SmallVideoRecipe

    def _make(self) -> SmallVideoNet:
        network = SmallVideoNet(self.recipe.network)
        network.linear.requires_grad_(False)  # known in closed form; steps would only disturb it
        return network

    def _draw(self, rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
        recipe = self.recipe
        return self.pool.draw_pairs(rng, recipe.batch, size, recipe.held_out)

    def _loss(self, drawn: tuple[np.ndarray, np.ndarray]) -> tuple[Tensor, dict[str, float]]:
        window, truth = (torch.from_numpy(one).to(self.device) for one in drawn)
        made = self.network(window)
        plain = enlarge_plainly(window)
        errors = measure_errors(made, truth, self.recipe)
        with torch.no_grad():
            usual = measure_errors(plain, truth, self.recipe)
        # Each sample counts by how much better than plain enlarging it is, as a mean of decibels
        # does; else a few wild scenes would decide.
        return (errors / (usual + 0.004)).mean(), {}

    @torch.inference_mode()
    def validate(self) -> dict[str, float]:
        """Measure the averaged weights on the held-out samples: dB and edges beside bicubic."""
        found = []
        window, truth = self.pool.held_pairs(self.recipe.held_out)
        for one, right in zip(window, truth, strict=True):
            planes = torch.from_numpy(one[None]).to(self.device)
            target = torch.from_numpy(right[None]).to(self.device)
            made, plain = self.averaged.module(planes).clamp(0, 1), enlarge_plainly(planes)
            edges = [_edges(picture) for picture in (made, plain, target)]
            found.append(
                [
                    _psnr(made, target),
                    _psnr(plain, target),
                    edges[0] / edges[1],
                    edges[2] / edges[1],
                ]
            )
        made, plain, sharp, right = np.mean(found, 0)
        return {
            "network": float(made), "bicubic": float(plain),
            "gain": float(made - plain), "worst": float(min(a - b for a, b, *_ in found)),
            "edges": float(sharp), "true edges": float(right),
        }  # fmt: skip


def enlarge_plainly(window: Tensor) -> Tensor:
    """Enlarge the frame in the middle of windows by cubic interpolation, within 0..1."""
    middle = window[:, 3 * RADIUS : 3 * RADIUS + 3]
    large = functional.interpolate(
        middle, scale_factor=float(SCALE), mode="bicubic", align_corners=False
    )
    return large.clamp(0, 1)


def measure_errors(made: Tensor, truth: Tensor, recipe: SmallVideoRecipe) -> Tensor:
    """Return the error of every sample, (N,): of brightness, of its edges, and of colour."""
    (light, colour), (right, tint) = split_colour(made), split_colour(truth)
    away = light - right
    total = _softened(away, recipe.soft).mean((1, 2))
    slopes = [away[:, :, 1:] - away[:, :, :-1], away[:, 1:] - away[:, :-1]]
    for slope in slopes:
        total = total + recipe.edges * _softened(slope, recipe.soft / 2).mean((1, 2))
    return total + recipe.colour * _softened(colour - tint, recipe.soft).mean((1, 2, 3))


def _softened(error: Tensor, soft: float) -> Tensor:
    """Return the absolute error, which is rounded off near 0 (Charbonnier)."""
    return (error.square() + soft**2).sqrt() - soft


def _psnr(made: Tensor, truth: Tensor) -> float:
    error = float((made - truth).square().mean())
    return float(10 * np.log10(1 / max(error, 1e-8)))


def _edges(picture: Tensor) -> float:
    light, _ = split_colour(picture)
    return float((light[:, :, 1:] - light[:, :, :-1]).abs().mean()) + 1e-6


def train_small_video(
    output: Path | str,
    *,
    folder: Path | str | None = None,
    pictures: Path | str | None = None,
    films: Path | str | None = None,
    samples: int = 3000,
    size: int = 96,
    recipe: SmallVideoRecipe | None = None,
    start: Path | str | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Trained:
    """Train the network and write its weights as fp16 safetensors.

    Args:
        output: the file of weights to write.
        folder: a folder for samples, checkpoint and history; beside the output if not given.
        pictures: a folder with pictures to make scenes from; scikit-image's if not given.
        films: a folder with films to take pieces of.
        samples: number of samples to make; on disk each takes 0.6 MB.
        size: pixels a side of the samples, in the small film; a multiple of 16.
        recipe: how to train.
        start: a file of weights to begin with; random ones if not given.
        workers: processes that make samples.
        progress: show progress bars.

    Raises:
        ModelError: a folder has no pictures or films, or `folder` holds a training with another
            recipe or other samples.
    """
    output = Path(output)
    folder = Path(folder) if folder else output.with_suffix("")
    recipe = recipe or SmallVideoRecipe()
    recipe.check_samples(samples)
    pool = SmallVideoPool(folder, samples, size)
    if pool.filled < samples:
        maker = make_maker(pictures, films, size, recipe.held_out)
        with show_bar("samples", samples, progress, pool.filled) as shown:
            pool.fill(maker, recipe.seed, lambda done: shown.update(done - shown.n), workers)
    begun = folder / "start.safetensors"
    if not begun.exists():
        write_weights(_fit(_read(start), pool, recipe), begun)
    trainer = SmallVideoTrainer(pool, folder, recipe, runtime().device, _read(begun))
    run_with_bar(trainer, progress)
    # By least squares again, for the features that were learned; that is worth as much as training.
    trainer.averaged.module.load_state_dict(_fit(trainer.state(), pool, recipe))
    found = trainer.validate()
    write_weights(trainer.state(), output)
    sheet = draw_sheet(pool, trainer.state(), range(0, recipe.held_out, 7))
    return Trained(output, found, draw_curves(trainer.history), sheet)


def _fit(
    state: dict[str, Tensor] | None, pool: SmallVideoPool, recipe: SmallVideoRecipe
) -> dict[str, Tensor]:
    """Return weights, random ones if None, whose last layer is found by least squares."""
    torch.manual_seed(recipe.seed)
    network = SmallVideoNet(recipe.network).eval()
    if state is not None:
        network.load_state_dict(state)
    step = max((pool.filled - recipe.held_out) // _FITTED, 1)
    fit_last_layer(network, pool, range(recipe.held_out, pool.filled, step), pool.size // 2)
    return network.state_dict()


def _read(path: Path | str | None) -> dict[str, Tensor] | None:
    if path is None:
        return None
    from safetensors.torch import load_file

    return {name: value.float() for name, value in load_file(path).items()}


def draw_curves(history: dict[str, list[dict[str, Any]]]) -> np.ndarray:
    """Draw the loss, the dB and the edges on the held-out samples, (300, 960, 3) RGB uint8."""
    titles = ("error, bicubic is 1", "dB", "edges, bicubic is 1")
    return draw_panels(history, titles, (("network", "bicubic"), ("edges", "true edges")))


@torch.inference_mode()
def draw_sheet(
    pool: SmallVideoPool, state: dict[str, Tensor], numbers: Sequence[int]
) -> np.ndarray:
    """Draw samples, one in a row: plainly enlarged, by the network, the truth; RGB uint8."""
    from helpers.stages.upscale.small_video import read_size

    network: nn.Module = SmallVideoNet(read_size(state)).eval()
    network.load_state_dict(state)
    window, truth = pool.held_pairs(max(numbers) + 1)
    rows = []
    for number in numbers:
        planes = torch.from_numpy(window[number][None])
        made = [enlarge_plainly(planes)[0], network(planes)[0], torch.from_numpy(truth[number])]
        rows.append(torch.cat(made, 2))
    whole = torch.cat(rows, 1).clamp(0, 1).permute(1, 2, 0).numpy()
    return np.rint(255 * whole).astype(np.uint8)

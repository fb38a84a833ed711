"""Train the network that finds and repairs film damage.

    trained = train_cleaner("my_cleaner.safetensors", clip=open_video("wedding.mp4"))
    RemoveDamage("learned", weights=trained.path)(clip)

If it was interrupted, run it again to continue.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from helpers.clip import Clip
from helpers.runtime.machine import runtime
from helpers.training.bars import run_with_bar, show_bar
from helpers.training.cleaner.film_statistics import extract_grain_and_damage
from helpers.training.cleaner.overlays import read_overlays
from helpers.training.cleaner.pool import Pool
from helpers.training.cleaner.samples import Maker
from helpers.training.cleaner.scenes import read_pictures
from helpers.training.loop import Recipe, Trainer, find_rate
from helpers.training.notes import read_note
from helpers.training.sheets import draw_curves, draw_samples

log = logging.getLogger("helpers")

_SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "cleaner.safetensors"
"""The weights that come with the package; by default training begins with them."""


@dataclass(frozen=True)
class Rate:
    """`rate.json`: the learning rate that was found, and the curve as (rate, loss)."""

    rate: float
    curve: tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Trained:
    """The result of a training.

    Attributes:
        path: the file of weights.
        numbers: measured on the held-out samples: PSNR in dB inside the damage and outside it, F1
            of the mask. "median inside" is the PSNR that the median reaches inside the damage.
        curves: the loss and these numbers over the steps, (H, W, 3) RGB uint8.
        sheet: samples, (H, W, 3) RGB uint8: damaged, cleaned, truth, predicted and true mask.
        rate_curve: the curve of the learning-rate finder, as (rate, loss); empty if it was not
            used.
    """

    path: Path
    numbers: dict[str, float]
    curves: np.ndarray
    sheet: np.ndarray
    rate_curve: tuple[tuple[float, float], ...] = ()

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {value:.2f}" for name, value in self.numbers.items())
        return f"{self.path}: {numbers}"


def train_cleaner(
    output: Path | str,
    *,
    folder: Path | str | None = None,
    pictures: Path | str | None = None,
    overlays: Path | str | None = None,
    clip: Clip | None = None,
    samples: int = 4000,
    size: int = 160,
    recipe: Recipe | None = None,
    fresh: bool = False,
    find: bool = False,
    progress: bool = True,
) -> Trained:
    """Train a cleaner and write its weights as fp16 safetensors.

    Memory does not depend on the number of samples, because they are on disk.

    Args:
        output: the file of weights to write.
        folder: a folder for samples, checkpoint and history; beside the output if not given.
        pictures: a folder with clean pictures to make scenes from; scikit-image's if not given.
        overlays: a folder with damage overlays, with an alpha channel or on plain grey.
        clip: a film whose grain and damage are used as well.
        samples: number of samples to make.
        size: pixels a side of the samples.
        recipe: how to train.
        fresh: begin with random weights, not with those that come with the package.
        find: search for a learning rate first, and use it instead of the recipe's.
        progress: show progress bars.

    Raises:
        ModelError: a folder has no pictures or overlays, or `folder` holds a training with another
            recipe or other samples.
    """
    output = Path(output)
    folder = Path(folder) if folder else output.with_suffix("")
    recipe = recipe or Recipe()
    recipe.check_samples(samples)
    pool = Pool(folder, samples, size)
    if pool.filled < samples:
        maker = make_maker(pictures, overlays, clip, size)
        with show_bar("samples", samples, progress, pool.filled) as shown:
            pool.fill(maker, recipe.seed, lambda done: shown.update(done - shown.n))
    recipe, rate_curve = _choose_rate(pool, folder, recipe, find, fresh)
    trainer = Trainer(pool, folder, recipe, runtime().device, _initial_weights(recipe, fresh))
    run_with_bar(trainer, progress)
    write_weights(trainer.state(), output)
    sheet = draw_samples(pool, trainer.state(), recipe.widths, recipe.depths)
    numbers = {k: v for k, v in trainer.history["held"][-1].items() if k != "step"}
    return Trained(output, numbers, draw_curves(trainer.history), sheet, rate_curve)


def make_maker(
    pictures: Path | str | None,
    overlays: Path | str | None,
    clip: Clip | None = None,
    size: int = 160,
) -> Maker:
    """Make a sample maker from pictures, overlays and a film; see `train_cleaner`."""
    grains, found = extract_grain_and_damage(clip) if clip is not None else ([], [])
    if clip is not None:
        log.info("The film has %d pieces of grain and %d of damage.", len(grains), len(found))
    shapes = read_overlays(overlays) if overlays else []
    return Maker(read_pictures(pictures), [*shapes, *found], size, grains)


def _initial_weights(recipe: Recipe, fresh: bool) -> dict[str, torch.Tensor] | None:
    """Return the weights that come with the package; None if they do not fit or are not wanted."""
    fits = (recipe.widths, recipe.depths) == (Recipe.widths, Recipe.depths)
    if fresh or not fits or not _SHIPPED.exists():
        return None
    from safetensors.torch import load_file

    return {name: value.float() for name, value in load_file(_SHIPPED).items()}


def _choose_rate(
    pool: Pool, folder: Path, recipe: Recipe, find: bool, fresh: bool
) -> tuple[Recipe, tuple[tuple[float, float], ...]]:
    """Return the recipe with a rate that is found now, or was found before an interruption."""
    if not find:
        return recipe, ()
    from dataclasses import replace

    note = folder / "rate.json"
    if not note.exists():
        start = _initial_weights(recipe, fresh)
        trainer = Trainer(pool, folder / "rate", recipe, runtime().device, start)
        rate, points = find_rate(trainer)
        curve = [point for point in points if np.isfinite(point[1])]  # the last may not be
        note.write_text(json.dumps({"rate": rate, "curve": curve}))
        log.info("The learning rate %.1e was found.", rate)
    found = read_note(note, Rate)
    return replace(recipe, rate=found.rate), found.curve


def write_weights(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write weights as fp16 safetensors; the file gets its name when it is complete."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file({name: value.half().contiguous() for name, value in state.items()}, part)
    part.replace(path)

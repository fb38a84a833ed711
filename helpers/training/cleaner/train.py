"""Train the network that finds and repairs film damage.

    trained = train_cleaner("my_cleaner.safetensors", clip=open_video("wedding.mp4"))
    RemoveDamage("learned", weights=trained.path)(clip)

Run it again after it was broken off, and it goes on where it was.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from helpers.clip import Clip
from helpers.errors import ModelError
from helpers.runtime.machine import runtime
from helpers.training.cleaner.film_statistics import study
from helpers.training.cleaner.overlays import read_overlays
from helpers.training.cleaner.pool import Pool
from helpers.training.cleaner.samples import Maker
from helpers.training.cleaner.scenes import read_pictures
from helpers.training.loop import BaseTrainer, Recipe, Trainer, find_rate
from helpers.training.sheets import curves, sample_sheet

log = logging.getLogger("helpers")

SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "cleaner.safetensors"
"""The weights that come with the package; training may begin with them."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training has made.

    Attributes:
        path: the file of weights.
        numbers: measured on samples that were not trained on. Of the cleaner: PSNR in dB inside
            the damage and outside it, F1 of the mask; "median inside" is the median's PSNR there.
        curves: the loss and those numbers over the steps, (H, W, 3) RGB uint8.
        sheet: samples, (H, W, 3) RGB uint8. Of the cleaner: damaged, cleaned, the truth, mask
            found, true mask.
        rate_curve: what the learning-rate finder saw, as (rate, loss); empty if it was not asked.
    """

    path: Path
    numbers: dict[str, float]
    curves: np.ndarray
    sheet: np.ndarray
    rate_curve: tuple[tuple[float, float], ...] = ()

    def __repr__(self) -> str:
        said = ", ".join(f"{name} {value:.2f}" for name, value in self.numbers.items())
        return f"{self.path}: {said}"


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

    Memory is bounded by the batch and the picture size of the recipe, whatever the number of
    samples: they lie on disk (7 bytes a pixel each).

    Args:
        output: the file of weights to write.
        folder: for samples, checkpoint and history; beside the output if not given.
        pictures: a folder of clean pictures to make scenes of; scikit-image's if not given.
        overlays: a folder of damage overlays, with an alpha channel or on an even grey.
        clip: a film to take grain and damage from, as well.
        samples: how many to make.
        size: pixels a side of the samples.
        recipe: how to train.
        fresh: begin with random weights, not with those that come with the package.
        find: look for a learning rate first, and use it instead of the recipe's.
        progress: show bars.

    Raises:
        ModelError: there are no pictures or overlays where they were said to be, or the folder
            holds a training with another recipe or other samples.
    """
    output = Path(output)
    folder = Path(folder) if folder else output.with_suffix("")
    recipe = recipe or Recipe()
    if samples <= recipe.held_out:
        raise ModelError(
            f"{samples} samples were asked for, of which {recipe.held_out} are held out; allowed "
            "are more than that."
        )
    pool = Pool(folder, samples, size)
    if pool.filled < samples:
        maker = make_maker(pictures, overlays, clip, size)
        with bar("samples", samples, progress, pool.filled) as shown:
            pool.fill(maker, recipe.seed, lambda done: shown.update(done - shown.n))
    recipe, rate_curve = _with_rate(pool, folder, recipe, find, fresh)
    trainer = Trainer(pool, folder, recipe, runtime().device, _start(recipe, fresh))
    run_shown(trainer, progress)
    write_weights(trainer.state(), output)
    sheet = sample_sheet(pool, trainer.state(), recipe.widths, recipe.depths)
    numbers = {k: v for k, v in trainer.history["held"][-1].items() if k != "step"}
    return Trained(output, numbers, curves(trainer.history), sheet, rate_curve)


def make_maker(
    pictures: Path | str | None,
    overlays: Path | str | None,
    clip: Clip | None = None,
    size: int = 160,
) -> Maker:
    """Gather pictures, overlays, and what a film gives; see `train_cleaner`."""
    grains, found = study(clip) if clip is not None else ([], [])
    if clip is not None:
        log.info("The film gave %d pieces of grain and %d of damage.", len(grains), len(found))
    shapes = read_overlays(overlays) if overlays else []
    return Maker(read_pictures(pictures), [*shapes, *found], size, grains)


def _start(recipe: Recipe, fresh: bool) -> dict[str, torch.Tensor] | None:
    """Return the weights to begin with, if they fit the recipe's network."""
    fits = (recipe.widths, recipe.depths) == (Recipe.widths, Recipe.depths)
    if fresh or not fits or not SHIPPED.exists():
        return None
    from safetensors.torch import load_file

    return {name: value.float() for name, value in load_file(SHIPPED).items()}


def _with_rate(
    pool: Pool, folder: Path, recipe: Recipe, find: bool, fresh: bool
) -> tuple[Recipe, tuple[tuple[float, float], ...]]:
    """Return the recipe with the rate that was found, now or by the run that is gone on with."""
    if not find:
        return recipe, ()
    from dataclasses import replace

    note = folder / "rate.json"
    if not note.exists():
        trainer = Trainer(pool, folder / "rate", recipe, runtime().device, _start(recipe, fresh))
        rate, curve = find_rate(trainer)
        note.write_text(json.dumps({"rate": rate, "curve": curve}))
        log.info("The learning rate was found to be %.1e.", rate)
    found = json.loads(note.read_text())
    return replace(recipe, rate=found["rate"]), tuple((a, b) for a, b in found["curve"])


def write_weights(state: dict[str, torch.Tensor], path: Path) -> None:
    """Write weights as fp16 safetensors, whole or not at all."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file({name: value.half().contiguous() for name, value in state.items()}, part)
    part.replace(path)


@contextmanager
def bar(name: str, total: int, shown: bool, done: int) -> Iterator[tqdm]:
    """Show how far something has come."""
    with tqdm(total=total, initial=done, desc=name, disable=not shown) as made:
        yield made


def run_shown(trainer: BaseTrainer, shown: bool) -> None:
    """Train to the end of the recipe and show how far it has come."""
    with bar("steps", trainer.recipe.steps, shown, trainer.step) as steps:

        def tell(step: int, loss: float) -> None:
            steps.set_postfix(loss=f"{loss:.3f}", refresh=False)
            steps.update(step - steps.n)

        trainer.run(progress=tell)

"""Train the network that draws frames between frames.

    trained = train_interpolator("my_fusion.safetensors", pictures="photos")

Run it again after it was broken off, and it goes on where it was.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from helpers.errors import ModelError
from helpers.runtime.machine import runtime
from helpers.stages.interpolate.fusion import widths_of
from helpers.stages.interpolate.fusion_network import mixed
from helpers.training.cleaner.train import Trained, bar, run_shown, write_weights
from helpers.training.interpolation.samples import MotionMaker, MotionPool, read_colour_pictures
from helpers.training.interpolation.trainer import MotionRecipe, MotionTrainer, batched, tempered
from helpers.training.sheets import panels

SHIPPED = Path(__file__).resolve().parents[2] / "weights" / "fusion.safetensors"
"""The weights that come with the package; training may begin with them."""


def train_interpolator(
    output: Path | str,
    *,
    folder: Path | str | None = None,
    pictures: Path | str | None = None,
    samples: int = 6000,
    size: int = 224,
    recipe: MotionRecipe | None = None,
    workers: int = 2,
    fresh: bool = False,
    progress: bool = True,
) -> Trained:
    """Train the fusion network and write its weights as fp16 safetensors.

    Args:
        output: the file of weights to write.
        folder: for samples (18 bytes a pixel each), checkpoint and history; beside the output if
            not given.
        pictures: a folder of clean pictures to make scenes of; scikit-image's if not given.
        samples: how many to make.
        size: pixels a side of the samples; a multiple of 16.
        recipe: how to train.
        workers: processes that make samples; they are the same whatever their number.
        fresh: begin with random weights, not with those that come with the package.
        progress: show bars.

    Raises:
        ModelError: there are too few pictures or samples, the size is not allowed, or the folder
            holds a training with another recipe or other samples.
    """
    output = Path(output)
    folder = Path(folder) if folder else output.with_suffix("")
    recipe = recipe or MotionRecipe()
    if samples <= recipe.held_out or size % 16 or size < 64:
        raise ModelError(
            f"{samples} samples of {size} pixels a side were asked for; allowed are more than the "
            f"{recipe.held_out} that are held out, of 64, 80, 96 or any higher multiple of 16."
        )
    pool = MotionPool(folder, samples, size)
    if pool.filled < samples:
        maker = MotionMaker(read_colour_pictures(pictures), size, recipe.held_out)
        with bar("samples", samples, progress, pool.filled) as shown:
            pool.fill_with(maker, recipe.seed, workers, lambda done: shown.update(done - shown.n))
    trainer = MotionTrainer(pool, folder, recipe, runtime().device, _start(recipe, fresh))
    run_shown(trainer, progress)
    write_weights(tempered(trainer.state(), recipe.kept), output)
    numbers = {k: v for k, v in trainer.history["held"][-1].items() if k != "step"}
    return Trained(output, numbers, motion_curves(trainer.history), motion_sheet(trainer))


def _start(recipe: MotionRecipe, fresh: bool) -> dict[str, torch.Tensor] | None:
    """Return the weights to begin with, if they fit the recipe's network."""
    if fresh or not SHIPPED.exists():
        return None
    from safetensors.torch import load_file

    state = {name: value.float() for name, value in load_file(SHIPPED).items()}
    return state if widths_of(state) == list(recipe.widths) else None


def motion_curves(history: dict[str, list[dict[str, float]]]) -> np.ndarray:
    """Draw the loss, PSNR and the gain over optical flow, over the steps; (H, W, 3) RGB uint8."""
    return panels(
        history,
        ("loss, 0 is optical flow", "dB on scenes held out", "dB over optical flow"),
        (("psnr", "flow"), ("gain", "worst")),
    )


@torch.inference_mode()
def motion_sheet(trainer: MotionTrainer, count: int = 8) -> np.ndarray:
    """Draw samples held out, one a row: first, last, flow, the network, the truth.

    Returns:
        (rows * size, 5 * size, 3) RGB uint8.
    """
    network, rows = trainer.averaged.module.eval(), []
    for pair in trainer.pool.pairs(count):
        seen, _ = batched([pair], trainer.device)
        base, made = (
            255 * picture[0].permute(1, 2, 0).float().cpu().numpy()
            for picture in (mixed(seen.brought, seen.weights), network(seen))
        )
        rows.append(np.hstack([pair.first, pair.last, base, made, pair.truth]))
    return np.rint(np.vstack(rows).clip(0, 255)).astype(np.uint8)

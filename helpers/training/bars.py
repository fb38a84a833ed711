"""The progress bars of a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tqdm.auto import tqdm

from helpers.training.loop import BaseTrainer


@contextmanager
def show_bar(name: str, total: int, shown: bool, done: int) -> Iterator[tqdm]:
    """Show a progress bar."""
    with tqdm(total=total, initial=done, desc=name, disable=not shown) as made:
        yield made


def run_with_bar(trainer: BaseTrainer, shown: bool) -> None:
    """Train to the end of the recipe with a progress bar."""
    with show_bar("steps", trainer.recipe.steps, shown, trainer.step) as steps:

        def update(step: int, loss: float) -> None:
            steps.set_postfix(loss=f"{loss:.3f}", refresh=False)
            steps.update(step - steps.n)

        trainer.run(progress=update)

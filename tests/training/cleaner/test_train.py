"""Training the cleaner: it goes on where it stopped, and the stage takes what it gives."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from helpers.errors import ModelError
from helpers.stages.damage.network import CleanerNet
from helpers.stages.damage.stage import RemoveDamage
from helpers.training.cleaner.overlays import read_overlays
from helpers.training.cleaner.pool import Pool
from helpers.training.cleaner.train import train_cleaner, write_weights
from helpers.training.loop import Recipe, Trainer, find_rate
from tests.support.cleaner_samples import small_maker
from tests.support.clips import clip_of
from tests.support.law import assert_true
from tests.support.worn_films import dusty, panning

TINY = Recipe(
    steps=4, batch=2, sizes=((32, 0.5), (48, 0.5)), widths=(8, 8, 8), depths=(1, 1, 1),
    held_out=2, every=2, features="gradient",
)  # fmt: skip


@pytest.fixture
def pool(tmp_path):
    pool = Pool(tmp_path / "pool", 6, 48)
    pool.fill(small_maker())
    return pool


def test_a_training_that_was_broken_off_ends_as_one_that_was_not(pool, tmp_path):
    whole = Trainer(pool, tmp_path / "whole", TINY)
    whole.run()
    Trainer(pool, tmp_path / "parts", TINY).run(upto=2)
    parts = Trainer(pool, tmp_path / "parts", TINY)
    assert parts.step == 2
    parts.run()
    assert all(torch.equal(a, parts.state()[name]) for name, a in whole.state().items())
    assert [row["step"] for row in parts.history["train"]] == [1, 2, 3, 4]
    with pytest.raises(ModelError, match="another recipe"):
        Trainer(pool, tmp_path / "parts", Recipe())


def test_the_rate_finder_leaves_the_network_as_it_was(pool, tmp_path):
    trainer = Trainer(pool, tmp_path / "rate", TINY)
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    rate, curve = find_rate(trainer, steps=8)
    assert 1e-6 < rate < 0.1 and len(curve) > 1
    assert all(torch.equal(before[n], v) for n, v in trainer.network.state_dict().items())


def test_training_gives_weights_that_the_stage_takes(tmp_path):
    folder = tmp_path / "overlays"
    folder.mkdir()
    cv2.imwrite(str(folder / "dirt.png"), np.pad(np.full((20, 20), 220, np.uint8), 20))
    assert read_overlays(folder)[0].max() == 255
    own = clip_of(dusty(panning(6, 128, 112))[0])
    made = train_cleaner(
        tmp_path / "own.safetensors", overlays=folder, clip=own, samples=4, size=48, recipe=TINY,
        progress=False, pictures=_pictures(tmp_path),
    )  # fmt: skip
    assert made.curves.ndim == made.sheet.ndim == 3 and "f1" in made.numbers
    assert made.path.stat().st_size < 2_000_000
    clip = RemoveDamage("learned", weights=str(made.path))(clip_of(panning(5)))
    assert_true(clip, list(clip))
    again = tmp_path / "again.safetensors"
    write_weights(CleanerNet().state_dict(), again)
    assert again.stat().st_size < 2_000_000
    assert (
        RemoveDamage("learned", weights=str(again)).recipe()["weights"]
        != (clip.recipe()[-1]["weights"])
    )


def _pictures(folder):
    path = folder / "pictures"
    path.mkdir()
    cv2.imwrite(str(path / "a.png"), panning(1, 200, 180)[0])
    return path


@pytest.mark.parametrize("data", [b"", b"garbage", b"\x80\x02}q\x00.", b"PK\x03\x04"])
def test_a_damaged_checkpoint_is_one_sentence(pool, tmp_path, data):
    (tmp_path / "checkpoint.pt").write_bytes(data)
    with pytest.raises(ModelError, match=r"checkpoint\.pt is damaged.*Delete it"):
        Trainer(pool, tmp_path, TINY)

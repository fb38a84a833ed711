"""Training for small video: scenes, codecs, samples, and going on where it stopped."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch

from helpers.clip import MemoryClip
from helpers.errors import ModelError
from helpers.stages.upscale.small_video import SmallVideoUpscaler
from helpers.stages.upscale.small_video_network import FRAMES, SCALE, Size, SmallVideoNet
from helpers.training.cleaner.pool import SERIES
from helpers.training.small_video.codecs import CODECS, _draw_options, degrade
from helpers.training.small_video.least_squares import fit_last_layer
from helpers.training.small_video.samples import (
    PLANES,
    SmallVideoMaker,
    SmallVideoPool,
    read_films,
    split,
)
from helpers.training.small_video.scenes import TalkScene
from helpers.training.small_video.train import (
    SmallVideoRecipe,
    SmallVideoTrainer,
    enlarge_plainly,
    train_small_video,
)
from helpers.video.recode import recode
from tests.support.clips import clip_of
from tests.support.paths import TALK
from tests.support.worn_films import panning

TINY = SmallVideoRecipe(
    steps=4, batch=2, sizes=((16, 0.5), (32, 0.5)), held_out=2, every=2, network=Size(8, 8, 1)
)


def _maker(**fields):
    pictures = [np.roll(panning(1, 200, 180)[0], n, 2) for n in (0, 1)]
    return SmallVideoMaker(pictures, size=32, held_out=2, **fields)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    pool = SmallVideoPool(tmp_path_factory.mktemp("pool"), 6, 32)
    pool.fill(_maker(), 0)
    return pool


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_draws_options_that_it_knows(codec):
    seen = [np.ascontiguousarray(image) for image in panning(5, 64, 48)]
    for seed in range(4):
        options, rate = _draw_options(codec, np.random.default_rng(seed))
        made = recode(seen, codec, options, rate).pictures
        assert len(made) == len(seen) and made[0].shape == seen[0].shape


def test_a_film_of_pictures_is_a_quarter_as_large():
    large = [image.astype(np.float32) for image in panning(6, 128, 64)]
    small = degrade(large, np.random.default_rng(3))
    assert [one.shape for one in small] == [(16, 32, 3)] * 6 and small[0].dtype == np.uint8


def test_a_talk_moves_a_little_and_smoothly():
    rng = np.random.default_rng(4)
    scene = TalkScene(
        [cv2.GaussianBlur(image, (0, 0), 2) for image in panning(1, 220, 200)], rng, 96
    )
    frames = [scene.draw(number) for number in range(4)]
    assert frames[0].shape == (96, 96, 3) and frames[0].dtype == np.float32
    steps = [float(np.abs(a - b).mean()) for a, b in pairwise(frames)]
    assert 0 < max(steps) < 40


def test_the_same_number_makes_the_same_sample_in_any_order(pool):
    for number in (5, 2, 4):
        assert np.array_equal(_maker().sample(number), pool.samples[number])
    assert pool.samples[0].shape == (PLANES, 32, 32)
    assert not np.array_equal(_maker().sample(SERIES + 2), pool.samples[2])


def test_a_sample_is_a_window_and_the_truth_it_was_made_of(pool):
    window, truth = split(pool.samples[3].astype(np.float32) / 255)
    assert window.shape == (3 * FRAMES, 32, 32) and truth.shape == (3, 32 * SCALE, 32 * SCALE)
    plain = enlarge_plainly(torch.from_numpy(window[None]))[0].numpy()
    assert np.abs(plain - truth).mean() < np.abs(plain - np.roll(truth, 16, 2)).mean()


def test_drawn_samples_are_cropped_alike(pool):
    window, truth = pool.draw_pairs(np.random.default_rng(1), 3, 16, 2)
    assert window.shape == (3, 3 * FRAMES, 16, 16) and truth.shape == (3, 3, 64, 64)
    assert window.dtype == truth.dtype == np.float32


def test_least_squares_draw_the_samples_better_than_the_average(pool):
    torch.manual_seed(2)
    network = SmallVideoNet(Size(8, 8, 1)).eval()
    window, truth = (torch.from_numpy(one) for one in pool.held_pairs(6))

    def error():
        with torch.inference_mode():
            return float((network(window) - truth).square().mean())

    before = error()
    fit_last_layer(network, pool, range(6), 32)
    assert error() < 0.9 * before


@pytest.mark.slow
def test_a_training_that_was_broken_off_ends_as_one_that_was_not(pool, tmp_path):
    whole = SmallVideoTrainer(pool, tmp_path / "whole", TINY)
    whole.run()
    SmallVideoTrainer(pool, tmp_path / "parts", TINY).run(upto=2)
    parts = SmallVideoTrainer(pool, tmp_path / "parts", TINY)
    assert parts.step == 2
    parts.run()
    assert all(torch.equal(a, parts.state()[name]) for name, a in whole.state().items())
    with pytest.raises(ModelError, match="another recipe"):
        SmallVideoTrainer(pool, tmp_path / "parts", SmallVideoRecipe())


def test_it_begins_with_the_average_and_learns(pool, tmp_path):
    trainer = SmallVideoTrainer(pool, tmp_path, TINY)
    before = trainer.validate()
    assert abs(before["gain"]) < 3
    batch = trainer._draw(np.random.default_rng(0), 32)
    first = trainer._loss(batch)[0].item()
    for _ in range(40):
        loss = trainer._loss(batch)[0]
        trainer.optimiser.zero_grad()
        loss.backward()
        for group in trainer.optimiser.param_groups:
            group["lr"] = 2e-3
        trainer.optimiser.step()
    assert loss.item() < 0.97 * first


def test_training_gives_weights_that_the_engine_takes(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        image = np.roll(panning(1, 200, 180)[0], number, 2)
        cv2.imwrite(str(folder / f"{number}.png"), image)
    made = train_small_video(
        tmp_path / "own.safetensors", pictures=folder, samples=6, size=32, recipe=TINY,
        progress=False,
    )  # fmt: skip
    assert made.curves.ndim == made.sheet.ndim == 3 and "gain" in made.numbers
    from helpers.nn.weight_files import read_state

    engine = SmallVideoUpscaler(read_state([made.path]))
    (large,) = engine.upscale_sequence([panning(1, 40, 24)[0]])
    assert large.shape == (96, 160, 3)


def test_a_folder_without_films_is_named(tmp_path):
    with pytest.raises(ModelError, match=f"No film .* was found in {tmp_path}"):
        read_films(tmp_path)
    assert read_films(None) == []


def test_pieces_of_a_film_are_as_large_as_asked():
    (film,) = [one for one in read_films(TALK.parent) if one.path == TALK]
    frames = film.draw(np.random.default_rng(2), 96, 5)
    assert [frame.shape for frame in frames] == [(96, 96, 3)] * 5
    assert isinstance(clip_of([frames[0].astype(np.uint8)]), MemoryClip)

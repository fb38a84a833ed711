"""The fusion network: what it begins with, what it keeps, its weights, and how it is trained."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from helpers.catalog import table as catalog
from helpers.errors import ModelError, OutOfMemoryError
from helpers.stages.interpolate.flow import FlowInterpolator
from helpers.stages.interpolate.fusion import FusionInterpolator, look, padded, widths_of
from helpers.stages.interpolate.fusion_network import (
    BANDS,
    CANDIDATES,
    FusionNet,
    Seen,
    equalised,
    features,
    mixed,
)  # fmt: skip
from helpers.stages.interpolate.stage import Interpolate
from helpers.training.interpolation.camera import CODECS, FilmFinish, coded
from helpers.training.interpolation.samples import (
    PARTS,
    MotionMaker,
    MotionPool,
    Pair,
    read_colour_pictures,
    varied,
)  # fmt: skip
from helpers.training.interpolation.scenes import MotionScene
from helpers.training.interpolation.shapes import draw_shape, pattern
from helpers.training.interpolation.train import train_interpolator
from helpers.training.interpolation.trainer import MotionRecipe, MotionTrainer, tempered
from tests.support.law import assert_law, assert_true, varying_clip
from tests.support.rife_states import pictures

TINY = MotionRecipe(
    steps=4, batch=2, sizes=((32, 0.5), (48, 0.5)), widths=(8, 8, 8), held_out=2, every=2
)


@pytest.fixture(scope="module")
def state():
    """Weights of a small network that changes a good deal."""
    torch.manual_seed(2)
    network = FusionNet((8, 8, 8))
    network.last.weight = torch.nn.Parameter(torch.randn_like(network.last.weight))
    return network.state_dict()


@pytest.fixture(scope="module")
def engine(state):
    return FusionInterpolator(state)


@pytest.fixture(scope="module")
def photos():
    """Two colour pictures that any machine has."""
    noise = np.random.default_rng(1).normal(size=(2, 130, 170, 3)).astype(np.float32)
    soft = [cv2.GaussianBlur(one, (0, 0), 2) for one in noise]
    return [np.rint(120 + 300 * one).clip(0, 255).astype(np.uint8) for one in soft]


# --- what it draws ------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (7, 13), (60, 83)])
def test_before_it_learns_it_is_the_flow_engine(size, dtype):
    pair = pictures(*size, dtype)
    ours = FusionInterpolator(FusionNet().state_dict()).between(*pair, [0.25, 0.5])
    theirs = FlowInterpolator().between(*pair, [0.25, 0.5])
    step = np.iinfo(dtype).max // 255
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == dtype and one.shape == pair[0].shape
        assert np.abs(one.astype(int) - other.astype(int)).max() <= step


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 2), (61, 47)])
def test_keeps_size_type_and_inputs(engine, size):
    for dtype in (np.uint8, np.uint16):
        first, last = pictures(*size, dtype)
        kept = first.copy(), last.copy()
        (made,) = engine.between(first, last, [0.4])
        assert made.shape == first.shape and made.dtype == dtype
        assert np.array_equal(first, kept[0]) and np.array_equal(last, kept[1])


def test_sixteen_bits_stay_fine(engine):
    wide = pictures(40, 48, np.uint16)
    fine = engine.between(*wide, [0.5])[0]
    assert len(np.unique(fine)) > 1000
    coarse = engine.between(*((one >> 8).astype(np.uint8) for one in wide), [0.5])[0]
    assert np.abs(fine / 257 - coarse).mean() < 2


def test_a_moment_stands_alone(engine):
    pair = pictures(40, 56)
    alone = [engine.between(*pair, [fraction])[0] for fraction in (0.2, 0.5, 0.9)]
    together = engine.between(*pair, [0.2, 0.5, 0.9])
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert not np.array_equal(together[0], together[2])


def test_between_equal_pictures_is_that_picture(engine):
    picture = pictures(20, 24)[0]
    assert np.array_equal(engine.between(picture, picture.copy(), [0.5])[0], picture)


def test_half_precision_stays_close(state):
    pair = pictures(48, 64)
    exact, half = (
        FusionInterpolator(state, precision=kind).between(*pair, [0.5])[0].astype(float)
        for kind in ("fp32", "bf16")
    )
    assert np.sqrt(np.square(exact - half).mean()) < 1


def test_memory_that_runs_out_is_said(engine, monkeypatch):
    def full(*_):
        raise MemoryError

    monkeypatch.setattr(FusionNet, "forward", full)
    with pytest.raises(OutOfMemoryError, match="choose the model flow"):
        engine.between(*pictures(20, 24), [0.5])


def test_other_weights_are_refused(state):
    with pytest.raises(ModelError, match="not those of the fusion network"):
        FusionInterpolator({"head.weight": torch.zeros(1)})
    wrong = {**state, "last.weight": torch.zeros(1, 1, 1, 1)}
    with pytest.raises(ModelError, match="train-interpolator"):
        FusionInterpolator(wrong)


# --- its parts ----------------------------------------------------------------------------------


def seen_of(height=24, width=32):
    dice = torch.Generator().manual_seed(1)
    brought = torch.rand(2, CANDIDATES, 3, height, width, generator=dice)
    weights = torch.randn(2, CANDIDATES, height, width, generator=dice)
    motions = torch.randn(2, 4, height, width, generator=dice)
    return Seen(brought, weights, motions, torch.full((2, 1, 1, 1), 0.5))


def test_a_mix_lies_between_its_candidates():
    seen = seen_of()
    made = mixed(seen.brought, seen.weights)
    assert (made <= seen.brought.amax(1) + 1e-6).all()
    assert (made >= seen.brought.amin(1) - 1e-6).all()
    certain = seen.weights.clone()
    certain[:, 3] += 100
    assert torch.allclose(mixed(seen.brought, certain), seen.brought[:, 3])


def test_bands_change_detail_and_nothing_else():
    picture = seen_of().brought[:, 0]
    none = torch.zeros(2, BANDS, 24, 32)
    assert torch.equal(equalised(picture, none), picture)
    less = equalised(picture, none - 1)
    assert float(less.var()) < 0.2 * float(picture.var())
    assert abs(float(less.mean() - picture.mean())) < 0.02
    even = torch.full_like(picture, 0.3)
    assert torch.allclose(equalised(even, none + 0.7), even)


def test_features_are_finite_whatever_is_seen():
    seen = seen_of()
    still = Seen(torch.zeros_like(seen.brought), seen.weights - 50, seen.motions * 1e6,
                 seen.fraction)  # fmt: skip
    for one in (seen, still):
        assert torch.isfinite(features(one)).all()


def test_what_is_seen_is_padded_to_what_the_network_takes():
    first, last = (one.astype(np.float32) for one in pictures(21, 30))
    still = np.zeros((21, 30, 2), np.float32)
    seen = padded(look(first, last, still, still, 0.25))
    assert seen.brought.shape == (1, CANDIDATES, 3, 24, 32)
    assert torch.allclose(seen.brought[0, 0, :, :21, :30].permute(1, 2, 0) * 255,
                          torch.from_numpy(first), atol=1e-3)  # fmt: skip


# --- the weights that come with the package, and the stage ----------------------------------------


def shipped():
    model = catalog.get("fusion", "interpolate")
    return model, catalog.get_files(model)[0]


def test_the_shipped_weights_are_small_and_fit():
    model, path = shipped()
    assert path.stat().st_size == model.bytes < 4_000_000
    from safetensors.torch import load_file

    assert widths_of(load_file(path)) == list(MotionRecipe().widths)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_range_by_itself_is_that_range_of_the_whole(dtype):
    clip = Interpolate("fusion", factor=3)(varying_clip(dtype=dtype))
    assert_true(clip, assert_law(clip))


def test_the_recipe_names_the_weights():
    model, _ = shipped()
    assert model.forms[0][0].sha256[:16] in str(Interpolate("fusion", factor=2).recipe())


def test_a_moving_thing_is_half_way():
    """The shipped weights: a bright square moves 12 pixels; half way it has moved 6."""
    ground = pictures(96, 128)[0] // 4
    frames = [ground.copy() for _ in range(3)]
    for number, frame in enumerate(frames):
        frame[30:60, 40 + 6 * number : 70 + 6 * number] = pictures(30, 30)[0] // 2 + 120
    first, truth, last = frames
    made = FusionInterpolator(read_shipped()).between(first, last, [0.5])[0]
    cross = (first.astype(float) + last) / 2
    assert np.abs(made - truth.astype(float)).mean() < 0.35 * np.abs(cross - truth).mean()


def read_shipped():
    from safetensors.torch import load_file

    return load_file(shipped()[1])


# --- scenes and samples ---------------------------------------------------------------------------


def test_scenes_are_the_seeds_and_move_evenly(photos):
    for seed in range(6):
        one, other = (MotionScene(photos, np.random.default_rng(seed), 64) for _ in range(2))
        assert np.array_equal(one.at(0.5), other.at(0.5))
        drawn = one.at(0.3)
        assert drawn.shape == (64, 64, 3) and drawn.dtype == np.float32
        assert drawn.min() >= 0 and drawn.max() <= 255


def test_shapes_and_patterns_are_in_range():
    for seed in range(24):
        alpha = draw_shape(np.random.default_rng(seed), 64)
        assert alpha.ndim == 2 and alpha.dtype == np.float32
        assert alpha.min() >= 0 and alpha.max() <= 1 + 1e-5
    stripes = pattern(np.random.default_rng(1), 40)
    assert stripes.shape == (40, 40, 3) and stripes.dtype == np.uint8 and np.ptp(stripes) > 30


@pytest.mark.parametrize("codec", CODECS)
def test_a_codec_gives_back_as_many_frames_and_spoils_them(codec):
    film = [pictures(48, 64)[0]] * 4
    spoilt = coded(film, codec, 30)
    assert len(spoilt) == 4 and spoilt[0].shape == film[0].shape
    assert 0.5 < np.abs(spoilt[3].astype(float) - film[3]).mean() < 40


def test_a_finish_keeps_noise_out_of_the_truth():
    even = [np.full((48, 48, 3), 120, np.float32)] * 3
    dice = np.random.default_rng(0)
    finish = FilmFinish(dice)
    finish.noise, finish.kind, finish.dark = 6.0, "none", 1.0
    first, truth, last = finish.on(even)
    assert truth.std() == 0 and first.std() > 3 and not np.array_equal(first, last)


def test_a_sample_holds_the_flows_of_the_engine(photos):
    maker = MotionMaker(photos, 64, held_out=2)
    sample = maker.sample(3)
    assert sample.shape == (MotionPool.planes, 64, 64) and sample.dtype == np.uint8
    assert np.array_equal(sample, maker.sample(3))
    assert sample[17, 0, 0] in (PARTS // 2, *range(48, 193))


def test_held_samples_are_of_other_pictures(photos):
    black, white = np.zeros_like(photos[0]), np.full_like(photos[0], 255)
    maker = MotionMaker([black, white], 64, held_out=1)
    held, other = (maker.sample(number)[:9].astype(float).mean() for number in (0, 1))
    assert held != other


def test_a_varied_sample_moves_as_its_flow_says(photos):
    """Flipped, turned and reversed, what is at a place in first is where the flow says in last."""
    row = np.zeros((48, 64), np.float32)
    wide = cv2.GaussianBlur(photos[0], (0, 0), 2).astype(np.float32)
    first, truth, last = (wide[20 + n : 68 + n, 30 + 2 * n : 94 + 2 * n] for n in (0, 2, 4))
    flow = np.dstack([np.full_like(row, -8), np.full_like(row, -4)])
    pair = Pair(first, last, truth, flow, -flow, 0.5)
    for seed in range(12):
        made = varied(pair, np.random.default_rng(seed))
        rows, columns = np.mgrid[: made.first.shape[0], : made.first.shape[1]].astype(np.float32)
        seen = cv2.remap(
            made.last, columns + made.forward[..., 0], rows + made.forward[..., 1],
            cv2.INTER_LINEAR,
        )  # fmt: skip
        inside = (slice(10, -10), slice(10, -10))
        assert np.abs(seen - made.first)[inside].mean() < 0.1


# --- training -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool(photos, tmp_path_factory):
    pool = MotionPool(tmp_path_factory.mktemp("pool"), 6, 64)
    pool.fill_with(MotionMaker(photos, 64, held_out=2), 1)
    return pool


def test_several_processes_make_the_same_samples(photos, pool, tmp_path):
    other = MotionPool(tmp_path, 6, 64)
    other.fill_with(MotionMaker(photos, 64, held_out=2), 1, workers=2)
    assert other.filled == 6 and np.array_equal(other.samples, pool.samples)


def test_a_training_that_was_broken_off_ends_as_one_that_was_not(pool, tmp_path):
    whole = MotionTrainer(pool, tmp_path / "whole", TINY)
    whole.run()
    MotionTrainer(pool, tmp_path / "parts", TINY).run(upto=2)
    parts = MotionTrainer(pool, tmp_path / "parts", TINY)
    assert parts.step == 2
    parts.run()
    assert all(torch.equal(a, parts.state()[name]) for name, a in whole.state().items())
    assert set(whole.history["held"][-1]) == {"step", "psnr", "flow", "gain", "worst", "lost"}
    with pytest.raises(ModelError, match="another recipe"):
        MotionTrainer(pool, tmp_path / "parts", MotionRecipe())


def test_tempered_weights_change_less(state):
    pair = pictures(40, 48)
    plain, whole, half = (
        FusionInterpolator(tempered(state, kept)).between(*pair, [0.5])[0].astype(float)
        for kept in (0.0, 1.0, 0.5)
    )
    assert 0 < np.abs(half - plain).mean() < np.abs(whole - plain).mean()
    assert np.abs(plain - FlowInterpolator().between(*pair, [0.5])[0]).max() <= 1


def test_training_gives_weights_that_the_engine_takes(photos, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, photo in enumerate(photos):
        cv2.imwrite(str(folder / f"{number}.png"), photo)
    made = train_interpolator(
        tmp_path / "own.safetensors", pictures=folder, samples=4, size=64, recipe=TINY,
        workers=1, progress=False,
    )  # fmt: skip
    from safetensors.torch import load_file

    assert FusionInterpolator(load_file(made.path)).between(*pictures(20, 24), [0.5])
    assert made.numbers["flow"] > 0 and made.curves.ndim == made.sheet.ndim == 3


def test_too_few_pictures_or_samples_are_refused(tmp_path):
    with pytest.raises(ModelError, match="holds 0 pictures"):
        read_colour_pictures(tmp_path)
    with pytest.raises(ModelError, match="more than the 96"):
        train_interpolator(tmp_path / "x.safetensors", samples=96)
    with pytest.raises(ModelError, match="multiple of 16"):
        train_interpolator(tmp_path / "x.safetensors", size=100)

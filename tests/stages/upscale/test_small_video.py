"""The network for small video: what it begins with, its window, cuts, sizes and types."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.catalog import table as catalog
from helpers.catalog.load import describe
from helpers.errors import ModelError
from helpers.imaging.resample import resize
from helpers.nn.weight_files import read_state
from helpers.stages.upscale import frame_blocks, small_video
from helpers.stages.upscale.small_video import (
    SmallVideoUpscaler,
    calm_luma,
    gather_window,
    read_size,
)
from helpers.stages.upscale.small_video_network import (
    FRAMES,
    RADIUS,
    Size,
    SmallVideoNet,
    join_colour,
    split_colour,
)
from helpers.stages.upscale.stage import Upscale
from tests.support.clips import clip_of, psnr
from tests.support.small_video_states import generated_small_video
from tests.support.worn_films import panning


@pytest.fixture(scope="module")
def engine():
    return SmallVideoUpscaler(generated_small_video())


def _noisy(count, size=(80, 64), sigma=6.0):
    dice = np.random.default_rng(5)
    clean = panning(1, *size)[0]
    grain = dice.normal(0, sigma, (count, *clean.shape))
    return clean, [np.clip(clean + one, 0, 255).round().astype(np.uint8) for one in grain]


def test_luma_and_colour_are_the_picture():
    picture = torch.rand(2, 3, 5, 6)
    light, colour = split_colour(picture)
    assert torch.allclose(join_colour(light[:, None], colour), picture, atol=1e-5)


def test_a_network_that_adds_nothing_averages_what_agrees_and_enlarges_it():
    engine = SmallVideoUpscaler(SmallVideoNet(Size(8, 8, 1)).state_dict())
    clean, seen = _noisy(FRAMES)
    truth = resize(clean, 320, 256, "bicubic")
    (made,) = engine.upscale_sequence(seen, range(RADIUS, RADIUS + 1))
    assert psnr(made, truth) > psnr(resize(seen[RADIUS], 320, 256, "bicubic"), truth) + 4


def test_a_frame_of_another_scene_is_not_mixed_in():
    engine = SmallVideoUpscaler(SmallVideoNet(Size(8, 8, 1)).state_dict())
    scene = panning(1, 80, 64)[0]
    other = 255 - np.rot90(panning(1, 64, 80)[0])[: scene.shape[0], : scene.shape[1]]
    alone = engine.upscale_sequence([scene])[0].astype(int)
    amid = engine.upscale_sequence([other, other, other, scene, other], range(3, 4))[0]
    assert np.abs(amid - alone).mean() < 1.5


def test_what_stands_still_is_not_moved_and_what_moves_is_followed():
    frames = [image.astype(np.float32) for image in panning(FRAMES, 96, 64)]
    window = gather_window(frames, [calm_luma(one) for one in frames], RADIUS)
    assert window.shape == (64, 96, 3 * FRAMES) and window.dtype == np.float32
    inner = np.s_[12:-12, 12:-12]
    for number in (RADIUS - 1, RADIUS + 1):
        theirs = window[..., 3 * number : 3 * number + 3]
        moved = np.abs(theirs - frames[RADIUS])[inner].mean()
        assert moved < 0.5 * np.abs(frames[number] - frames[RADIUS])[inner].mean()
    _, noisy = _noisy(FRAMES, (96, 64), 3.0)
    levels = [image.astype(np.float32) for image in noisy]
    still = gather_window(levels, [calm_luma(one) for one in levels], RADIUS)
    unmoved = np.concatenate(levels, 2)
    assert (still == unmoved).mean() > 0.9


def test_mean_colours_stay_the_films(engine):
    frames = [image // 2 + 20 for image in panning(3, 64, 48)]
    for made, frame in zip(engine.upscale_sequence(frames), frames, strict=True):
        assert np.abs(made.mean((0, 1)) - frame.mean((0, 1))).max() < 0.5


def test_what_is_not_there_is_the_frame_itself():
    frames = [image.astype(np.float32) for image in panning(2, 64, 48)]
    window = gather_window(frames, [calm_luma(one) for one in frames], 0)
    for number in (0, 1, 2, 3, 5, 6):
        assert np.array_equal(window[..., 3 * number : 3 * number + 3], frames[0])


def test_a_frame_depends_on_seven_and_not_on_what_else_is_asked_for(engine):
    frames = panning(12, 48, 40)
    whole = engine.upscale_sequence(frames)
    assert whole[0].shape == (160, 192, 3) and whole[0].dtype == np.uint8
    for number in (0, 5, 11):
        near = range(max(number - RADIUS, 0), min(number + RADIUS + 1, 12))
        part = [frames[n] for n in near]
        (alone,) = engine.upscale_sequence(
            part, range(number - near.start, number - near.start + 1)
        )
        assert np.array_equal(alone, whole[number])
    assert engine.upscale_sequence(frames, range(4, 4)) == []


def test_sixteen_bits_are_like_eight(engine):
    frames = panning(3, 40, 32)
    deep = [image.astype(np.uint16) * 257 for image in frames]
    for a, b in zip(engine.upscale_sequence(frames), engine.upscale_sequence(deep), strict=True):
        assert b.dtype == np.uint16
        assert np.abs(a.astype(int) - b.astype(int) / 257).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (31, 17), (33, 40)])
def test_any_size(engine, size):
    image = np.zeros((size[1], size[0], 3), np.uint8) + 77
    assert engine.upscale_sequence([image, image])[1].shape == (4 * size[1], 4 * size[0], 3)


def test_tiles_leave_no_seams(engine, monkeypatch):
    frames = panning(3, 150, 140)
    whole = engine.upscale_sequence(frames, range(1, 2))[0].astype(int)
    monkeypatch.setattr(small_video, "TILE", 64)
    tiled = engine.upscale_sequence(frames, range(1, 2))[0].astype(int)
    assert np.abs(whole - tiled).max() <= 1


def test_blocks_have_as_many_frames_around_as_the_network_sees():
    assert frame_blocks.CONTEXT >= RADIUS


def test_the_stage_divides_at_cuts():
    frames = [*panning(6, 48, 40), *(255 - image for image in panning(6, 48, 40))]
    stage = Upscale("small-video-x4")
    apart = list(stage(clip_of(frames[:6]))) + list(stage(clip_of(frames[6:])))
    whole = list(stage(clip_of(frames, cuts=(6,))))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(apart, whole, strict=True))


def test_the_shipped_weights_are_better_than_plain_enlarging_of_a_noisy_film():
    model = catalog.get("small-video-x4", "upscale")
    assert model.present and model.recurrent and model.licence == "MIT" and model.bytes < 4e6
    clean, seen = _noisy(FRAMES, (96, 72), 5.0)
    truth = resize(clean, 384, 288, "bicubic")
    made = Upscale(model.name)(clip_of(seen))[RADIUS].image
    plain = Upscale("bicubic")(clip_of(seen))[RADIUS].image
    assert psnr(made, truth) > psnr(plain, truth) + 2
    assert "our own" in repr(describe(model.name))


def test_the_size_is_read_from_the_weights():
    assert read_size(SmallVideoNet(Size(8, 12, 3)).state_dict()) == Size(8, 12, 3)
    with pytest.raises(ModelError, match=r"These 1 weights .*are not those"):
        read_size({"a": torch.zeros(3)})


def test_training_goes_on_from_the_shipped_weights():
    (path,) = catalog.get_files(catalog.get("small-video-x4", "upscale"))
    assert read_size(read_state([path])) == Size()

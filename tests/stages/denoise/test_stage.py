"""Noise goes, and what was filmed stays."""

import re

import numpy as np
import pytest

from helpers.catalog import table as catalog
from helpers.clip import MemoryClip
from helpers.errors import StageError
from helpers.stages.denoise import stage as denoise
from helpers.stages.denoise.find import find_noise
from helpers.stages.denoise.stage import REACH, Denoise
from tests.support.clips import clip_of, psnr
from tests.support.law import assert_true, same, varying_clip
from tests.support.worn_films import moving, noisy

SOUND = {"sigma": 8.0, "alike": 0.0}


GAIN = {"motion": 8, "dct": 6, "bm3d": 6, "nlmeans": 3, "atadenoise": 0, "deblock": -1}


@pytest.mark.parametrize("model", REACH)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_method_comes_nearer_to_the_truth(model, dtype):
    clean = moving(dtype=dtype)
    clip = clip_of(noisy(clean, 8))
    made = Denoise(model, **SOUND).on(clip)[3].image
    assert made.dtype == dtype
    assert psnr(made, clean[3]) > psnr(clip[3].image, clean[3]) + GAIN[model]


def test_grain_of_the_light_alone():
    clean = moving()
    clip = clip_of(noisy(clean, 8, alike=True))
    noise = find_noise(clip)
    assert abs(noise.sigma - 8) < 1.2
    assert noise.alike > 0.8
    assert psnr(Denoise().on(clip)[3].image, clean[3]) > psnr(clip[3].image, clean[3]) + 6


def test_a_clean_film_is_hardly_touched():
    clip = clip_of(moving())
    assert find_noise(clip).sigma < 1.5
    assert psnr(Denoise().on(clip)[2].image, clip[2].image) > 45


def test_what_was_measured_is_in_the_recipe():
    clip = Denoise().on(clip_of(noisy(moving(), 8)))
    step = clip.recipe()[-1]
    assert abs(step["sigma"] - 8) < 1
    assert step["alike"] is not None
    assert Denoise().sigma is None


@pytest.mark.parametrize("model", REACH)
def test_a_shot_knows_nothing_of_the_next(model):
    stage = Denoise(model, **SOUND)
    whole = varying_clip(12, 40, 36, cuts=(6,))
    half = MemoryClip(whole.images[:6], whole.times[:6], whole.times[6])
    assert same(list(stage(half)), list(stage(whole))[:6])


@pytest.mark.parametrize("model", REACH)
@pytest.mark.parametrize("shape", [(1, 1), (3, 9), (33, 47)])
def test_tiny_odd_and_single_frames(model, shape):
    dice = np.random.default_rng(0)
    images = [dice.integers(0, 256, (*shape, 3), dtype=np.uint8) for _ in range(3)]
    for clip in (clip_of(images), clip_of(images[:1])):
        assert len(list(Denoise(model, **SOUND).on(clip))) == len(clip)
        assert len(list(Denoise(model).on(clip))) == len(clip)


def test_no_strength_is_the_input():
    clip = varying_clip()
    assert same(list(Denoise(strength=0).on(clip)), list(clip))


def test_half_the_strength_is_half_way():
    clip = clip_of(noisy(moving(), 8))
    full, half = (
        Denoise(**SOUND).on(clip)[2].image,
        Denoise(strength=0.5, **SOUND).on(clip)[2].image,
    )
    middle = (full.astype(float) + clip[2].image) / 2
    assert np.abs(half - middle).max() <= 0.51


def test_a_network_is_asked_for_by_its_name(monkeypatch):
    class Halving:
        def upscale(self, images):
            return [image // 2 for image in images]

    row = catalog.Model("little", "denoise", "upscaler", 1, (), "-", "")
    monkeypatch.setattr(catalog, "MODELS", (*catalog.MODELS, row))
    monkeypatch.setattr(denoise, "load_upscaler", lambda name, role, machine: Halving())
    clip = Denoise("little").on(varying_clip())
    assert np.array_equal(clip[0].image, varying_clip()[0].image // 2)
    assert clip.recipe()[-1]["sigma"] is None


def test_a_network_of_spandrel_cleans_through_the_real_engine(monkeypatch):
    torch = pytest.importorskip("torch")
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

    from helpers.stages.upscale.spandrel_network import Upscaler

    torch.manual_seed(0)
    network = SRVGGNetCompact(num_feat=16, num_conv=2, upscale=1)
    engine = Upscaler(network.state_dict())
    assert engine.scale == 1
    row = catalog.Model("compact", "denoise", "upscaler", 1, None, "-", "")
    monkeypatch.setattr(catalog, "MODELS", (*catalog.MODELS, row))
    monkeypatch.setattr(denoise, "load_upscaler", lambda name, role, machine: engine)
    for dtype in (np.uint8, np.uint16):
        clip = Denoise("compact", 0.5).on(varying_clip(6, 24, 18, dtype=dtype))
        assert_true(clip, list(clip))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"model": "magic"}, "no denoise model 'magic'. Choose one of motion"),
        ({"strength": 2}, "must be from 0 to 1"),
        ({"sigma": -1}, "must be from 0 to 100"),
        ({"alike": 1.5}, "must be from 0 to 1"),
    ],
)
def test_values_that_cannot_be(bad, said):
    with pytest.raises(StageError, match=re.escape(said)):
        Denoise(**bad)

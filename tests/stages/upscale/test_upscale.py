"""Enlarging: the weights and their names, tiles, memory, precision, sizes."""

import logging
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from helpers.catalog import fetch
from helpers.catalog import table as catalog
from helpers.catalog.load import load_upscaler
from helpers.clip import ColourTags, MemoryClip
from helpers.errors import ModelError, OutOfMemoryError, StageError
from helpers.imaging.resample import resize
from helpers.nn.ncnn_weights import esrgan_state, read_layers, read_weights
from helpers.nn.tiling import spans
from helpers.runtime.machine import Runtime
from helpers.stages.upscale import spandrel_network as upscaler
from helpers.stages.upscale.spandrel_network import Upscaler
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from tests.support.clips import psnr
from tests.support.law import one_picture, varying_clip
from tests.support.machine import use
from tests.support.paths import FILM, TALK

PLENTY = 1 << 30


def weights_of(name):
    """The .param and .bin file of a model; skips where they are not installed."""
    path, param = (fetch.find(file) for file in catalog.get(name, "upscale").forms[0])
    if path is None:
        pytest.skip(f"the weights of {name} are not installed")
    return param, path


def network(name="animevideov3", precision="fp32", memory=PLENTY):
    return Upscaler(esrgan_state(*weights_of(name)), "cpu", precision, lambda: memory)


@pytest.fixture(scope="module")
def anime():
    return network()


def talk(width=96, height=64, number=10):
    return np.ascontiguousarray(open_video(TALK)[number].image[:height, :width])


# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "blocks", "parameters"),
    [("x4plus", 23, 16_697_987), ("x4plus-anime", 6, None), ("animevideov3", None, 621_424)],
)
def test_weights_carry_the_official_names(name, blocks, parameters):
    state = esrgan_state(*weights_of(name))
    total = sum(tensor.numel() for tensor in state.values())
    assert parameters in (None, total)
    if blocks:
        found = {key.split(".")[1] for key in state if key.startswith("body.")}
        assert found == {str(number) for number in range(blocks)}
        assert state["conv_first.weight"].shape == (64, 3, 3, 3)
        assert state["body.0.rdb1.conv5.weight"].shape == (64, 192, 3, 3)
        assert state["conv_last.bias"].shape == (3,)
    else:
        assert list(state)[:3] == ["body.0.weight", "body.0.bias", "body.1.weight"]
        assert state["body.34.weight"].shape == (48, 64, 3, 3)


def test_every_weight_is_a_number():
    for tensor in esrgan_state(*weights_of("animevideov3")).values():
        assert torch.isfinite(tensor).all() and tensor.abs().max() < 100


def test_weights_that_are_cut_off_or_too_long_are_refused():
    param, path = weights_of("animevideov3")
    layers, data = read_layers(param), path.read_bytes()
    with pytest.raises(ValueError, match="in the middle of a layer"):
        read_weights(layers, data[:-8])
    with pytest.raises(ValueError, match="are expected"):
        read_weights(layers, data + b"\0" * 4)


def test_a_network_of_another_kind_is_refused():
    state = {
        "model.0.weight": torch.zeros(64, 1, 3, 3),
        "model.0.bias": torch.zeros(64),
    }
    with pytest.raises(ModelError, match="of no network"):
        Upscaler(state)


# --- tiles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 31, 64, 100, 161])
@pytest.mark.parametrize("tile", [8, 32, 50])
@pytest.mark.parametrize("overlap", [0, 5, 32])
def test_tiles_cover_a_side_once_and_look_at_one_length(length, tile, overlap):
    cuts = spans(length, tile, overlap)
    assert [n for start, stop, _, _ in cuts for n in range(start, stop)] == list(range(length))
    assert len({above - below for _, _, below, above in cuts}) == 1
    for start, stop, below, above in cuts:
        assert 0 <= below <= max(start - overlap, 0)
        assert min(stop + overlap, length) <= above <= length


@pytest.mark.parametrize("tile", [16, 41])
def test_tiles_of_a_compact_network_leave_no_trace(anime, tile):
    image = talk()
    assert np.array_equal(anime._tiled([image], tile)[0], anime._tiled([image], 96)[0])


def test_a_network_that_looks_at_the_whole_picture_is_given_it():
    compact = network(memory=1)
    assert compact.fitting_tile((90, 160, 3)) < 160
    compact.tiling = "discouraged"
    assert compact.fitting_tile((90, 160, 3)) == 160


def test_tiles_of_a_deep_network_leave_hardly_a_trace():
    deep, image = network("x4plus-anime"), talk(104, 8)
    assert psnr(deep._tiled([image], 30)[0], deep._tiled([image], 104)[0]) > 45


def test_memory_decides_the_tile(anime):
    each = anime.bytes_per_pixel()
    anime.memory = lambda: int(each * 10_000)
    try:
        assert anime.fitting_tile((100, 100, 3)) == 100
        assert anime.fitting_tile((100, 200, 3)) == 50
        assert anime.fitting_tile((100, 100, 3), batch=4) < 50
        assert anime.fitting_tile((10, 4000, 3)) <= 100 - 2 * anime.overlap
    finally:
        anime.memory = lambda: PLENTY


# --- sizes and types ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["animevideov3", "x4plus-anime"])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 5), (33, 17)])
def test_odd_and_tiny_pictures_are_enlarged_exactly(name, width, height):
    made = network(name).upscale([talk(width, height)])[0]
    assert (made.shape, made.dtype) == ((4 * height, 4 * width, 3), np.uint8)


def test_a_picture_stays_where_it_was(anime):
    image = talk(64, 48)
    small = resize(anime.upscale([image])[0], 64, 48)
    assert psnr(small, image) > 25


def test_brain_floats_are_close_to_floats(anime):
    image = talk(96, 64)
    assert psnr(network(precision="bf16").upscale([image])[0], anime.upscale([image])[0]) > 40


def test_sixteen_bits_keep_more_than_eight(anime):
    ramp = np.linspace(20_000, 21_000, 64).astype(np.uint16)
    image = np.repeat(np.tile(ramp, (8, 1))[..., None], 3, 2)
    made = anime.upscale([image])[0]
    assert made.dtype == np.uint16
    assert len(np.unique(made)) > 3 * len(np.unique(made // 257))
    eight = anime.upscale([(image // 257).astype(np.uint8)])[0]
    assert psnr((made // 257).astype(np.uint8), eight) > 35


def test_pictures_of_a_batch_do_not_touch_each_other(anime):
    images = [talk(40, 30, number) for number in (1, 20, 30)]
    together = anime.upscale(images)
    assert all(
        np.array_equal(made, anime.upscale([i])[0])
        for made, i in zip(together, images, strict=True)
    )


# --- memory that runs out -----------------------------------------------------------------------

SHORTAGES = [
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    torch.cuda.OutOfMemoryError("CUDA out of memory."),
]


def short_of_memory(monkeypatch, engine, side, error):
    """Let pictures with a side above `side` fail; return the sides that were tried."""
    tried, run = [], type(engine)._run

    def limited(self, images):
        tried.append(max(images[0].shape))
        if tried[-1] > side:
            raise error
        return run(self, images)

    monkeypatch.setattr(type(engine), "_run", limited)
    monkeypatch.setattr(engine._tiles, "known", None)
    return tried


@pytest.mark.parametrize("error", SHORTAGES, ids=lambda error: f"{type(error).__name__} {error}")
def test_out_of_memory_makes_smaller_tiles_and_the_picture_is_whole(anime, monkeypatch, error):
    image = talk(96, 24)
    whole = anime.upscale([image])[0]
    tried = short_of_memory(monkeypatch, anime, 90, error)
    assert np.array_equal(anime.upscale([image])[0], whole)
    assert tried[0] == 96 and max(tried[1:]) <= 90


def test_tiles_that_fit_are_kept_for_the_next_picture(anime, monkeypatch, caplog):
    tried = short_of_memory(monkeypatch, anime, 90, MemoryError())
    with caplog.at_level(logging.WARNING):
        anime.upscale([talk(96, 24)])
    tried.clear()
    anime.upscale([talk(96, 24, 11)])
    assert max(tried) <= 90
    assert "Out of memory with tiles of 96 pixels; trying 48." in caplog.text


def test_what_never_fits_is_said_and_tried_afresh_the_next_time(anime, monkeypatch):
    tried = short_of_memory(monkeypatch, anime, 0, MemoryError())
    with pytest.raises(OutOfMemoryError, match=r"96x64 frame even in tiles of 32 pixels\. No"):
        anime.upscale([talk()])
    tried.clear()
    with pytest.raises(OutOfMemoryError):
        anime.upscale([talk()])
    assert tried[0] == 96


def test_a_small_picture_that_does_not_fit_is_not_tried_in_larger_tiles(anime, monkeypatch):
    tried = short_of_memory(monkeypatch, anime, 0, MemoryError())
    monkeypatch.setattr(anime._tiles, "known", 512)
    with pytest.raises(OutOfMemoryError):
        anime.upscale([talk(40, 30)])
    assert len(tried) == 2


def test_a_failure_that_is_not_about_memory_is_passed_on(anime, monkeypatch):
    short_of_memory(monkeypatch, anime, 0, RuntimeError("mat1 and mat2 shapes differ"))
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        anime.upscale([talk(40, 30)])


def test_the_smallest_tile_is_used_where_memory_is_nothing():
    tiny = network(memory=1)
    assert tiny.fitting_tile((128, 160, 3)) == upscaler.SMALLEST_TILE


# --- the stage ----------------------------------------------------------------------------------


def test_both_scale_and_size_are_refused():
    with pytest.raises(StageError, match="one of the two"):
        Upscale("bicubic", Fraction(2), (10, 10))


@pytest.mark.parametrize("scale", [0, -1, 33, "two"])
def test_a_senseless_scale_is_refused_with_the_number(scale):
    with pytest.raises(StageError, match=str(scale)):
        Upscale("bicubic", scale)


@pytest.mark.parametrize("size", [(0, 5), (5, 20_000)])
def test_a_senseless_size_is_refused(size):
    with pytest.raises(StageError, match="allowed is 1 to 16384"):
        Upscale("bicubic", size=size)


def test_a_picture_that_would_be_too_large_is_refused():
    with pytest.raises(StageError, match="Choose a smaller scale"):
        _ = Upscale("bicubic", 32)(varying_clip(width=600)).info


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(ModelError, match=r"x5.*allowed are x4plus, .*bicubic"):
        Upscale("x5")


def test_equal_numbers_make_equal_stages():
    assert Upscale("bicubic", 2) == Upscale("bicubic", Fraction(2)) == Upscale("bicubic", 2.0)  # type: ignore[arg-type]
    assert Upscale("bicubic", 2).recipe() == Upscale("bicubic", Fraction(2)).recipe()  # type: ignore[arg-type]


def test_half_a_pixel_is_rounded_up():
    assert Upscale("bicubic", Fraction(1, 2)).target(5, 7) == (3, 4)
    assert Upscale("bicubic", Fraction(1, 100)).target(5, 7) == (1, 1)


def test_a_new_shape_of_the_picture_reshapes_its_pixels():
    clip = varying_clip(width=40, height=20)
    assert Upscale("bicubic", size=(80, 80))(clip).info.sar == 2
    assert Upscale("bicubic", Fraction("1.51"))(clip).info.sar == 1


def test_the_recipe_names_the_weights_by_their_sha256():
    assert (
        Upscale("x4plus").recipe()["weights"] == catalog.get("x4plus", "upscale").forms[0][0].sha256
    )
    assert "weights" not in Upscale("bicubic").recipe()


def test_repeated_frames_are_computed_once(monkeypatch):
    weights_of("animevideov3")
    use(forced_precision="fp32")
    engine = load_upscaler("animevideov3")
    tried = short_of_memory(monkeypatch, engine, 999, MemoryError())
    clip = varying_clip(count=8, cuts=(5,))
    list(Upscale("animevideov3")(clip))
    assert len(tried) == 6  # frames 3 and 7 are those before them


def test_black_and_white_stays_nearly_so():
    weights_of("animevideov3")
    image = open_video(FILM)[10].image[:64, :96]
    clip = MemoryClip([np.ascontiguousarray(image)], [Fraction(0)], Fraction(1))
    made = Upscale("animevideov3")(clip)[0].image.astype(int)
    assert np.abs(made - made.mean(2, keepdims=True)).mean() < 2


def test_what_is_known_of_the_film_is_passed_on():
    clip = open_video(TALK)
    info = Upscale("bicubic", 2)(clip).info
    assert info == clip.info.replace(width=320, height=240)
    assert isinstance(info.colour, ColourTags)


# --- several models -----------------------------------------------------------------------------


def test_a_blend_is_the_weighted_mean_rounded_once():
    image = one_picture(talk())
    one, two = (Upscale(name, Fraction(2))(image)[0].image for name in ("lanczos", "bilinear"))
    made = Upscale(("lanczos", "bilinear"), Fraction(2), blend=(3, 1))(image)[0].image
    expected = np.rint(one.astype(np.float64) * 0.75 + two * 0.25)
    assert np.abs(made - expected).max() <= 1 and (made != expected).mean() < 0.001
    even = Upscale(("lanczos", "lanczos"), Fraction(2))(image)[0].image
    assert np.array_equal(even, one)


@pytest.mark.parametrize("batch", [1, 3])
def test_models_in_turn_take_the_frames_whose_number_is_theirs(monkeypatch, batch):
    monkeypatch.setattr(Runtime, "batch", batch)
    clip = varying_clip(11)
    names = ("lanczos", "bilinear", "bicubic")
    made = Upscale(names, Fraction(2), alternate=True)(clip)
    alone = [Upscale(name, Fraction(2)) for name in names]
    for start in (0, 1, 2, 7):
        for number, frame in enumerate(made.frames(start, 11), start):
            expected = alone[number % 3](one_picture(clip.images[number]))[0].image
            assert np.array_equal(frame.image, expected), number


def test_the_first_model_decides_the_size():
    assert Upscale(("fsrcnn-x3", "animevideov3")).target(10, 20) == (30, 60)
    assert Upscale(("lanczos", "fsrcnn-x3")).target(10, 20) == (40, 80)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"model": ()}, "No model was given"),
        ({"model": ("lanczos", "x5")}, "no model 'x5'"),
        ({"model": "lanczos", "alternate": True}, "Only several models"),
        ({"model": ("lanczos", "bicubic"), "blend": (1,)}, "for 2 models"),
        ({"model": ("lanczos", "bicubic"), "blend": (1, -1)}, "none below 0"),
        ({"model": ("lanczos", "bicubic"), "blend": (0, 0)}, "not all 0"),
        ({"model": ("lanczos", "bicubic"), "blend": (1, 1), "alternate": True}, "not both"),
        ({"model": "x4plus", "denoise": 0.5}, "x4plus takes no denoise strength; general-x4v3"),
        ({"model": "general-x4v3", "denoise": 1.5}, "allowed is 0 to 1"),
    ],
)
def test_a_mix_that_cannot_be_is_refused(wish, reason):
    with pytest.raises((StageError, ModelError), match=reason):
        Upscale(**wish)


def test_the_denoise_strength_blends_two_networks(tmp_path):
    """general-x4v3 with generated weights: 1 is the first network alone, 0 the second."""
    from tests.catalog.test_table import compact_state

    model = catalog.get("general-x4v3", "upscale")
    use(cache=tmp_path, scratch=tmp_path, forced_precision="fp32")
    states = [compact_state(4, width=64, layers=32, seed=seed) for seed in (1, 2)]
    files = model.forms[0]
    for file, state in zip(files, states, strict=True):
        torch.save({"params": state}, tmp_path / file.name)
    free = tuple(replace(file, bytes=0, sha256="", urls=()) for file in files)
    with pytest.MonkeyPatch.context() as patch:
        rows = [m if m != model else replace(m, forms=(free,)) for m in catalog.MODELS]
        patch.setattr(catalog, "MODELS", tuple(rows))
        image = talk(20, 16)

        def made(strength):
            stage = Upscale("general-x4v3", denoise=strength)
            return stage(one_picture(image))[0].image.astype(int)

        assert np.array_equal(made(1), made(None)) and not np.array_equal(made(0), made(1))
        alone = [Upscaler(state).upscale([image])[0] for state in states]
        assert np.array_equal(made(1), alone[0]) and np.array_equal(made(0), alone[1])
        half = {key: 0.25 * states[0][key] + 0.75 * states[1][key] for key in states[0]}
        assert np.abs(made(0.25) - Upscaler(half).upscale([image])[0]).max() <= 1

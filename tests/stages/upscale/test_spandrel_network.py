"""Networks that spandrel knows: tiles, memory, precision, sizes and types."""

import logging

import numpy as np
import pytest
import torch

from helpers.errors import ModelError, OutOfMemoryError
from helpers.imaging.resample import resize
from helpers.nn.card import to_array, to_bits
from helpers.stages.upscale import spandrel_network as upscaler
from helpers.stages.upscale.spandrel_network import Upscaler
from tests.support.clips import psnr
from tests.support.esrgan import PLENTY, network, short_of_memory, talk


@pytest.fixture(scope="module")
def anime():
    return network()


def tiled(engine, image, tile):
    (bits,) = engine._enlarge_tiles([to_bits(image)], tile)
    return to_array(bits)


def test_a_network_of_another_kind_is_refused():
    state = {
        "model.0.weight": torch.zeros(64, 1, 3, 3),
        "model.0.bias": torch.zeros(64),
    }
    with pytest.raises(ModelError, match="not those of a network that"):
        Upscaler(state)


@pytest.mark.parametrize("tile", [16, 41])
def test_tiles_of_a_compact_network_leave_no_trace(anime, tile):
    image = talk()
    assert np.array_equal(tiled(anime, image, tile), tiled(anime, image, 96))


def test_a_network_that_looks_at_the_whole_picture_is_given_it():
    compact = network(memory=1)
    assert compact.choose_tile((90, 160, 3)) < 160
    compact.tiling = "discouraged"
    assert compact.choose_tile((90, 160, 3)) == 160


def test_tiles_of_a_deep_network_leave_hardly_a_trace():
    deep, image = network("x4plus-anime"), talk(104, 8)
    assert psnr(tiled(deep, image, 30), tiled(deep, image, 104)) > 45


def test_memory_decides_the_tile(anime):
    each = anime.bytes_per_pixel()
    anime.memory = lambda: int(each * 10_000)
    try:
        assert anime.choose_tile((100, 100, 3)) == 100
        assert anime.choose_tile((100, 200, 3)) == 50
        assert anime.choose_tile((100, 100, 3), batch=4) < 50
        assert anime.choose_tile((10, 4000, 3)) <= 100 - 2 * anime.overlap
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
    with pytest.raises(OutOfMemoryError, match=r"96x64 frame, even in tiles of 32 pixels\. No"):
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
    assert tiny.choose_tile((128, 160, 3)) == upscaler.SMALLEST_TILE

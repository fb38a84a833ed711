"""OpenCV's super-resolution networks: sizes, tiles, and the published files."""

import struct

import numpy as np
import pytest
import torch

from helpers.errors import ModelError, OutOfMemoryError
from helpers.stages.upscale.frozen_graph import find_constants, read_graph
from helpers.stages.upscale.opencv_dnn import OpencvSuperres
from helpers.video.reader import open_video
from tests.support.frozen_graphs import Graph, edsr, espcn
from tests.support.paths import TALK, weights_path

PUBLISHED = [
    *(("fsrcnn", scale) for scale in (2, 3, 4)),
    *(("fsrcnn-small", scale) for scale in (2, 3, 4)),
    *(("espcn", scale) for scale in (2, 3, 4)),
    *(("lapsrn", scale) for scale in (2, 4, 8)),
]

NAMES = {"fsrcnn": "FSRCNN", "fsrcnn-small": "FSRCNN-small", "espcn": "ESPCN", "lapsrn": "LapSRN"}


def published(algorithm, scale):
    """The path of an original file; skips where it is absent."""
    return weights_path(f"dnn_superres/{NAMES[algorithm]}_x{scale}.pb")


def picture(height=40, width=56, dtype=np.uint8):
    image = np.ascontiguousarray(open_video(TALK)[10].image[:height, :width])
    return image.astype(np.uint16) * 257 ^ 7 if dtype == np.uint16 else image


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("write", [espcn, edsr])
def test_a_graph_of_our_own_is_read_and_run(tmp_path, write, scale):
    path = write(tmp_path / "own.pb", scale)
    made = OpencvSuperres(path, write.__name__, scale).upscale([picture()])[0]
    assert made.shape == (40 * scale, 56 * scale, 3) and made.dtype == np.uint8


def test_edsr_puts_the_colours_where_the_file_has_them(tmp_path):
    """The same graph by hand, in the BGR and (rows, columns, colours) of the file."""
    path = edsr(tmp_path / "own.pb", scale=2, blocks=1)
    arrays = [a for a in find_constants(read_graph(path.read_bytes()), "NCHW_output") if a.ndim]
    mean = np.float32((103.1545782, 111.561547, 114.35629928))
    image = picture(12, 14)

    def convolved(values):
        kernel, bias = (
            torch.from_numpy(arrays.pop(0).copy()),
            torch.from_numpy(arrays.pop(0).copy()),
        )
        return torch.nn.functional.conv2d(values, kernel.permute(3, 2, 0, 1), bias, padding=1)

    given = torch.from_numpy(image[..., ::-1].astype(np.float32) - mean).permute(2, 0, 1)[None]
    first = convolved(given)
    made = first + 0.1 * convolved(convolved(first).relu())
    made = convolved(convolved(made) + first)[0].permute(1, 2, 0)
    rows = made.reshape(12, 14, 2, 2, 3).permute(0, 2, 1, 3, 4).reshape(24, 28, 3).numpy()
    true = np.clip(np.rint(rows + mean), 0, 255)[..., ::-1]
    ours = OpencvSuperres(path, "edsr", 2).upscale([image])[0]
    assert np.abs(ours - true).max() <= 1


def test_lower_precision_touches_only_what_is_added(tmp_path):
    path = edsr(tmp_path / "own.pb")
    full, half = (OpencvSuperres(path, "edsr", 2, precision=p) for p in ("fp32", "bf16"))
    gap = np.abs(full.upscale([picture()])[0].astype(int) - half.upscale([picture()])[0])
    assert gap.max() <= 1


# --- the original files -------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize(("algorithm", "scale"), PUBLISHED)
def test_every_file_enlarges_a_picture_and_keeps_it(algorithm, scale):
    import cv2

    network = OpencvSuperres(published(algorithm, scale), algorithm, scale)
    image = picture(24, 32)
    made = network.upscale([image])[0]
    assert made.shape == (24 * scale, 32 * scale, 3)
    small = cv2.resize(made, (32, 24), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - image).mean() < 4


@pytest.mark.data
@pytest.mark.parametrize(("algorithm", "scale"), [("fsrcnn", 3), ("espcn", 2), ("lapsrn", 2)])
def test_tiles_leave_no_trace(algorithm, scale):
    network = OpencvSuperres(published(algorithm, scale), algorithm, scale)
    whole = network.upscale([picture()])[0].astype(int)
    network.tile = 30
    gap = np.abs(network.upscale([picture()])[0] - whole)
    assert gap.max() <= 1 and (gap > 0).mean() < 0.001


@pytest.mark.data
@pytest.mark.parametrize(("algorithm", "scale"), [("fsrcnn-small", 2), ("lapsrn", 4)])
def test_no_tile_sees_less_than_the_network(algorithm, scale):
    """A pixel changes nothing further away than the overlap."""
    network = OpencvSuperres(published(algorithm, scale), algorithm, scale)
    network.tile = 64
    plain, dotted = picture(64, 64), picture(64, 64)
    dotted[32, 32] ^= 255
    changed = (network.upscale([plain])[0] != network.upscale([dotted])[0]).any(2)
    rows, columns = np.nonzero(changed)
    far = max(np.abs(rows // scale - 32).max(), np.abs(columns // scale - 32).max())
    assert 0 < far <= network.overlap


@pytest.mark.data
def test_sixteen_bits_stay_sixteen_and_agree_with_eight():
    network = OpencvSuperres(published("fsrcnn", 2), "fsrcnn", 2)
    eight = network.upscale([picture()])[0].astype(int)
    deep = network.upscale([picture(dtype=np.uint16)])[0]
    assert deep.dtype == np.uint16 and len(np.unique(deep)) > 256
    assert np.abs(deep / 257 - eight).max() < 2.5 and np.abs(deep / 257 - eight).mean() < 0.8


def test_a_picture_is_the_same_whatever_it_comes_with(tmp_path):
    network = OpencvSuperres(espcn(tmp_path / "own.pb"), "espcn", 2)
    one, other = picture(), 255 - picture()
    together = network.upscale([other, one, other])
    assert np.array_equal(together[1], network.upscale([one])[0])
    assert network.upscale([]) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (5, 301)])
@pytest.mark.parametrize("write", [espcn, edsr])
def test_the_smallest_and_oddest_pictures(tmp_path, write, shape):
    network = OpencvSuperres(write(tmp_path / "own.pb", 3), write.__name__, 3)
    image = np.full((*shape, 3), 90, np.uint8)
    assert network.upscale([image])[0].shape == (3 * shape[0], 3 * shape[1], 3)


# --- what is refused ----------------------------------------------------------------------------


def test_another_scale_or_algorithm_is_refused_with_what_was_found(tmp_path):
    path = espcn(tmp_path / "own.pb", 3)
    with pytest.raises(ModelError, match=r"own.pb contains espcn x3 instead of espcn x2"):
        OpencvSuperres(path, "espcn", 2)
    with pytest.raises(ModelError, match=r"contains espcn x3 instead of fsrcnn x3"):
        OpencvSuperres(path, "fsrcnn", 3)
    with pytest.raises(ModelError, match=r"no algorithm 'srcnn'. Choose from fsrcnn, .*edsr"):
        OpencvSuperres(path, "srcnn", 3)


def test_any_damage_is_refused_or_harmless(tmp_path):
    whole, dice = edsr(tmp_path / "whole.pb").read_bytes(), np.random.default_rng(5)
    path = tmp_path / "hurt.pb"
    for _ in range(100):
        hurt = bytearray(whole)
        for place in dice.integers(0, len(whole), 6):
            hurt[place] = dice.integers(0, 256)
        path.write_bytes(hurt)
        try:
            OpencvSuperres(path, "edsr", 2)
        except ModelError as error:
            assert "hurt.pb" in str(error)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    path = espcn(tmp_path / "own.pb")
    data, value = path.read_bytes(), Graph().noise(5, 5, 1, 8).tobytes()
    assert value[:40] in data
    path.write_bytes(data.replace(value[:4], struct.pack("<f", np.nan), 1))
    with pytest.raises(ModelError, match="weights are not finite numbers"):
        OpencvSuperres(path, "espcn", 2)


def test_want_of_memory_is_said_plainly(tmp_path, monkeypatch):
    network = OpencvSuperres(espcn(tmp_path / "own.pb"), "espcn", 2)

    def full(_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(network, "_run", full)
    with pytest.raises(OutOfMemoryError, match=r"espcn ran out of memory on a 56x40 frame"):
        network.upscale([picture()])

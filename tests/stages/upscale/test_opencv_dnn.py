"""OpenCV's super-resolution networks: the files, the sizes, and what the graph itself says."""

import struct

import numpy as np
import pytest
import torch

from helpers.errors import ModelError, OutOfMemoryError
from helpers.stages.upscale.frozen_graph import constants, read_graph
from helpers.stages.upscale.opencv_dnn import OpencvSuperres
from helpers.stages.upscale.opencv_dnn_network import read_network
from helpers.video.reader import open_video
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


# --- a frozen graph of our own, for where the original files are not ----------------------------


def field(number, content):
    """A field of a Protocol Buffers message: bytes, text or a number."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


class Graph:
    """Writes nodes as TensorFlow does."""

    def __init__(self):
        self.data, self.count, self.dice = b"", 0, np.random.default_rng(4)

    def node(self, operation, *inputs, name=None, value=b""):
        self.count += 1
        name = name or f"{operation}_{self.count}"
        parts = field(1, name) + field(2, operation) + b"".join(field(3, i) for i in inputs)
        self.data += field(1, parts + value)
        return name

    def constant(self, array, name=None):
        kind = {"f": 1, "i": 3, "u": 12}[array.dtype.kind]
        shape = b"".join(field(2, field(1, side)) for side in array.shape)
        if array.size == 1 and kind == 1:  # as TensorFlow stores a single number
            content = field(5, array.astype("<f4").tobytes())
        else:
            content = field(4, array.tobytes())
        tensor = field(1, kind) + field(2, shape) + content
        return self.node(
            "Const", name=name, value=field(5, field(1, "value") + field(2, field(8, tensor)))
        )

    def noise(self, *shape):
        fan = np.prod(shape[:-1]) if len(shape) == 4 else 100
        return (self.dice.standard_normal(shape) / np.sqrt(fan)).astype(np.float32)

    def quantised(self, array):
        low, high = min(array.min(), 0), max(array.max(), 0)
        step = (high - low) / 255
        low = np.float32(round(low / step) * step)
        levels = np.clip(np.rint((array - low) / step), 0, 255).astype(np.uint8)
        ends = [np.array(end, np.float32) for end in (low, low + 255 * step)]
        return self.node("Dequantize", *map(self.constant, (levels, *ends)))

    def layer(self, given, side, channels, out, quantised=False):
        kernel = self.noise(side, side, channels, out)
        kernel = self.quantised(kernel) if quantised else self.constant(kernel)
        bias = self.constant(self.noise(out))
        return self.node("Add", self.node("Conv2D", given, kernel), bias)

    def finish(self, path, last):
        order = self.constant(np.array([0, 3, 1, 2], np.int32))
        self.node("Transpose", last, order, name="NCHW_output")
        path.write_bytes(self.data)
        return path


def espcn(path, scale=2, width=8):
    graph = Graph()
    first = graph.node("Relu", graph.layer(graph.node("Placeholder"), 5, 1, width))
    second = graph.node("Relu", graph.layer(first, 3, width, 4))
    last = graph.node("DepthToSpace", graph.layer(second, 3, 4, scale**2))
    return graph.finish(path, graph.node("Tanh", last))


def edsr(path, scale=2, width=8, blocks=2):
    graph = Graph()
    first = made = graph.layer(graph.node("Placeholder"), 3, 3, width)
    share = graph.constant(np.array(0.1, np.float32))
    for _ in range(blocks):
        inner = graph.node("Relu", graph.layer(made, 3, width, width, quantised=True))
        inner = graph.layer(inner, 3, width, width, quantised=True)
        made = graph.node("Add", made, graph.node("Mul", inner, share))
    made = graph.node("Add", graph.layer(made, 3, width, width), first)
    made = graph.layer(made, 3, width, 3 * scale**2)
    return graph.finish(path, graph.node("DepthToSpace", made))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("write", [espcn, edsr])
def test_a_graph_of_our_own_is_read_and_run(tmp_path, write, scale):
    path = write(tmp_path / "own.pb", scale)
    made = OpencvSuperres(path, write.__name__, scale).upscale([picture()])[0]
    assert made.shape == (40 * scale, 56 * scale, 3) and made.dtype == np.uint8


def test_edsr_puts_the_colours_where_the_file_has_them(tmp_path):
    """The same graph by hand, in the BGR and (rows, columns, colours) of the file."""
    path = edsr(tmp_path / "own.pb", scale=2, blocks=1)
    arrays = [a for a in constants(read_graph(path.read_bytes()), "NCHW_output") if a.ndim]
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


def test_quantised_weights_are_spread_over_their_range():
    graph = Graph()
    array = np.linspace(-0.3, 0.7, 64, dtype=np.float32).reshape(4, 16)
    graph.node("Identity", graph.quantised(array), name="end")
    found = constants(read_graph(graph.data), "end")
    assert len(found) == 1 and np.abs(found[0] - array).max() <= 1 / 255
    assert 0 in found[0]


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
    with pytest.raises(ModelError, match=r"own.pb holds espcn x3 where espcn x2 is expected"):
        OpencvSuperres(path, "espcn", 2)
    with pytest.raises(ModelError, match=r"holds espcn x3 where fsrcnn x3"):
        OpencvSuperres(path, "fsrcnn", 3)
    with pytest.raises(ModelError, match=r"no algorithm 'srcnn'; allowed are fsrcnn, .*edsr"):
        OpencvSuperres(path, "srcnn", 3)


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"not a graph at all", b"\x0a\xff\xff\xff\xff\x0f", b"\x89PNG\r\n\x1a\n"]
)
def test_a_file_that_is_no_graph_is_refused(tmp_path, data):
    path = tmp_path / "strange.pb"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"strange.pb is damaged, or none of"):
        read_network(path)


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    whole = espcn(tmp_path / "whole.pb").read_bytes()
    path = tmp_path / "cut.pb"
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"cut.pb is damaged"):
            read_network(path)


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
    with pytest.raises(ModelError, match="not all of its weights are numbers"):
        OpencvSuperres(path, "espcn", 2)


def test_want_of_memory_is_said_plainly(tmp_path, monkeypatch):
    network = OpencvSuperres(espcn(tmp_path / "own.pb"), "espcn", 2)

    def full(_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(network, "_run", full)
    with pytest.raises(OutOfMemoryError, match=r"espcn ran out of memory on a 56x40 frame"):
        network.upscale([picture()])

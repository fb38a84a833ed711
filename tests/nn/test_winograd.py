"""3x3 convolutions by Winograd's method."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.errors import ModelError
from helpers.nn import winograd
from helpers.nn.winograd import WinogradConv2d, build, install, suits

needs_compiler = pytest.mark.skipif(
    winograd.find_compiler() is None, reason="there is no C compiler"
)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build(tmp_path_factory.mktemp("compiled"))


def make_layer(inputs, outputs, bias=True):
    torch.manual_seed(inputs * outputs)
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    return layer.to(memory_format=torch.channels_last)


def picture(*shape):
    torch.manual_seed(sum(shape))
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


# --- the result ---------------------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("channels", [(3, 64), (64, 64), (56, 56), (17, 40), (96, 32), (8, 16)])
@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 7), (2, 12, 16), (3, 33, 30), (1, 40, 41)])
@torch.inference_mode()
def test_it_equals_the_direct_convolution(library, channels, size):
    layer, x = make_layer(*channels), picture(size[0], channels[0], *size[1:])
    slope = torch.linspace(0, 1, channels[1])
    made = WinogradConv2d(layer, slope, library)(x)
    known = functional.prelu(layer.double()(x.double()), slope.double())
    assert made.shape == known.shape
    assert (made - known).abs().max() < 2e-5 * known.abs().max()


@needs_compiler
@torch.inference_mode()
def test_inputs_may_lie_in_memory_in_any_way(library):
    layer, x = make_layer(32, 16, bias=False), picture(2, 48, 9, 10)
    run = WinogradConv2d(layer, torch.ones(1), library)
    known = run(x[:, :32].contiguous(memory_format=torch.channels_last))
    shapes = [x[:, :32], x[:, :32].contiguous(), x.flip(3)[:, :32].flip(3)]
    assert all(torch.equal(run(given), known) for given in shapes)


@needs_compiler
@torch.inference_mode()
def test_the_number_of_threads_and_the_neighbours_do_not_matter(library, monkeypatch):
    run, x = WinogradConv2d(make_layer(24, 80), torch.ones(1), library), picture(3, 24, 30, 31)
    known = run(x)
    for threads in (2, 3, 16):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        assert torch.equal(run(x), known)
        assert torch.equal(run(x[1:2]), known[1:2])


@needs_compiler
@torch.inference_mode()
def test_what_is_no_number_stays_none(library):
    x = picture(1, 16, 8, 8)
    x[0, 3, 2, 2] = float("nan")
    made = WinogradConv2d(make_layer(16, 16), torch.zeros(1), library)(x)
    assert made[..., 1:4, 1:4].isnan().all()


# --- networks -----------------------------------------------------------------------------------


class Parts(nn.Module):
    """A part that is equal to two layers."""

    def __init__(self):
        super().__init__()
        self.conv = make_layer(16, 16)

    def to_layers(self):
        return nn.Sequential(self.conv, nn.LeakyReLU(0.3))

    def forward(self, x):
        return functional.leaky_relu(self.conv(x), 0.3)


@needs_compiler
@torch.inference_mode()
def test_activations_are_merged_only_where_they_follow(library):
    network = nn.Sequential(
        nn.Sequential(make_layer(3, 16), nn.PReLU(16)),
        nn.Sequential(make_layer(16, 16), nn.ReLU(), nn.BatchNorm2d(16)),
        nn.Sequential(make_layer(16, 16), nn.Sigmoid(), Parts(), make_layer(16, 16)),
        nn.Conv2d(16, 16, 3, 2, 1),
        nn.ReLU(),
    ).eval()
    x = picture(1, 3, 20, 20)
    known, fast = network(x), install(copy.deepcopy(network), library)
    kinds = [type(part).__name__ for part in fast.modules()]
    assert (fast(x) - known).abs().max() < 1e-5
    assert kinds.count("WinogradConv2d") == 5
    assert kinds.count("Identity") == 3
    assert {"Sigmoid", "Conv2d", "ReLU"} <= set(kinds)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(16, 16, 3),
        nn.Conv2d(16, 16, 3, 2, 1),
        nn.Conv2d(16, 16, 3, 1, 2, 2),
        nn.Conv2d(16, 16, 3, 1, 1, groups=2),
        nn.Conv2d(16, 16, 3, 1, 1, padding_mode="reflect"),
        nn.Conv2d(16, 16, 5, 1, 2),
        nn.Conv2d(16, 3, 3, 1, 1),
        nn.Conv2d(16, 16, 3, 1, 1).half(),
        nn.ConvTranspose2d(16, 16, 3, 1, 1),
        nn.ReLU(),
    ],
)
def test_other_layers_are_left_as_they_are(layer):
    assert not suits(layer)


# --- the compiler -------------------------------------------------------------------------------


@needs_compiler
def test_it_is_compiled_once(tmp_path, monkeypatch):
    build.cache_clear()
    build(tmp_path)
    build.cache_clear()
    monkeypatch.setattr(winograd, "_compile", None)
    build(tmp_path)
    build.cache_clear()
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_compiler_an_error_says_so(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    build.cache_clear()
    with pytest.raises(ModelError, match="no C compiler"):
        build(tmp_path)


@needs_compiler
def test_a_compiler_that_fails_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(winograd, "FLAGS", ("--no-such-flag",))
    build.cache_clear()
    with pytest.raises(ModelError, match="cannot compile"):
        build(tmp_path)
    assert not list(tmp_path.glob("*.so"))


@needs_compiler
@pytest.mark.slow
@torch.inference_mode()
def test_vectors_of_another_width_give_the_same(tmp_path, monkeypatch):
    layer, x = make_layer(24, 48), picture(1, 24, 10, 11)
    made = []
    for lanes in (4, 16):
        monkeypatch.setattr(winograd, "FLAGS", (*winograd.FLAGS, f"-DLANES={lanes}"))
        build.cache_clear()
        made.append(WinogradConv2d(layer, torch.ones(1), build(tmp_path))(x))
    build.cache_clear()
    assert (made[0] - made[1]).abs().max() < 1e-5

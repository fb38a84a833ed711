"""Ways to run a network, and which is chosen."""

import logging
import os
import threading
import time

import pytest
import torch
from torch import nn

from helpers.errors import OutOfMemoryError
from helpers.nn import backend_choice, backends, winograd
from helpers.nn.backend_choice import choose_backends
from helpers.nn.backends import (
    BACKENDS,
    Runner,
    Way,
    call_method,
    find_obstacle,
)
from helpers.nn.observed import Seen, observe
from helpers.nn.tiling import FittingTiles

BATCH = torch.rand(1, 3, 20, 24, generator=torch.manual_seed(1))


class Net(nn.Module):
    """A small network with two steps."""

    def __init__(self, seed=2):
        super().__init__()
        torch.manual_seed(seed)
        first = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1), nn.PReLU(16))
        self.layers = nn.Sequential(first, nn.Conv2d(16, 16, 3, 1, 1), nn.PixelShuffle(2))

    def forward(self, x):
        return self.layers(x)

    def both(self, x, weight):
        return self.layers(x) * weight


@pytest.fixture
def net():
    return Net().eval().to(memory_format=torch.channels_last)


def able(backend):
    return pytest.param(
        backend,
        marks=[
            pytest.mark.skipif(
                find_obstacle(backend, "cpu") is not None, reason=f"{backend} is not here"
            ),
            *([pytest.mark.slow] if backend == "compiled" else []),
        ],
    )


every = pytest.mark.parametrize("backend", [able(name) for name in BACKENDS])
needs_compiler = pytest.mark.skipif(
    winograd.find_compiler() is None, reason="there is no C compiler"
)


# --- running ------------------------------------------------------------------------------------


@every
@torch.inference_mode()
def test_every_backend_gives_the_same_and_leaves_the_network_alone(net, backend, machine):
    known, kinds = net(BATCH), [type(part) for part in net.modules()]
    run = Runner(net, Way("small", backend, machine.cache / "compiled"))
    made = [run(BATCH), run(BATCH), run(BATCH[..., :12]), run(BATCH)]
    assert run.backend == backend
    assert all((one - known).abs().max() < 1e-5 for one in (made[0], made[1], made[3]))
    assert torch.equal(made[0], made[1]) and torch.equal(made[0], made[3])
    assert (made[2] - net(BATCH[..., :12])).abs().max() < 1e-5
    assert [type(part) for part in net.modules()] == kinds
    assert torch.equal(net(BATCH), known)
    assert list((machine.cache / "compiled").iterdir())


@pytest.mark.slow
@pytest.mark.skipif(find_obstacle("compiled", "cpu") is not None, reason="there is no compiler")
@torch.inference_mode()
def test_torch_compiles_a_shape_once(net):
    from torch._dynamo.utils import counters

    counters.clear()
    runs = [Runner(one, Way("small", "compiled")) for one in (net, Net(3).eval())]
    for _ in range(3):
        for run in runs:
            for x in (BATCH, BATCH[..., :16]):
                assert (run(x) - run.network(x)).abs().max() < 1e-5
    assert counters["stats"]["unique_graphs"] == 4
    assert [run.backend for run in runs] == ["compiled"] * 2


@pytest.mark.slow
@pytest.mark.skipif(find_obstacle("compiled", "cpu") is not None, reason="there is no compiler")
@torch.inference_mode()
def test_what_torch_compiles_is_kept_in_the_folder_that_was_named(tmp_path, monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    for name in ("first", "second"):
        # PyTorch keeps what it has loaded in memory, so the same network would not be kept twice.
        net = nn.Sequential(nn.Conv2d(3, 8 + len(name), 3), nn.PReLU()).eval()
        Runner(net, Way("small", "compiled", tmp_path / name))(BATCH)
        assert list((tmp_path / name / "inductor").rglob("*.so"))
        assert os.environ.get("TORCHINDUCTOR_CACHE_DIR") != str(tmp_path / name / "inductor")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "own"))
    Runner(nn.Conv2d(3, 5, 3).eval(), Way("small", "compiled", tmp_path / "third"))(BATCH)
    assert list((tmp_path / "own").iterdir())
    assert not (tmp_path / "third").exists()


@needs_compiler
@torch.inference_mode()
def test_a_network_of_several_steps_can_be_run(net):
    run = Runner(net, Way("small", "winograd"), ("winograd",), call_method)
    made = run("both", BATCH, 0.5)
    assert run.backend == "winograd"
    assert (made - net.both(BATCH, 0.5)).abs().max() < 1e-5


def test_what_is_not_made_for_a_network_is_not_used(net, caplog):
    run = Runner(net, Way("small", "openvino"), ("winograd",))
    assert run.backend == "eager"
    assert not caplog.records


@torch.inference_mode()
def test_a_backend_that_is_not_here_is_told_and_not_used(net, caplog, monkeypatch):
    monkeypatch.setattr(winograd, "find_compiler", lambda: None)
    run = Runner(net, Way("small", "winograd"))
    assert torch.equal(run(BATCH), net(BATCH))
    assert run.backend == "eager"
    assert run(BATCH) is not None
    assert caplog.text.count("small cannot be run as winograd (There is no C compiler") == 1


@torch.inference_mode()
def test_a_backend_that_fails_is_told_and_not_used(net, caplog, monkeypatch):
    def fail(*given):
        raise NotImplementedError("no such operation\nand more")

    monkeypatch.setattr(winograd, "install", fail)
    run = Runner(net, Way("small", "winograd"))
    assert torch.equal(run(BATCH), net(BATCH))
    assert "no such operation" in caplog.text


@needs_compiler
@torch.inference_mode()
def test_tiles_become_smaller_if_memory_runs_out(net, monkeypatch):
    run, widths = Runner(net, Way("small", "winograd")), []
    forward = winograd.WinogradConv2d.forward

    def limited(layer, x):
        widths.append(x.shape[3])
        if x.shape[3] > 10:
            raise MemoryError("not enough memory to convolve")
        return forward(layer, x)

    monkeypatch.setattr(winograd.WinogradConv2d, "forward", limited)
    tiles = FittingTiles(8)
    made = tiles.run(lambda tile: run(BATCH[..., :tile]), 20, "too large")
    assert (made - net(BATCH[..., :10])).abs().max() < 1e-5
    assert (widths[0], run.backend) == (20, "winograd")
    with pytest.raises(OutOfMemoryError):
        FittingTiles(16).run(lambda tile: run(BATCH[..., :tile]), 20, "too large")


# --- observing ----------------------------------------------------------------------------------


@torch.inference_mode()
def test_networks_are_observed_in_any_thread(net):
    run, other = Runner(net), Runner(Net().eval())
    with observe() as seen:
        run(BATCH)
        thread = threading.Thread(target=torch.inference_mode()(run), args=(BATCH[..., :8],))
        thread.start()
        thread.join()
        with observe() as inner:
            other(BATCH)
    run(BATCH)
    assert [what.calls for what in seen.values()] == [2, 1]
    assert seen[run].inputs[0].shape == (1, 3, 20, 8)
    assert list(inner) == [other]


# --- choosing -----------------------------------------------------------------------------------


class Slow(nn.Module):
    """A network that takes as long as it is told, and adds as much."""

    def __init__(self, seconds, error=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seconds, self.error = seconds, error

    def forward(self, x):
        time.sleep(self.seconds)
        return x + self.error


@pytest.fixture
def ways(monkeypatch):
    """Let backends be networks of which the time and the error are known."""
    known = {"winograd": Slow(0.02), "openvino": Slow(0.01), "compiled": Slow(0.005)}
    prepare = Runner.prepare

    def find(self, name):
        return known[name] if name in known else prepare(self, name)

    monkeypatch.setattr(Runner, "prepare", find)
    monkeypatch.setattr(Runner, "find_obstacle", lambda self, name: None)
    monkeypatch.setattr(backend_choice, "TRYING", {"winograd": 2, "openvino": 10, "compiled": 60})
    return known


SLOW = Way("slow")


def choose(calls, way=SLOW):
    return choose_backends({Runner(Slow(0.05), way): Seen((BATCH,), calls)}, 1)


def test_the_fastest_is_chosen_that_the_run_repays(ways):
    ways["winograd"].seconds = 0.06
    assert choose(1000) == {}
    assert choose(8000) == {"slow": "openvino"}
    assert choose(1_000_000) == {"slow": "compiled"}


def test_where_winograds_method_is_faster_nothing_else_is_tried(ways):
    assert choose(100) == {}
    assert choose(1000) == choose(1_000_000) == {"slow": "winograd"}


def test_what_is_hardly_faster_is_not_taken(ways):
    ways["winograd"].seconds = 0.049
    assert choose(1000) == {}


def test_what_differs_is_not_taken_and_that_is_told(ways, caplog):
    ways["winograd"].error = 1.1 / 255
    assert choose(1000) == {}
    assert "slow is not run as winograd: the result differs by 1.1 grey levels" in caplog.text
    ways["winograd"].error = float("nan")
    assert choose(1000) == {}
    ways["winograd"].error = 0.8 / 255
    assert choose(1000) == {"slow": "winograd"}


def test_what_fails_is_not_taken(ways, monkeypatch):
    monkeypatch.setattr(Slow, "forward", lambda self, x: x if self.seconds > 0.04 else 1 / 0)
    assert choose(1_000_000) == {}


def test_what_somebody_asked_for_is_kept(ways):
    assert choose(1, Way("slow", "openvino")) == {"slow": "openvino"}


def test_a_network_without_a_name_is_run_as_usual(ways):
    assert choose(1000, Way()) == {}


# --- the machine --------------------------------------------------------------------------------


def test_what_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CC", "CXX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    assert "C compiler" in (find_obstacle("winograd", "cpu") or "")
    assert r"silk-purse[openvino]" in (find_obstacle("openvino", "cpu") or "")
    assert "C++ compiler" in (find_obstacle("compiled", "cpu") or "")
    assert "Triton" in (find_obstacle("compiled", "cuda") or "")
    assert find_obstacle("compiled", "mps")


def test_a_variable_forces_a_backend(monkeypatch):
    from helpers.runtime.machine import Runtime

    monkeypatch.setenv("SILK_PURSE_BACKEND", "winograd")
    assert Runtime(backends={"x4plus": "compiled"}).backend("x4plus") == "winograd"
    monkeypatch.delenv("SILK_PURSE_BACKEND")
    assert Runtime(backends={"x4plus": "compiled"}).backend("x4plus") == "compiled"
    assert Runtime().backend("x4plus") == "eager"
    assert os.environ.get("SILK_PURSE_BACKEND") is None


def test_the_choice_is_logged(ways, caplog):
    with caplog.at_level(logging.INFO):
        choose(1000)
    assert "slow is run as winograd" in caplog.text

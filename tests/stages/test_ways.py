"""Every kind of network gives the same, within a grey level, in the other ways to run it."""

import numpy as np
import pytest

from helpers.nn import winograd
from helpers.nn.backends import Way
from helpers.stages.colorize.ddcolor import DDColor
from helpers.stages.colorize.deoldify import Deoldify
from helpers.stages.colorize.zhang import Zhang
from helpers.stages.damage.network import Cleaner, CleanerNet
from helpers.stages.damage.network_input import EVIDENCE
from helpers.stages.interpolate.film import FilmInterpolator
from helpers.stages.interpolate.rife import RifeInterpolator
from helpers.stages.upscale.basicvsr import VideoUpscaler
from helpers.stages.upscale.basicvsr_network import Size
from helpers.stages.upscale.small_video import SmallVideoUpscaler
from helpers.stages.upscale.spandrel_network import Upscaler
from tests.support.basicvsr_states import generated_basicvsr, sequence
from tests.support.compact_states import compact_state
from tests.support.ddcolor_states import generated_ddcolor
from tests.support.deoldify_states import generated_deoldify, grey
from tests.support.film_states import generated_film
from tests.support.rife_states import generated_state, pictures
from tests.support.small_video_states import generated_small_video
from tests.support.zhang_states import generated_zhang

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(winograd.find_compiler() is None, reason="there is no C compiler"),
]

FAST = Way("a model", "winograd")


def cleaner(**options):
    import torch

    torch.manual_seed(4)
    state = CleanerNet().state_dict()
    return Cleaner(
        {name: 0.05 * torch.randn(value.shape) for name, value in state.items()}, **options
    )


def judge(engine):
    planes = np.random.default_rng(5).random((EVIDENCE, 80, 96), np.float32)
    return [255 * engine.judge(planes).mask]


def color(engine):
    return [255 * picture for picture in engine.colours([grey(60, 70)], 6)]


def between(engine):
    return engine.between(*pictures(70, 90), [0.25, 0.5])


def enlarge(engine):
    return engine.upscale([sequence(1, 40, 50)[0]])


KINDS = {
    "compact": (lambda **o: Upscaler(compact_state(width=32), **o), enlarge),
    "cleaner": (cleaner, judge),
    "rife 4.6": (lambda **o: RifeInterpolator(generated_state("4.6"), "4.6", **o), between),
    "rife 4.25": (lambda **o: RifeInterpolator(generated_state("4.25"), "4.25", **o), between),
    "film": (lambda **o: FilmInterpolator(generated_film(), **o), between),
    "realbasicvsr": (
        lambda **o: VideoUpscaler(generated_basicvsr(Size(32, 2, 2)), **o),
        lambda engine: engine.upscale_sequence(sequence(3, 64, 72)),
    ),
    "small video": (
        lambda **o: SmallVideoUpscaler(generated_small_video(), **o),
        lambda engine: engine.upscale_sequence(sequence(3, 64, 72)),
    ),
    "deoldify": (lambda **o: Deoldify(generated_deoldify(False), **o), color),
    "ddcolor": (lambda **o: DDColor(generated_ddcolor(), **o), color),
    "eccv16": (lambda **o: Zhang(generated_zhang("eccv16"), **o), color),
    "siggraph17": (lambda **o: Zhang(generated_zhang("siggraph17"), **o), color),
}
"""How to make an engine of every kind, and how to run it; its results are in grey levels."""


@pytest.mark.parametrize("kind", KINDS)
def test_winograds_method_gives_the_same(kind):
    make, run = KINDS[kind]
    usual, fast = make(), make(way=FAST)
    known, made = run(usual), run(fast)
    assert (usual.runner.backend, fast.runner.backend) == ("eager", "winograd")
    layers = [type(layer).__name__ for layer in fast.network.modules()]
    assert "WinogradConv2d" not in layers
    for one, other in zip(known, made, strict=True):
        assert np.abs(one.astype(np.float64) - other).max() <= 1
        assert np.ptp(one) > 1

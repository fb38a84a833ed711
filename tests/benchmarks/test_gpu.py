"""The script for a graphics card, with a few layers on the CPU, where pictures go the same way."""

import re
import time
from itertools import pairwise

import numpy as np
import pytest
import torch

from benchmarks.speed import gpu, networks
from benchmarks.speed.work import count_work
from helpers.nn import backends
from helpers.stages.upscale.spandrel_network import Upscaler
from tests.support.card import pretended


def figures(row):
    return re.findall(r"\d[\d.]*", row.partition("tiny")[2])


def test_operations_and_bytes_of_a_convolution_are_counted():
    layer = torch.nn.Conv2d(4, 8, 3, padding=1, bias=False)
    batch = torch.rand(1, 4, 10, 20)
    counted = count_work(lambda: torch.relu(layer(batch)))
    assert counted.flops == 2 * 10 * 20 * 4 * 8 * 9
    assert counted.fused_bytes == 4 * (batch.numel() + layer.weight.numel() + 8 * 200)
    assert counted.bytes == counted.fused_bytes + 4 * 2 * 8 * 200


def test_a_film_moves_in_every_frame():
    clip = networks.film(10, 16, 24)
    images = [frame.image for frame in clip]
    assert images[0].shape == (16, 24, 3)
    assert not any(np.array_equal(a, b) for a, b in pairwise(images))


@pytest.mark.slow
def test_a_light_network_is_measured_in_every_way(monkeypatch):
    light = networks.networks(tiny=True)[0]
    monkeypatch.setattr(gpu, "networks", lambda tiny: [light])
    monkeypatch.setattr(torch, "compile", lambda module, **_: module)  # takes minutes on a CPU
    monkeypatch.setattr(backends, "find_obstacle", lambda *_: None)
    with pretended():
        rows = gpu.measure(gpu.TINY, tiny=True)
    text = "\n".join(rows)
    assert "left out" not in text
    (apart,) = re.findall(r"differ from single ones by at most (\d+) grey levels", text)
    assert int(apart) <= 2  # rounded once more than by OpenCV, and held to the source
    assert len([row for row in rows if row.startswith("| animevideov3 | tiny")]) == 2
    for scale in (1, 2):
        (chain,) = [row for row in rows if row.startswith(f"| x{scale} | tiny")]
        assert all(float(figure) > 0 for figure in figures(chain))
    assert {"network", "to the size", "back", "encode"} <= set(
        re.findall(r"^\| ([a-z ]+) \|", text, re.M)
    )


@pytest.mark.slow
def test_every_network_is_measured_alone_and_in_its_stage():
    with pretended():
        card = gpu.Card(gpu.TINY, tiny=True)
        rows = [row for row in card.rates(compiled=False) if "tiny" in row]
    assert len(rows) == 7
    assert not any("left out" in row for row in rows), rows


def test_what_fails_or_comes_too_late_leaves_a_row(monkeypatch):
    card = gpu.Card(gpu.TINY, tiny=True)

    def fail():
        raise RuntimeError("no compiler here\nand much more")

    assert card.measured("x | tiny", 0, fail) == "| x | tiny | left out: no compiler here |"
    card.begun = time.monotonic() - gpu.LIMIT
    assert "the time was over" in card.measured("x | tiny", 1, fail)


def test_it_takes_no_other_word():
    assert gpu.trial([]) == 2


def test_generated_weights_stand_in_for_those_that_are_not_here():
    engine = Upscaler(networks.state_of("general-x4v3", tiny=True))
    assert engine.scale == 4

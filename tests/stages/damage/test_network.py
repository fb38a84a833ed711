"""The network that judges damage: what it gives, tiles, memory, weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.errors import ModelError, OutOfMemoryError
from helpers.stages.damage.network import Cleaner, CleanerNet, features
from helpers.stages.damage.network_input import (
    EVIDENCE,
    PICTURES,
)


def test_the_network_gives_a_mixture_and_no_more():
    cleaner = Cleaner(CleanerNet((8, 8, 8), (1, 1, 1)).state_dict())
    planes = np.random.default_rng(1).random((EVIDENCE, 37, 51)).astype(np.float32)
    verdict = cleaner.judge(planes)
    assert verdict.mask.shape == (37, 51) and 0 <= verdict.mask.min() <= verdict.mask.max() <= 1
    assert np.allclose(verdict.weights.sum(0), 1, atol=1e-5)


def test_tiles_give_what_the_whole_gives():
    torch.manual_seed(1)
    network = CleanerNet((8, 8, 8), (1, 1, 1))
    torch.nn.init.normal_(network.last.weight, std=0.05)
    planes = np.random.default_rng(1).random((EVIDENCE, 200, 260)).astype(np.float32)
    whole = Cleaner(network.state_dict()).judge(planes)
    tiled = Cleaner(network.state_dict(), memory=lambda: 1 << 24).judge(planes)
    assert np.abs(whole.mask - tiled.mask).max() < 0.01


def test_without_memory_tiles_shrink_and_then_it_is_said(monkeypatch):
    cleaner = Cleaner(CleanerNet((8, 8, 8), (1, 1, 1)).state_dict())
    planes, run, seen = np.zeros((EVIDENCE, 300, 300), np.float32), cleaner._run, []

    def scarce(piece, limit=20_000):
        seen.append(piece[0].size)
        if piece[0].size > limit:
            raise MemoryError
        return run(piece)

    monkeypatch.setattr(cleaner, "_run", lambda piece: scarce(piece, 40_000))
    assert cleaner.judge(planes).mask.shape == (300, 300)
    monkeypatch.setattr(cleaner, "_run", lambda piece: scarce(piece, 10))
    with pytest.raises(OutOfMemoryError, match="No frame was lost"):
        cleaner.judge(planes)
    assert max(seen) > min(seen)


def test_other_weights_are_refused():
    with pytest.raises(ModelError, match="train-cleaner"):
        Cleaner({"conv.weight": torch.zeros(1)})


def test_what_the_network_sees_does_not_depend_on_brightness():
    planes = torch.rand(1, EVIDENCE, 16, 16) / 2
    lighter = planes.clone()
    lighter[:, PICTURES] += 0.25
    apart = features(lighter) - features(planes)
    assert np.allclose(apart[:, 1:], 0, atol=1e-5)

"""Real-ESRGAN with its own weights, where they are installed, and pictures to enlarge."""

import numpy as np
import pytest

from helpers.catalog import fetch
from helpers.catalog import table as catalog
from helpers.nn.ncnn_weights import esrgan_state
from helpers.stages.upscale.spandrel_network import Upscaler
from helpers.video.reader import open_video
from tests.support.paths import TALK

PLENTY = 1 << 30


def weights_of(name):
    """The .param and .bin file of a model; skips where they are not installed."""
    path, param = (fetch.find(file) for file in catalog.get(name, "upscale").forms[0])
    if path is None:
        pytest.skip(f"the weights of {name} are not installed")
    return param, path


def network(name="animevideov3", precision="fp32", memory=PLENTY):
    return Upscaler(esrgan_state(*weights_of(name)), "cpu", precision, lambda: memory)


def talk(width=96, height=64, number=10):
    return np.ascontiguousarray(open_video(TALK)[number].image[:height, :width])


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

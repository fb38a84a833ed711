"""ECCV16 and SIGGRAPH17: what they give, their weights, squares, memory."""

import cv2
import numpy as np
import pytest
import torch
from skimage import color

from helpers.errors import ModelError, OutOfMemoryError
from helpers.stages.colorize.square import lab_to_rgb
from helpers.stages.colorize.zhang import Zhang
from tests.support.faults import failing
from tests.support.grey_pictures import grey_frames, noise
from tests.support.shapes import digest
from tests.support.zhang_states import NETWORKS, generated_zhang, official_shapes

# Of the sorted lines "name (shape)" of the authors' networks' weights (see
# benchmarks/parity/zhang.py).
OFFICIAL = {
    "eccv16": "83887a0441b2a2b10a52283f6ee1fde4289669fa60d6ba76dbb34f731a200a82",
    "siggraph17": "55ef5098d49116dee1ec0ccd3c85a7aaf1e8c1df152b7a44e8c67a93de7270aa",
}

# a and b that the author's networks give at PLACES for noise(), with generated weights.
PLACES = ((3, 5), (31, 40), (63, 63), (20, 0))
AUTHORS = {
    "eccv16": [[-1.8218, 3.2547], [9.1567, -15.2585], [-3.4483, -2.5803], [-6.4507, 5.9951]],
    "siggraph17": [[-5.1505, 23.2332], [-8.6075, 17.0848], [0.6155, 23.9447], [-3.8625, 17.033]],
}


@pytest.fixture(scope="module", params=NETWORKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def state(name):
    return generated_zhang(name)


@pytest.fixture(scope="module")
def engine(state):
    return Zhang(state)


# --- what they give -----------------------------------------------------------------------------


def test_gives_what_the_authors_network_gives(engine, name):
    with torch.inference_mode():
        made = engine.network(100 * noise())[0]
    found = [made[:, y, x].tolist() for y, x in PLACES]
    assert np.abs(np.array(found) - np.array(AUTHORS[name])).max() < 5e-3  # of a range of +-110


def test_half_precision_stays_close(engine, state):
    frames = grey_frames(1)
    full, half = (
        cv2.cvtColor(network.colours(frames, 7)[0], cv2.COLOR_RGB2YCrCb)[..., 1:]
        for network in (engine, Zhang(state, precision="bf16"))
    )
    assert 0 < np.sqrt(np.mean((full - half) ** 2)) < 0.02


@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 2), (9, 300)])
@pytest.mark.parametrize("render_factor", [1, 3])
def test_any_frame_becomes_a_square(engine, height, width, render_factor):
    side = 16 * render_factor
    (made,) = engine.colours(grey_frames(1, height, width), render_factor)
    assert (made.shape, made.dtype) == ((side, side, 3), np.float32)
    assert made.min() >= 0 and made.max() <= 1


def test_the_picture_keeps_its_own_lightness(engine):
    frames = [np.linspace(0.1, 0.9, 32 * 32, dtype=np.float32).reshape(32, 32)]
    made = color.rgb2lab(engine.colours(frames, 2)[0])[..., 0]
    inside = np.abs(made - color.rgb2lab(np.dstack(frames * 3))[..., 0])
    assert np.median(inside) < 0.05  # colours that no screen has are cut


def test_lab_is_that_of_the_authors_library(engine):
    grey = np.linspace(0, 1, 1000, dtype=np.float32)[None]
    expected = color.rgb2lab(np.dstack([grey] * 3))[..., 0]
    assert np.abs(engine._lightness(grey) - expected).max() < 0.01  # of 100
    rgb = np.random.default_rng(0).random((50, 50, 3), np.float32)
    lab = color.rgb2lab(rgb).astype(np.float32)
    assert np.abs(lab_to_rgb(lab[..., 0], lab[..., 1:]) - rgb).max() < 1e-3


# --- company and memory -------------------------------------------------------------------------


def test_a_picture_is_coloured_alike_in_any_company(engine):
    frames = grey_frames(3)
    whole = engine.colours(frames, 2)
    assert np.array_equal(engine.colours(frames[2:], 2)[0], whole[2])
    assert np.array_equal(engine.colours(frames[::-1], 2)[1], whole[1])
    assert not np.array_equal(whole[0], whole[1])
    assert engine.colours([], 2) == []


def test_out_of_memory_is_said_with_what_to_do(engine, monkeypatch):
    frames = grey_frames(1)
    with monkeypatch.context() as short:
        short.setattr(engine, "_predict", failing(MemoryError()))
        with pytest.raises(OutOfMemoryError, match=r"48x48 pixels.* render factor below 3, and"):
            engine.colours(frames, 3)
        short.setattr(engine, "_predict", failing(RuntimeError("shapes differ")))
        with pytest.raises(RuntimeError, match="shapes differ"):
            engine.colours(frames, 2)
    assert engine.colours(frames, 3)


def test_that_memory_is_short_is_said_once(engine, monkeypatch, caplog):
    monkeypatch.setattr(engine, "memory", lambda: 10**6)
    for _ in range(2):
        engine.colours(grey_frames(1), 2)
    (said,) = caplog.messages
    assert "on a square of 32 pixels, but only 0.0 GB are free. A smaller render" in said


# --- weights ------------------------------------------------------------------------------------


def test_the_weights_have_their_official_names_and_shapes(name):
    assert digest(official_shapes(name)) == OFFICIAL[name]


def test_the_side_exit_may_be_left_out(state, name, engine):
    fewer = {key: value for key, value in state.items() if not key.startswith("model_class")}
    other = Zhang(fewer)
    assert other.title == engine.title == name.upper()
    frames = grey_frames(1)
    assert np.array_equal(other.colours(frames, 2)[0], engine.colours(frames, 2)[0])


def test_weights_of_another_kind_are_refused_with_what_was_found(state):
    with pytest.raises(ModelError, match=r"1 weights are not those of ECCV16: .*missing.*more\. D"):
        Zhang({"conv": torch.zeros(3)})
    with pytest.raises(
        ModelError, match=r"model1\.0\.bias has the shape \(5,\) instead of \(64,\)"
    ):
        Zhang({**state, "model1.0.bias": torch.zeros(5)})


def test_numbers_that_are_none_are_said(state):
    broken = Zhang({**state, "model1.0.bias": torch.full((64,), torch.nan)})
    with pytest.raises(
        ModelError, match=r"in fp32 contains values that are not.*download them again"
    ):
        broken.colours(grey_frames(1), 2)


def test_it_says_what_it_is(engine):
    facts = dict(engine.facts())
    assert facts["square"] == "256x256 pixels at its render factor of 16"
    assert facts["parameters"].endswith("million, in fp32 on cpu")

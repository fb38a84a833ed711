"""DeOldify: its weights' names and parts, what it draws, sizes, types, memory that runs out."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from helpers.errors import ModelError, OutOfMemoryError
from helpers.stages.colorize.deoldify import Deoldify, stretch_to_square
from helpers.stages.colorize.deoldify_network import Attention, DeoldifyNet, fold_state
from tests.support.deoldify_states import generated_deoldify, grey, official_shapes
from tests.support.faults import failing
from tests.support.shapes import digest


@pytest.fixture(scope="module")
def state():
    return generated_deoldify(wide=False)


@pytest.fixture(scope="module")
def engine(state):
    return Deoldify(state)


# --- weights ------------------------------------------------------------------------------------

# Of the sorted lines "name shape" of the author's networks (see benchmarks/parity/deoldify.py).
OFFICIAL = {
    True: (754, "2fd720b9a5985f3f62fc5ee60fa9e60212fd3f0496cde95a1bcf7f3bf561de8d"),
    False: (378, "8231097ff8d73695c1658ef72a8a65b9bdce6c101085810c586407b990f57ef1"),
}


@pytest.mark.parametrize("wide", [True, False])
def test_names_and_shapes_are_those_of_the_official_files(wide):
    shapes = official_shapes(wide)
    assert (len(shapes), digest(shapes)) == OFFICIAL[wide]


def normalised():
    """Return a convolution that torch normalises by its spectrum, after a few steps of training."""
    torch.manual_seed(1)
    layer = nn.utils.spectral_norm(nn.Conv2d(6, 4, 3, bias=False))
    for _ in range(3):
        layer(torch.rand(1, 6, 5, 5))
    layer.eval()(torch.rand(1, 6, 5, 5))  # now its weight is the one that inference uses
    return layer


def test_spectral_norm_is_folded_as_torch_computes_it():
    layer = normalised()
    plain = fold_state(dict(layer.state_dict()))
    assert list(plain) == ["weight"]
    assert torch.allclose(plain["weight"], layer.weight, atol=1e-7)


def test_files_from_before_weight_v_fold_to_what_torch_loads_them_as():
    layer, reader = normalised(), normalised()
    old = {"weight_orig": layer.weight_orig, "weight": layer.weight, "weight_u": layer.weight_u}
    old = {name: tensor.detach().clone() for name, tensor in old.items()}
    reader.load_state_dict(dict(old))
    reader(torch.rand(1, 6, 5, 5))
    plain = fold_state(old)
    assert list(plain) == ["weight"]
    assert torch.allclose(plain["weight"], reader.weight, atol=1e-5)


def test_weight_norm_is_folded_as_torch_computes_it():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv2d(6, 4, 1))
    with torch.no_grad():
        layer.parametrizations.weight.original0.mul_(1.7)  # type: ignore[union-attr]
    length, direction, bias = (
        dict(layer.named_parameters())[name]
        for name in (
            "parametrizations.weight.original0",
            "parametrizations.weight.original1",
            "bias",
        )
    )
    plain = fold_state({"8.bias": bias, "8.weight_g": length, "8.weight_v": direction})
    assert sorted(plain) == ["8.bias", "8.weight"]
    assert torch.allclose(plain["8.weight"], layer.weight, atol=1e-7)


def test_half_precision_files_are_folded_in_full_and_plain_ones_stay():
    parts = {name: value.half() for name, value in normalised().state_dict().items()}
    assert fold_state(parts)["weight"].dtype == torch.float32
    assert list(fold_state({"a.weight": torch.ones(1)})) == ["a.weight"]


def test_weights_of_another_kind_are_refused_with_what_was_found(state):
    with pytest.raises(ModelError, match=r"1 weights are not those of DeOldify, deep.*missing"):
        Deoldify({"conv": torch.zeros(3)})
    with pytest.raises(ModelError, match=r"those of DeOldify, wide \(Video, Stable\)"):
        Deoldify({"layers.4.conv.0.weight": torch.zeros(3)})
    lacking = {name: value for name, value in state.items() if name != "layers.3.0.0.weight_u"}
    with pytest.raises(ModelError, match=r"layers\.3\.0\.0\.weight is missing"):
        Deoldify(lacking)
    with pytest.raises(
        ModelError, match=r"layers\.11\.0\.bias has the shape \(4,\) instead of \(3,\)"
    ):
        Deoldify({**state, "layers.11.0.bias": torch.zeros(4)})


# --- the networks -------------------------------------------------------------------------------


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("factor", [1, 7, 10, 13, 15, 21, 60])
def test_every_render_factor_fits_through(wide, factor):
    with torch.device("meta"):
        network, picture = DeoldifyNet(wide).eval(), torch.zeros(1, 3, 16 * factor, 16 * factor)
        assert network(picture).shape == picture.shape


def test_attention_looks_where_the_paper_says():
    torch.manual_seed(0)
    layer, x = Attention(16), torch.randn(2, 16, 5, 7)
    nn.init.constant_(layer.gamma, 0.7)
    places = x.flatten(2)
    query, key, value = (part(places) for part in (layer.query, layer.key, layer.value))
    shares = (query.mT @ key).softmax(1)  # [of which place, for which place]
    expected = (places + 0.7 * value @ shares).view_as(x)
    assert torch.allclose(layer(x), expected, atol=1e-5)


# --- what it draws ------------------------------------------------------------------------------

# What the author's code draws: five pixels of grey(112, 112), with generated weights.
AUTHORS = [
    [0.5212, 0.5780, 0.3788],
    [0.5689, 0.6142, 0.3334],
    [0.6334, 0.4713, 0.1789],
    [0.4562, 0.6856, 0.3104],
    [0.4916, 0.6149, 0.2758],
]

PLACES = ((3, 5), (31, 64), (40, 100), (70, 30), (111, 111))


def test_draws_what_the_authors_code_draws(engine):
    # Sides of 112 cannot be halved evenly five times.
    (drawn,) = engine.colours([grey(112, 112)], 7)
    found = np.array([drawn[place] for place in PLACES])
    assert np.abs(found - np.array(AUTHORS)).max() < 2e-4


def test_half_precision_stays_close(state, engine):
    luma = [grey(90, 120, seed=1)]
    full, half = (
        network.colours(luma, 3)[0] for network in (engine, Deoldify(state, precision="bf16"))
    )
    chroma = [cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)[..., 1:] for picture in (full, half)]
    assert -10 * np.log10(np.mean((chroma[0] - chroma[1]) ** 2)) > 30
    assert len(np.unique(half)) > 1000  # the last layer keeps fine steps


def test_a_frame_is_coloured_alike_whatever_is_asked_for_with_it(engine):
    frames = [grey(40, 50, seed) for seed in range(3)]
    together = engine.colours(frames, 2)
    assert np.array_equal(together[1], engine.colours([frames[1]], 2)[0])
    assert not np.array_equal(together[0], together[1])
    assert engine.colours([], 2) == []


# --- sizes and types ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (33, 2), (65, 130)])
def test_gives_a_square_of_colours(engine, size):
    luma = grey(*size)
    kept = luma.copy()
    (drawn,) = engine.colours([luma], 3)
    assert (drawn.shape, drawn.dtype) == ((48, 48, 3), np.float32)
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert np.array_equal(luma, kept)


def test_stretches_as_the_author_does_but_without_rounding():
    levels = np.rint(grey(97, 61) * 255).astype(np.uint8)
    theirs = Image.fromarray(levels).resize((48, 48), Image.Resampling.BILINEAR)
    ours = 255 * stretch_to_square(levels.astype(np.float32) / 255, 48)
    assert np.abs(ours - np.asarray(theirs, np.float32)).max() < 1.01
    assert len(np.unique(ours)) > 1000


def test_numbers_that_are_none_are_never_taken_for_colours(engine, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(engine, "runner", lambda batch: batch * float("nan"))
        with pytest.raises(ModelError, match="in fp32 contains values that are not numbers"):
            engine.colours([grey(20, 30)], 2)


# --- memory that runs out -----------------------------------------------------------------------


def test_out_of_memory_is_said_and_the_next_frame_is_tried_afresh(engine, monkeypatch):
    with monkeypatch.context() as short:
        short.setattr(engine, "_run", failing(MemoryError()))
        with pytest.raises(OutOfMemoryError, match="of 32x32 pixels, which cannot be divided"):
            engine.colours([grey(20, 30)], 2)
        short.setattr(engine, "_run", failing(RuntimeError("shapes differ")))
        with pytest.raises(RuntimeError, match="shapes differ"):
            engine.colours([grey(20, 30)], 2)
    assert engine.colours([grey(20, 30)], 2)

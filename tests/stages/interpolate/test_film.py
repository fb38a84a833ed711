"""FILM: what it draws, its weights, sizes and types, memory that runs out, the law."""

import numpy as np
import pytest
import torch

from helpers.catalog import table as catalog
from helpers.errors import ModelError, OutOfMemoryError
from helpers.estimates import costs
from helpers.nn.state_dict import expected_shapes
from helpers.stages.interpolate.film import FilmInterpolator
from helpers.stages.interpolate.film_network import FilmNet, warp
from helpers.stages.interpolate.stage import Interpolate
from tests.support.faults import failing
from tests.support.film_states import generated_film
from tests.support.law import varying_clip
from tests.support.rife_states import pictures
from tests.support.weights import put

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine():
    return FilmInterpolator(generated_film())


# --- what it draws ------------------------------------------------------------------------------

# What the code of the weights draws (see benchmarks/parity/film.py): five pixels of the picture 0.4
# of the way between 16-bit pictures(64, 128), with generated weights.
AUTHORS = [
    [30485, 33757, 47205],
    [31827, 34768, 47350],
    [29572, 35128, 42836],
    [28266, 35928, 49270],
    [30017, 35549, 39828],
]

PLACES = ((3, 5), (31, 64), (40, 100), (20, 30), (63, 127))


def test_draws_what_the_authors_code_draws(engine):
    (drawn,) = engine.between(*pictures(64, 128, np.uint16), [0.4])
    found = [drawn[place].tolist() for place in PLACES]
    assert np.abs(np.array(found) - np.array(AUTHORS)).max() <= 20  # of 65535


def test_even_motion_fetches_pixels_from_where_it_says():
    x, flow = torch.rand(1, 3, 12, 16), torch.zeros(1, 2, 12, 16)
    flow[:, 0], flow[:, 1] = 2, -1
    moved = warp(x, flow)
    assert torch.allclose(moved[..., 1:, :14], x[..., :-1, 2:], atol=1e-5)
    assert torch.allclose(moved[..., 1:, 14:], x[..., :-1, 15:].expand(-1, -1, -1, 2), atol=1e-5)


def test_the_moment_matters_and_stands_alone(engine):
    pair = pictures(40, 50)
    one, other = engine.between(*pair, [0.25, 0.75])
    assert not np.array_equal(one, other)
    assert np.array_equal(engine.between(*pair, [0.75])[0], other)


@pytest.mark.slow
def test_backwards_it_draws_the_other_moment():
    """With a decoder that treats both sides alike, time may run either way."""
    network = FilmNet().eval()
    network.load_state_dict(generated_film())
    seen, flows = [], []
    network.fuse.forward = lambda aligned: seen.append(aligned[0])  # type: ignore[method-assign]
    with torch.inference_mode():
        for order in (1, -1):
            pair = torch.from_numpy(np.stack(pictures(64, 64)[::order])).permute(0, 3, 1, 2) / 255
            levels, flows = network.prepare(pair)
            network(levels, flows, 0.3 if order == 1 else 0.7)
    ours, theirs = (level.split([67, 67, 2, 2], 1) for level in seen)
    for a, b in ((0, 1), (1, 0), (2, 3), (3, 2)):
        assert torch.allclose(ours[a], theirs[b], atol=1e-3)


@pytest.mark.slow
def test_half_precision_stays_close(engine):
    pair = pictures(64, 64, np.uint16)
    full, half = (
        network.between(*pair, [0.5])[0].astype(float)
        for network in (engine, FilmInterpolator(generated_film(), precision="bf16"))
    )
    assert 10 * np.log10(65535**2 / np.mean((full - half) ** 2)) > 48
    assert len(np.unique(half)) > 1000  # the last layer keeps fine steps


# --- sizes, types, refusals ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "dtype"), [((1, 1), np.uint8), ((33, 2), np.uint16), ((65, 30), np.uint8)]
)
def test_keeps_shape_and_type(engine, size, dtype):
    first, last = pictures(*size, dtype)
    first = first ^ dtype(1)
    (drawn,) = engine.between(first, last, [0.5])
    assert (drawn.shape, drawn.dtype) == (first.shape, dtype)


def test_equal_pictures_come_back_untouched(engine):
    picture = pictures(20, 30)[0]
    first, second = engine.between(picture, picture.copy(), [0.3, 0.5])
    assert np.array_equal(first, picture) and np.array_equal(second, picture)
    assert not np.shares_memory(first, second)
    assert engine.between(*pictures(20, 30), []) == []


def test_refuses_what_it_cannot_do(engine):
    picture = np.zeros((20, 30, 3), np.uint8)
    with pytest.raises(ValueError, match="same shape"):
        engine.between(picture, picture[1:], [0.5])
    with pytest.raises(ValueError, match="less than 1; 1 was given"):
        engine.between(picture, picture, [1])


# --- weights ------------------------------------------------------------------------------------


def test_the_network_has_the_published_size():
    shapes = expected_shapes(FilmNet)
    assert len(shapes) == 82
    assert "extract.extract_sublevels.convs.0.0.conv.weight" in shapes
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == 34_436_667


def test_weights_of_another_kind_are_refused_with_what_was_found():
    state = {name: torch.zeros(shape) for name, shape in expected_shapes(FilmNet).items()}
    with pytest.raises(ModelError, match=r"1 weights are not those of FILM: .*missing.*more\. D"):
        FilmInterpolator({"conv": torch.zeros(3)})
    with pytest.raises(
        ModelError, match=r"output_conv\.bias has the shape \(5,\) instead of \(3,\)"
    ):
        FilmInterpolator({**state, "fuse.output_conv.bias": torch.zeros(5)})


# --- memory that runs out -----------------------------------------------------------------------


def test_out_of_memory_is_said_and_the_next_pair_is_tried_afresh(engine, monkeypatch):
    pair = pictures(40, 50)
    with monkeypatch.context() as short:
        short.setattr(engine, "_draw", failing(MemoryError()))
        with pytest.raises(OutOfMemoryError, match=r"FILM ran out of memory on a 50x40 frame\. No"):
            engine.between(*pair, [0.5])
        short.setattr(engine, "_draw", failing(RuntimeError("shapes differ")))
        with pytest.raises(RuntimeError, match="shapes differ"):
            engine.between(*pair, [0.5])
    assert engine.between(*pair, [0.5])


def test_what_does_not_fit_the_device_is_drawn_on_the_processor(engine, monkeypatch, caplog):
    pair = pictures(40, 50)
    expected, draw = engine.between(*pair, [0.5])[0], engine._draw
    monkeypatch.setattr(engine, "device", "mps")

    def limited(network, device, *rest):
        if device == "mps":
            raise RuntimeError("MPS backend out of memory")
        return draw(network, device, *rest)

    monkeypatch.setattr(engine, "_draw", limited)
    assert np.array_equal(engine.between(*pair, [0.5])[0], expected)
    assert "Out of memory with FILM on a 50x40 frame; it is computed on the CPU" in caplog.text


# --- through the stage --------------------------------------------------------------------------


@pytest.mark.slow
def test_the_stage_names_its_weights_and_its_cost_is_estimated(tmp_path, monkeypatch, engine):
    put(monkeypatch, tmp_path, "film", engine._state, ending=".safetensors")
    monkeypatch.setattr(catalog, "MODELS", (catalog.get("film", "interpolate"),))
    assert len(Interpolate("film", factor=2).recipe()["weights"]) == 64
    (row,) = costs("interpolate", varying_clip(3)).rows
    assert row[0] == "film" and row[1].endswith(" s")

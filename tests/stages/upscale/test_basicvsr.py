"""RealBasicVSR: what it draws, its weights, sizes and types, and its blocks through the stage."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from helpers.catalog import table as catalog
from helpers.catalog.load import describe
from helpers.errors import ModelError, OutOfMemoryError, StageError
from helpers.estimates import costs
from helpers.nn.state_dict import expected_shapes
from helpers.stages.upscale import basicvsr
from helpers.stages.upscale.basicvsr import VideoUpscaler, read_size, select_generator
from helpers.stages.upscale.basicvsr_network import RealBasicVsr, Size, Spynet, warp
from helpers.stages.upscale.stage import Upscale
from tests.support.basicvsr_states import SMALL, generated_basicvsr, sequence
from tests.support.clips import psnr
from tests.support.faults import failing
from tests.support.law import assert_true, varying_clip
from tests.support.weights import put


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Let small frames stay small, to be quick."""
    monkeypatch.setattr(basicvsr, "SMALLEST", 16)


@pytest.fixture(scope="module")
def engine():
    return VideoUpscaler(generated_basicvsr())


# --- what it draws ------------------------------------------------------------------------------

PLACES = ((3, 5), (70, 200), (130, 130), (201, 377), (259, 0))

# What the authors' own code draws (see benchmarks/parity/basicvsr.py): five pixels of the third of
# 16-bit sequence(5, 65, 95), with generated weights.
AUTHORS = [
    [149, 24088, 35049],
    [36705, 52845, 31822],
    [22155, 28943, 28687],
    [24880, 39209, 44538],
    [26925, 34314, 22173],
]


@pytest.mark.slow
def test_draws_what_the_authors_code_draws(engine):
    drawn = engine.upscale_sequence(sequence(5, 65, 95, np.uint16))[2]
    found = [drawn[place].tolist() for place in PLACES]
    assert np.abs(np.array(found) - np.array(AUTHORS)).max() <= 20  # of 65535


def test_motion_that_is_even_moves_the_picture():
    x, flow = torch.rand(1, 3, 12, 16), torch.zeros(1, 2, 12, 16)
    flow[:, 0], flow[:, 1] = 2, -1
    moved = warp(x, flow, "zeros")
    assert torch.allclose(moved[..., 1:, :14], x[..., :-1, 2:], atol=1e-5)
    assert not moved[..., 0, :].any() and not moved[..., 15].any()
    border = warp(x, flow, "border")
    assert torch.allclose(border[..., 0, :14], x[..., 0, 2:], atol=1e-5)


def test_spynet_finds_no_motion_where_nothing_is_added():
    network = Spynet()
    for layer in network.parameters():
        torch.nn.init.zeros_(layer)
    assert not network(torch.rand(1, 3, 40, 70), torch.rand(1, 3, 40, 70)).any()


def test_a_network_that_adds_nothing_enlarges_plainly():
    state = generated_basicvsr()
    for name in state:
        if name.startswith(("image_cleaning.1", "basicvsr.conv_last")):
            state[name].zero_()
    (picture,) = sequence(1, 32, 40)
    plain = torch.nn.functional.interpolate(
        torch.from_numpy(picture).permute(2, 0, 1)[None].float(), scale_factor=4, mode="bilinear"
    )
    (made,) = VideoUpscaler(state).upscale_sequence([picture])
    assert np.abs(made - plain[0].permute(1, 2, 0).numpy()).max() <= 0.51


def test_both_neighbours_matter(engine):
    film = sequence(3, 24, 32)
    whole = engine.upscale_sequence(film)
    assert not np.array_equal(engine.upscale_sequence(film[:2])[1], whole[1])
    assert not np.array_equal(engine.upscale_sequence(film[1:])[0], whole[1])


def test_frames_are_cleaned_until_little_changes():
    network = RealBasicVsr(SMALL, enough=0.0)
    network.load_state_dict(generated_basicvsr())
    frames = [torch.rand(1, 3, 24, 24)]
    thrice = network.clean(frames)[0]
    network.enough = 1.0
    once = [network.clean(frames)]
    for _ in range(2):
        once.append(network.clean(once[-1]))
    assert torch.equal(thrice, once[2][0]) and not torch.equal(thrice, once[0][0])


# --- sizes, types, numbers ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (33, 2), (45, 61)])
def test_keeps_type_and_enlarges_any_size(engine, monkeypatch, size, dtype):
    monkeypatch.setattr(basicvsr, "SMALLEST", 64 if size == (1, 1) else 16)
    film = sequence(2, *size, dtype)
    made = engine.upscale_sequence(film)
    assert [(m.shape, m.dtype) for m in made] == [((4 * size[0], 4 * size[1], 3), dtype)] * 2


def test_what_is_wanted_does_not_change_what_it_becomes(engine):
    film = sequence(6, 24, 30)
    whole = engine.upscale_sequence(film)
    for keep in (range(6), range(2, 4), range(1), range(5, 6)):
        assert all(map(np.array_equal, engine.upscale_sequence(film, keep), whole[keep.start :]))
    assert engine.upscale_sequence(film, range(3, 3)) == []


def test_tiles_of_the_drawing_make_no_difference(engine, monkeypatch):
    film = sequence(2, 40, 50, np.uint16)
    whole = engine.upscale_sequence(film)
    monkeypatch.setattr(basicvsr, "TILE", 16)
    tiled = engine.upscale_sequence(film)
    assert np.abs(np.array(tiled, int) - np.array(whole, int)).max() <= 2  # of 65535


def test_short_memory_makes_no_difference(engine):
    film = sequence(3, 24, 32)
    short = VideoUpscaler(generated_basicvsr(), memory=lambda: 0)
    assert all(map(np.array_equal, short.upscale_sequence(film), engine.upscale_sequence(film)))


@pytest.mark.parametrize(("precision", "least"), [("fp16", 60), ("bf16", 48)])
def test_half_precision_stays_close(engine, precision, least):
    film = sequence(3, 24, 32, np.uint16)
    half = VideoUpscaler(generated_basicvsr(), precision=precision)
    assert psnr(half.upscale_sequence(film), engine.upscale_sequence(film)) > least


def test_memory_that_runs_out_is_said_and_the_next_sequence_is_tried_afresh(engine, monkeypatch):
    film = sequence(2, 24, 30)
    expected = engine.upscale_sequence(film)
    with monkeypatch.context() as short:
        short.setattr(engine, "_run", failing(MemoryError()))
        with pytest.raises(OutOfMemoryError, match=r"on 2 frames of 30x24, which it processes"):
            engine.upscale_sequence(film)
        short.setattr(engine, "_run", failing(RuntimeError("shapes differ")))
        with pytest.raises(RuntimeError, match="shapes differ"):
            engine.upscale_sequence(film)
    assert all(map(np.array_equal, engine.upscale_sequence(film), expected))


# --- weights ------------------------------------------------------------------------------------


def test_the_published_network_has_the_official_size():
    shapes = expected_shapes(RealBasicVsr)
    assert len(shapes) == 320
    assert read_size({name: torch.zeros(shape) for name, shape in shapes.items()}) == Size()


def test_the_authors_file_is_read_without_what_training_left_in_it():
    state = generated_basicvsr()
    whole = {f"generator_ema.{name}": tensor for name, tensor in state.items()}
    whole |= {f"generator.{name}": tensor + 1 for name, tensor in state.items()}
    whole |= {"step_counter": torch.zeros(1), "discriminator.conv_0.weight": torch.zeros(3)}
    read = select_generator(whole)
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], state[name]) for name in state)


def test_weights_of_another_kind_are_refused_with_what_was_found():
    state = generated_basicvsr()
    with pytest.raises(ModelError, match=r"1 weights \(the first is conv\) are not those of Real"):
        VideoUpscaler({"conv": torch.zeros(3)})
    with pytest.raises(ModelError, match=r"fusion\.bias is missing"):
        VideoUpscaler({k: v for k, v in state.items() if k != "basicvsr.fusion.bias"})
    with pytest.raises(
        ModelError, match=r"fusion\.bias has the shape \(5,\) instead of \(8,\), head is unk"
    ):
        VideoUpscaler({**state, "basicvsr.fusion.bias": torch.zeros(5), "head": torch.zeros(1)})


# --- through the stage --------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Generated weights, in the authors' wrapping, where the catalogue looks for its own."""
    state = {f"generator_ema.{name}": tensor for name, tensor in generated_basicvsr().items()}
    put(monkeypatch, tmp_path, "realbasicvsr", {"meta": {}, "state_dict": state})


def test_the_stage_makes_four_times_the_size_and_names_its_weights(weights):
    clip = Upscale("realbasicvsr")(varying_clip(2, 20, 16))
    assert clip[0].image.shape == (64, 80, 3)
    assert len(clip.recipe()[-1]["weights"]) == 64


def test_the_stage_makes_any_size(weights):
    clip = Upscale("realbasicvsr", scale=Fraction(2))(varying_clip(2, 20, 16))
    assert_true(clip, list(clip))
    assert clip.info.size == "40x32"


@pytest.mark.parametrize("how", [{}, {"alternate": True}, {"blend": (1, 2)}])
def test_it_does_not_share_its_frames(how):
    with pytest.raises(StageError, match="realbasicvsr processes many frames together"):
        Upscale(("lanczos", "realbasicvsr"), **how)


def test_it_is_described_and_its_cost_estimated(weights, monkeypatch):
    assert "recurrent" in repr(describe("realbasicvsr"))
    monkeypatch.setattr(catalog, "MODELS", (catalog.get("realbasicvsr", "upscale"),))
    (row,) = costs("upscale", varying_clip(3)).rows
    assert row[1].endswith(" s") and row[2].startswith("about")

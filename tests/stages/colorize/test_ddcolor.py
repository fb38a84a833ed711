"""DDColor: what it gives, its weights, squares."""

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from helpers.errors import ModelError
from helpers.nn.state_dict import expected_shapes
from helpers.nn.weight_files import read_state
from helpers.stages.colorize.ddcolor import DDColor
from helpers.stages.colorize.ddcolor_decoder import SpectralConv2d, blur, encode_positions
from helpers.stages.colorize.ddcolor_network import DDColorNet, read_shape
from tests.support.ddcolor_states import LARGE, TINY, generated_ddcolor, official_shapes
from tests.support.grey_pictures import grey_frames, noise
from tests.support.shapes import digest

# Of the sorted lines "name (shape)" of the authors' networks' weights (see
# benchmarks/parity/ddcolor.py).
OFFICIAL = {
    TINY: "7fc152a01a30a00b29e3d2628a7bf9bc2e0b032becbc2b268aa27c4a7211a902",
    LARGE: "10b7b512e19d5da9b7861aed07989db5be2b98091cd43369ea5c991efd5639be",
}

# a and b that the authors' tiny network gives at PLACES for noise(), with generated weights.
PLACES = ((3, 5), (31, 40), (63, 63), (20, 0))
AUTHORS = [[5.7438, 8.1283], [5.7363, 8.6798], [-3.391, -4.8167], [6.9983, 10.4647]]


@pytest.fixture(scope="module")
def state():
    return generated_ddcolor()


@pytest.fixture(scope="module")
def engine(state):
    return DDColor(state)


# --- what it gives ------------------------------------------------------------------------------


def test_gives_what_the_authors_network_gives(engine):
    with torch.inference_mode():
        made = engine.network(noise().expand(-1, 3, -1, -1))[0]
    found = [made[:, y, x].tolist() for y, x in PLACES]
    assert np.abs(np.array(found) - np.array(AUTHORS)).max() < 1e-3  # of a range of +-110


@torch.inference_mode()
def test_painting_in_another_order_paints_the_same(engine):
    dice = torch.Generator().manual_seed(0)
    colours = torch.randn(2, 100, 256, generator=dice)
    features = torch.randn(2, 256, 4, 8, generator=dice)
    grey = torch.randn(2, 3, 16, 32, generator=dice)
    network = engine.network
    fine = functional.pixel_shuffle(network.decoder.last_shuf.conv(features).relu(), 4)
    likeness = torch.einsum("nqc,nchw->nqhw", colours, blur(fine))
    expected = network.refine_net(torch.cat([likeness, grey], 1))
    assert torch.allclose(network.paint(colours, features, grey), expected, atol=1e-3)


def test_half_precision_stays_close(engine, state):
    frames = grey_frames(1)
    full, half = (
        cv2.cvtColor(network.colours(frames, 4)[0], cv2.COLOR_RGB2YCrCb)[..., 1:]
        for network in (engine, DDColor(state, precision="bf16"))
    )
    assert 0 < np.sqrt(np.mean((full - half) ** 2)) < 0.01


@pytest.mark.parametrize(("height", "width"), [(1, 1), (9, 300)])
@pytest.mark.parametrize("render_factor", [2, 3])
def test_any_frame_becomes_a_square(engine, height, width, render_factor):
    """Also where the network cannot take the side: 48 is no multiple of 32."""
    side = 16 * render_factor
    (made,) = engine.colours(grey_frames(1, height, width), render_factor)
    assert (made.shape, made.dtype) == ((side, side, 3), np.float32)
    assert made.min() >= 0 and made.max() <= 1


def test_a_side_between_is_like_its_neighbour(engine):
    frames = grey_frames(1, 64, 64)
    between, next_ = (engine.colours(frames, factor)[0] for factor in (3, 4))
    smaller = cv2.resize(next_, between.shape[:2], interpolation=cv2.INTER_AREA)
    assert np.abs(between - smaller).max() < 0.05


def test_a_picture_is_coloured_alike_in_any_company(engine):
    frames = grey_frames(2)
    whole = engine.colours(frames, 2)
    assert np.array_equal(engine.colours(frames[1:], 2)[0], whole[1])
    assert not np.array_equal(*whole)


def test_places_tell_rows_and_columns_apart():
    found = encode_positions(3, 5).view(3, 5, 256)
    assert torch.equal(found[1, :, :128], found[1, :1, :128].expand(5, -1))
    assert torch.equal(found[:, 2, 128:], found[:1, 2, 128:].expand(3, -1))
    assert len(torch.unique(found.flatten(0, 1), dim=0)) == 15


# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [TINY, LARGE], ids=["tiny", "large"])
def test_the_weights_have_their_official_names_and_shapes(size):
    shapes = official_shapes(*size)
    assert digest(shapes) == OFFICIAL[size]
    with torch.device("meta"):
        assert read_shape({name: torch.zeros(shape) for name, shape in shapes.items()}) == (
            *size,
            100,
        )


@pytest.mark.filterwarnings("ignore:.*spectral_norm")
def test_a_folded_convolution_is_what_spectral_norm_computes():
    theirs = torch.nn.utils.spectral_norm(torch.nn.Conv2d(5, 7, 3, padding=1)).eval()
    ours = SpectralConv2d(5, 7, 3)
    ours.load_state_dict(theirs.state_dict())
    ours.fold()
    picture = torch.rand(1, 5, 8, 8)
    assert torch.allclose(ours(picture), theirs(picture), atol=1e-6)
    assert set(ours.state_dict()) == {"weight", "bias"}


@pytest.mark.parametrize(("file", "wrapper"), [("a.pth", "params"), ("pytorch_model.bin", None)])
def test_both_kinds_of_file_are_read(tmp_path, file, wrapper):
    # Every weight is one number, shown many times: small on the disk.
    state = {name: torch.tensor(1.0).expand(s) for name, s in official_shapes(*LARGE).items()}
    torch.save({wrapper: state} if wrapper else state, tmp_path / file)
    found = read_state([tmp_path / file])
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == official_shapes(*LARGE)


def test_unused_weights_may_be_left_out(state, engine):
    fewer = {name: state[name] for name in expected_shapes(lambda: DDColorNet(*TINY))}
    frames = grey_frames(1)
    assert np.array_equal(DDColor(fewer).colours(frames, 2)[0], engine.colours(frames, 2)[0])
    assert engine.title == "DDColor tiny"


def test_weights_of_another_kind_are_refused_with_what_was_found(state):
    with pytest.raises(
        ModelError, match=r"1 weights \(the first is conv\) are not those of DDColor"
    ):
        DDColor({"conv": torch.zeros(3)})
    bias = "encoder.arch.norm0.bias"
    with pytest.raises(
        ModelError, match=r"not those of DDColor tiny: .*has the shape \(5,\) instead of"
    ):
        DDColor({**state, bias: torch.zeros(5)})


def test_a_norm_of_zero_is_said(state):
    broken = DDColor({**state, "refine_net.0.0.weight_u": torch.zeros(2)})
    with pytest.raises(ModelError, match="DDColor tiny in fp32 contains values that are not"):
        broken.colours(grey_frames(1), 2)

"""RIFE: what it draws, sizes and types, memory that runs out."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from helpers.errors import ModelError, OutOfMemoryError
from helpers.stages.interpolate.rife import RifeInterpolator, choose_scale
from helpers.stages.interpolate.rife_network import VERSIONS, pixel_positions, warp
from helpers.stages.interpolate.stage import Interpolate
from tests.support.clips import psnr
from tests.support.faults import failing
from tests.support.law import varying_clip
from tests.support.rife_states import generated_state, pictures
from tests.support.weights import put

every_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def engines():
    """One engine a version, made when first asked for."""
    made = {}

    def engine(version="4.6", precision="fp32", scale=None):
        key = (version, precision, scale)
        if key not in made:
            made[key] = RifeInterpolator(generated_state(version), version, "cpu", precision, scale)
        return made[key]

    return engine


# --- what it draws ------------------------------------------------------------------------------

# What the authors' own code draws (see benchmarks/parity/rife.py), by version and scale: six
# pixels of the picture 0.4 of the way between 16-bit pictures(256, 256), with generated weights.
AUTHORS = {
    ("4.6", 1.0): [
        [31349, 43066, 27335],
        [30227, 33448, 43236],
        [41223, 28139, 18364],
        [31959, 28596, 32695],
        [25324, 59295, 40344],
        [18636, 42336, 22793],
    ],
    ("4.6", 0.5): [
        [21424, 33225, 46765],
        [37306, 38280, 19885],
        [30789, 37417, 24050],
        [43183, 26552, 37564],
        [20016, 22246, 50106],
        [34667, 39464, 22059],
    ],
    ("4.25", 1.0): [
        [29764, 31101, 37872],
        [28722, 56983, 5979],
        [42537, 43217, 18826],
        [38382, 37840, 39173],
        [15034, 52512, 39659],
        [45720, 52023, 32430],
    ],
    ("4.25", 0.5): [
        [48525, 36507, 23137],
        [33269, 34698, 34190],
        [39814, 43066, 13724],
        [39900, 41970, 37534],
        [33867, 51655, 40820],
        [27197, 45415, 31749],
    ],
    ("4.25-lite", 1.0): [
        [34244, 41525, 19160],
        [37645, 36546, 17118],
        [30945, 43807, 11067],
        [19208, 50619, 45523],
        [39365, 27271, 43463],
        [40913, 34775, 35062],
    ],
    ("4.25-lite", 0.5): [
        [46759, 22157, 30677],
        [31060, 31799, 33985],
        [17524, 22190, 23563],
        [25841, 27033, 38452],
        [22122, 33632, 21824],
        [32617, 38972, 39435],
    ],
}

PLACES = ((5, 7), (40, 100), (64, 96), (90, 30), (110, 180), (126, 3))


@pytest.mark.parametrize(("version", "scale"), AUTHORS)
def test_draws_what_the_authors_code_draws(engines, version, scale):
    engine = engines(version, scale=scale)
    drawn = engine.between(*pictures(256, 256, np.uint16), [0.4])[0]
    found = [drawn[place].tolist() for place in PLACES]
    assert np.abs(np.array(found) - np.array(AUTHORS[version, scale])).max() <= 20  # of 65535


def test_warp_fetches_pixels_from_where_the_motion_says():
    pair = torch.rand(2, 3, 12, 16)
    motion = torch.zeros(1, 4, 12, 16)
    motion[:, 0], motion[:, 3] = 2, -1
    moved = warp(pair, motion, pixel_positions(pair), 1)
    assert torch.allclose(moved[0, :, :, :14], pair[0, :, :, 2:], atol=1e-5)
    assert torch.allclose(moved[0, :, :, 14:], pair[0, :, :, 15:].expand(-1, -1, 2), atol=1e-5)
    assert torch.allclose(moved[1, :, 1:], pair[1, :, :-1], atol=1e-5)


@pytest.mark.parametrize("step", [2, 4, 8])
def test_warp_for_a_coarse_block_is_the_whole_warp_made_smaller(step):
    pair, motion = torch.rand(2, 5, 32, 48), 6 * torch.randn(1, 5, 32, 48)
    places = pixel_positions(pair)
    whole = torch.nn.functional.interpolate(
        warp(pair, motion, places, 1), scale_factor=1 / step, mode="bilinear"
    )
    assert torch.allclose(warp(pair, motion, places, step), whole, atol=1e-5)


@every_version
@pytest.mark.parametrize("size", [(64, 64), (45, 71)])
def test_no_motion_and_an_even_mask_give_the_mean(version, size):
    state = generated_state(version)
    for name, weight in state.items():
        if "lastconv" in name:
            weight.zero_()
    first, last = pictures(*size)
    (drawn,) = RifeInterpolator(state, version).between(first, last, [0.7])
    assert np.abs(drawn - (first.astype(float) + last) / 2).max() <= 0.51


@every_version
def test_the_moment_matters(engines, version):
    one, other = engines(version).between(*pictures(64, 64), [0.1, 0.9])
    assert not np.array_equal(one, other)


@every_version
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_stays_close(engines, version, precision):
    pair = pictures(128, 192)
    full, half = (engines(version, p).between(*pair, [0.4])[0] for p in ("fp32", precision))
    assert psnr(full, half) > (34 if precision == "bf16" else 50)


# --- sizes, types and the law -------------------------------------------------------------------


@every_version
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (33, 2), (65, 129)])
def test_keeps_shape_and_type(engines, version, size, dtype):
    first, last = pictures(*size, dtype)
    first = first ^ dtype(1)
    (drawn,) = engines(version).between(first, last, [0.5])
    assert (drawn.shape, drawn.dtype) == (first.shape, dtype)


@every_version
def test_one_moment_by_itself_is_the_same_as_among_others(engines, version):
    pair, engine = pictures(70, 90), engines(version)
    together = engine.between(*pair, [0.25, 0.5, 0.9])
    alone = [engine.between(*pair, [fraction])[0] for fraction in (0.25, 0.5, 0.9)]
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))
    assert engine.between(*pair, []) == []


def test_several_threads_get_what_one_gets(engines):
    engine = engines("4.25")
    pairs = [pictures(40, 50 + number, seed=number) for number in range(4)]
    alone = [engine.between(*pair, [0.3])[0] for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda pair: engine.between(*pair, [0.3])[0], pairs))
    assert all(np.array_equal(a, b) for a, b in zip(together, alone, strict=True))


def test_equal_pictures_come_back_untouched(engines):
    picture = pictures(20, 30)[0]
    first, second = engines().between(picture, picture.copy(), [0.3, 0.5])
    assert np.array_equal(first, picture) and np.array_equal(second, picture)
    assert not np.shares_memory(first, second)


def test_leaves_its_inputs_alone_and_accepts_views(engines):
    first, last = pictures(40, 60)
    expected = engines().between(first, last, [0.5])[0]
    views = [np.ascontiguousarray(picture[:, ::-1])[:, ::-1] for picture in (first, last)]
    for view in views:
        view.flags.writeable = False
    assert np.array_equal(engines().between(*views, [0.5])[0], expected)
    assert np.array_equal(first, pictures(40, 60)[0])


def test_sixteen_bits_are_not_eight_in_disguise(engines):
    eight = engines().between(*pictures(64, 96), [0.5])[0]
    wide = [picture.astype(np.uint16) * 257 for picture in pictures(64, 96)]
    drawn = engines().between(*wide, [0.5])[0]
    assert np.abs(drawn / 257 - eight).max() <= 0.51
    assert len(np.unique(drawn)) > 1000


@pytest.mark.parametrize(
    ("size", "scale"),
    [((480, 640), 1), ((1440, 2560), 1), ((2160, 3840), 0.5), ((4320, 7680), 0.25)],
)
def test_motion_of_large_frames_is_looked_for_at_a_smaller_size(size, scale):
    assert choose_scale(*size) == scale


@pytest.mark.parametrize("scale", [0.5, 0.25])
def test_odd_sizes_at_a_smaller_scale(engines, scale):
    (drawn,) = engines("4.25-lite", scale=scale).between(*pictures(37, 41), [0.5])
    assert drawn.shape == (37, 41, 3)


PICTURE = np.zeros((20, 30, 3), np.uint8)


@pytest.mark.parametrize(
    ("first", "last", "fractions", "message"),
    [
        (PICTURE.astype(np.float32), PICTURE, [0.5], "first must be uint8 or uint16.*float32"),
        (PICTURE[..., 0], PICTURE, [0.5], r"first must be RGB, \(H, W, 3\).*\(20, 30\)"),
        (PICTURE[:0], PICTURE[:0], [0.5], r"its shape is \(0, 30, 3\)"),
        (PICTURE, PICTURE[1:], [0.5], r"same shape.*last is uint8 \(19, 30, 3\)"),
        (PICTURE, PICTURE, [0.5, 0.0], r"greater than 0 and less than 1; 0\.0"),
        (PICTURE, PICTURE, [1], "less than 1; 1 was"),
    ],
)
def test_refuses_what_it_cannot_do(engines, first, last, fractions, message):
    with pytest.raises(ValueError, match=message):
        engines().between(first, last, fractions)


def test_other_scales_are_refused():
    with pytest.raises(ModelError, match=r"must be 1, 0\.5 or 0\.25; 3 was given"):
        RifeInterpolator(generated_state("4.6"), "4.6", scale=3)


# --- memory that runs out -----------------------------------------------------------------------


def test_out_of_memory_is_said_and_the_next_pair_is_tried_afresh(monkeypatch):
    engine, pair = RifeInterpolator(generated_state("4.6"), "4.6"), pictures(40, 50)
    expected = engine.between(*pair, [0.5])[0]
    with monkeypatch.context() as short:
        short.setattr(engine, "_draw", failing(MemoryError()))
        with pytest.raises(OutOfMemoryError, match=r"4\.6 ran out of memory on a 50x40 frame\. No"):
            engine.between(*pair, [0.5])
    assert np.array_equal(engine.between(*pair, [0.5])[0], expected)


def test_what_does_not_fit_the_device_is_drawn_on_the_processor(monkeypatch, caplog):
    engine, pair = RifeInterpolator(generated_state("4.25"), "4.25"), pictures(40, 50)
    expected = engine.between(*pair, [0.5])[0]
    draw = engine._draw
    monkeypatch.setattr(engine, "device", "mps")

    def limited(network, device, *rest):
        if device == "mps":
            raise RuntimeError("MPS backend out of memory")
        return draw(network, device, *rest)

    monkeypatch.setattr(engine, "_draw", limited)
    assert np.array_equal(engine.between(*pair, [0.5])[0], expected)
    assert "Out of memory with RIFE 4.25 on a 50x40 frame; it is computed on the CPU" in caplog.text


def test_a_failure_that_is_not_about_memory_is_passed_on(monkeypatch):
    engine = RifeInterpolator(generated_state("4.6"), "4.6")
    monkeypatch.setattr(engine, "_draw", failing(RuntimeError("shapes differ")))
    with pytest.raises(RuntimeError, match="shapes differ"):
        engine.between(*pictures(40, 50), [0.5])


# --- through the stage --------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_stage_names_the_weights_of_every_version(tmp_path, monkeypatch, version):
    put(monkeypatch, tmp_path, f"rife-{version}", generated_state(version), ending=".pkl")
    clip = Interpolate(f"rife-{version}", factor=2)(varying_clip(2))
    assert len(clip.recipe()[-1]["weights"]) == 64

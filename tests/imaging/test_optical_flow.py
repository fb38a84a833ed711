"""Motion is found to a fraction of a pixel, and pictures are brought along it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from helpers.imaging import optical_flow
from helpers.imaging.optical_flow import (
    FAST,
    FINE,
    MEDIUM,
    SMOOTH,
    SMOOTH_SMALL,
    align,
    flow_luma,
    is_inside,
    measure_both_flows,
    measure_flow,
    sample,
    target_positions,
    warp,
)
from tests.support.films import texture

HELPERS = Path(optical_flow.__file__).parents[1]

ALL = pytest.mark.parametrize("settings", [FAST, FINE, MEDIUM, SMOOTH, SMOOTH_SMALL], ids=str)


def shifted(right, down, height=96, width=128):
    """Two pictures: what is at (x, y) in the first is at (x + right, y + down) in the second."""
    big = texture(height + 20, width + 20, seed=2)[..., 1]
    return (
        np.ascontiguousarray(big[y : y + height, x : x + width])
        for y, x in ((10, 10), (10 - down, 10 - right))
    )


@ALL
def test_a_shift_is_measured(settings):
    here, there = shifted(3, -2)
    flow = measure_flow(here, there, settings)
    assert flow.shape == (96, 128, 2) and flow.dtype == np.float32
    assert np.abs(flow - (3, -2))[12:-12, 12:-12].mean() < 0.25


@ALL
def test_there_and_back_agree(settings):
    here, there = shifted(2, 1)
    onward, back = measure_both_flows(here, there, settings)
    assert np.array_equal(onward, measure_flow(here, there, settings))
    assert np.array_equal(back, measure_flow(there, here, settings))
    assert np.abs(onward + warp(back, onward))[12:-12, 12:-12].mean() < 0.2


@ALL
@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (31, 40), (40, 5)])
def test_pictures_may_be_tiny(settings, shape):
    here, there = (np.random.default_rng(n).integers(0, 256, shape, np.uint8) for n in (1, 2))
    assert measure_flow(here, there, settings).shape == (*shape, 2)


@ALL
@pytest.mark.parametrize("shape", [(20, 70), (44, 44), (38, 80), (50, 40), (90, 86)])
def test_the_way_back_knows_nothing_of_the_way_there(settings, shape):
    here, there = (texture(*shape, seed=seed)[..., 1] for seed in (1, 2))
    both = measure_both_flows(here, there, settings)
    assert np.array_equal(both[0], measure_flow(here, there, settings))
    assert np.array_equal(both[1], measure_flow(there, here, settings))


@ALL
def test_earlier_pictures_leave_no_trace(settings):
    shapes = [(90, 86), (9, 70), (44, 44), (240, 320), (1, 1), (38, 80), (130, 33), (90, 86)]
    pairs = [[texture(*shape, seed=seed)[..., 1] for seed in (1, 2)] for shape in shapes]
    found = [measure_flow(*pair, settings) for pair in pairs]
    for pair, flow in zip(pairs, found, strict=True):
        with ThreadPoolExecutor(1) as pool:  # a new thread has no buffers yet
            assert np.array_equal(pool.submit(measure_flow, *pair, settings).result(), flow)
        assert not np.shares_memory(measure_flow(*pair, settings), flow)


def test_nobody_else_sets_up_a_search():
    users = [path for path in HELPERS.rglob("*.py") if "DISOpticalFlow.create" in path.read_text()]
    assert [path.name for path in users] == ["optical_flow.py"]


@ALL
def test_the_same_picture_is_at_rest(settings):
    here, _ = shifted(0, 0)
    assert not measure_flow(here, here.copy(), settings).any()


@ALL
def test_light_that_changes_is_no_motion(settings):
    here, _ = shifted(0, 0)
    brighter = cv2.add(here, 15)  # type: ignore[call-overload]
    assert np.abs(measure_flow(here, brighter, settings)).mean() < 0.1


def test_many_threads_get_the_same():
    pairs = [tuple(shifted(n % 4, 1)) for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda pair: measure_flow(*pair, MEDIUM), pairs))
    for flow, pair in zip(found, pairs, strict=True):
        assert np.array_equal(flow, measure_flow(*pair, MEDIUM))


def test_places_are_where_pixels_go():
    flow = np.random.default_rng(0).normal(size=(4, 5, 2)).astype(np.float32)
    at = target_positions(flow)
    assert np.allclose(at[2, 3], flow[2, 3] + (3, 2))
    assert at is not flow and at.dtype == np.float32
    assert np.allclose(target_positions(flow, -0.5)[2, 3], flow[2, 3] / -2 + (3, 2))


@pytest.mark.parametrize("interpolation", [cv2.INTER_LINEAR, cv2.INTER_CUBIC])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_whole_steps_are_exact_and_the_edge_goes_on(interpolation, dtype):
    picture = texture(20, 30).astype(dtype)
    flow = np.full((20, 30, 2), (2, -1), np.float32)
    moved = warp(picture, flow, interpolation)
    assert moved.dtype == dtype and np.array_equal(moved[1:, :-2], picture[:-1, 2:])
    assert np.array_equal(moved[:, -1], picture[[0, *range(19)], -1])
    assert np.array_equal(moved, sample(picture, target_positions(flow), interpolation))


def test_half_a_step_is_half_way_between():
    picture = np.array([[0, 10, 30, 30]], np.float32)
    flow = np.full((1, 4, 2), (0.5, 0), np.float32)
    assert warp(picture, flow).tolist() == [[5, 20, 30, 30]]


def test_what_lies_inside():
    x = np.array([-0.7, -0.5, 0, 4, 4.5, 4.7], np.float32)
    at = np.stack([x[:5], np.zeros(5, np.float32)], -1)[None]
    assert is_inside(at, 0.5).tolist() == [[False, True, True, True, True]]
    assert is_inside(at, 1.0).all() and not is_inside(at + 9, 1.0).any()
    assert is_inside(at[..., ::-1] * 0, 0.0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_neighbour_is_laid_over_a_picture(dtype):
    big = texture(90, 120, seed=5).astype(dtype) * (257 if dtype == np.uint16 else 1)
    here, other = big[:80, :100], big[2:82, 3:103]
    moved = align(other.astype(np.float32), flow_luma(here, 1.0), flow_luma(other, 1.0))
    unit = np.iinfo(dtype).max / 255
    assert np.abs(moved - here)[10:-10, 10:-10].mean() < 2 * unit
    tiny = other[:20].astype(np.float32)
    assert align(tiny, flow_luma(here[:20], 1.0), flow_luma(other[:20], 1.0)) is tiny


def test_motion_is_looked_for_in_softer_pictures_the_noisier_they_are():
    image = texture(40, 40, blur=0.6)
    spread = [flow_luma(image, sigma).std() for sigma in (0.0, 2.0, 6.0, 20.0)]
    assert spread[0] == spread[1] > spread[2] > spread[3]

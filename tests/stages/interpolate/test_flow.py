"""Tests of the optical-flow interpolator on made-up scenes and, where present, real triplets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from helpers.stages.interpolate.flow import FlowInterpolator
from tests.support.clips import psnr
from tests.support.paths import data_path

# Mean PSNR in dB of plain DIS (medium preset, both directions, linear mix) on each set.
PLAIN_DIS = {"davis": 25.06, "middlebury": 35.63, "ucf101": 33.31}


@pytest.fixture(params=[1, 2, 4], ids="enlarged {}".format)
def interpolator(request):
    return FlowInterpolator(request.param)


def texture(height, width, low=30, high=220, seed=0):
    """Make a smooth random RGB picture, something for the flow to hold on to."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    smooth = cv2.GaussianBlur(noise, (0, 0), 2).reshape(height, width, 3)
    smooth = (smooth - smooth.min()) / max(np.ptp(smooth), 1e-9)
    return np.rint(low + (high - low) * smooth).astype(np.uint8)


def panned(shift, height=120, width=160):
    """Cut a window out of a wide texture, `shift` pixels to the right."""
    return texture(height, width + 40, seed=1)[:, shift : shift + width]


def square_over_ground(left):
    """Draw a bright textured square whose left edge is at `left`, over a darker still ground."""
    scene = texture(140, 200, 20, 140, seed=2)
    scene[40:100, left : left + 60] = texture(60, 60, 150, 250, seed=3)
    return scene


def blend(first, last):
    return np.rint((first.astype(float) + last) / 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 50), (50, 1), (2, 3), (7, 13), (15, 16), (33, 31), (97, 121)]
)
def test_keeps_shape_and_dtype(interpolator, size, dtype):
    factor = np.iinfo(dtype).max // 255
    first, last = (texture(*size, seed=seed).astype(dtype) * dtype(factor) for seed in (4, 5))
    results = interpolator.between(first, last, [0.25, 0.5])
    assert len(results) == 2
    assert all(result.shape == first.shape and result.dtype == dtype for result in results)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_identical_pictures_come_back_exactly(interpolator, dtype):
    picture = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (61, 83, 3), dtype)
    first, second = interpolator.between(picture, picture.copy(), [0.3, 0.5])
    assert np.array_equal(first, picture) and np.array_equal(second, picture)
    assert not np.shares_memory(first, picture) and not np.shares_memory(first, second)


@pytest.mark.parametrize("fraction", [0.25, 0.5, 0.75])
def test_recovers_a_pan(interpolator, fraction):
    first, truth, last = panned(0), panned(int(8 * fraction)), panned(8)
    (result,) = interpolator.between(first, last, [fraction])
    assert psnr(result[16:-16, 16:-16], truth[16:-16, 16:-16]) > 42
    # Up to the border too: what has left one picture is taken from the other.
    assert psnr(result, truth) > 35


def test_sixteen_bit_is_not_eight_bit_in_disguise(interpolator):
    first, truth, last = (panned(shift).astype(np.uint16) for shift in (0, 4, 8))
    # The whole contrast lies within 16 of the 255 steps that 8 bits have.
    first, truth, last = (picture * 16 + 30000 for picture in (first, truth, last))
    (result,) = interpolator.between(first, last, [0.5])
    inner = np.s_[16:-16, 16:-16]
    eight_bits = np.rint(truth / 257) * 257
    assert psnr(result[inner], truth[inner]) > psnr(eight_bits[inner], truth[inner])


def test_eight_and_sixteen_bit_agree(interpolator):
    first, last = square_over_ground(60), square_over_ground(76)
    (eight,) = interpolator.between(first, last, [0.5])
    (sixteen,) = interpolator.between(
        first.astype(np.uint16) * 257, last.astype(np.uint16) * 257, [0.5]
    )
    assert np.abs(sixteen / 257 - eight).max() <= 0.51


def test_occlusion_beats_a_cross_fade(interpolator):
    first, truth, last = (square_over_ground(left) for left in (60, 68, 76))
    (result,) = interpolator.between(first, last, [0.5])
    assert psnr(result, truth) > psnr(blend(first, last), truth) + 8


def test_still_ground_does_not_wobble(interpolator):
    first, last = square_over_ground(60), square_over_ground(76)
    (result,) = interpolator.between(first, last, [0.4])
    change = result[:, 160:].astype(int) - first[:, 160:]
    assert np.abs(change).max() <= 1 and np.mean(change != 0) < 0.01


def test_unrelated_pictures_cross_fade(interpolator):
    first, last = texture(120, 160, seed=6), texture(120, 160, seed=7)
    (result,) = interpolator.between(first, last, [0.5])
    assert psnr(result, blend(first, last)) > 22


def test_several_fractions_equal_single_calls(interpolator):
    first, last = square_over_ground(60), square_over_ground(71)
    fractions = [0.2, 0.5, 0.9]
    together = interpolator.between(first, last, fractions)
    for fraction, picture in zip(fractions, together, strict=True):
        assert np.array_equal(interpolator.between(first, last, [fraction])[0], picture)
    assert interpolator.between(first, last, []) == []


def test_same_result_from_any_number_of_threads(interpolator):
    first, last = square_over_ground(60), square_over_ground(76)
    threads_before = cv2.getNumThreads()
    try:
        results = []
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            results += interpolator.between(first, last, [0.5])
    finally:
        cv2.setNumThreads(threads_before)
    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(interpolator.between, first, last, [0.5]) for _ in range(3)]
        results += [job.result()[0] for job in jobs]
    assert all(np.array_equal(result, results[0]) for result in results)


def test_leaves_inputs_alone_and_accepts_views(interpolator):
    first, last = square_over_ground(60), square_over_ground(70)
    expected = interpolator.between(first, last, [0.5])[0]
    first_view, last_view = (
        np.ascontiguousarray(picture[:, ::-1, ::-1])[:, ::-1, ::-1] for picture in (first, last)
    )
    first_view.flags.writeable = last_view.flags.writeable = False
    assert not first_view.flags.c_contiguous
    assert np.array_equal(interpolator.between(first_view, last_view, [0.5])[0], expected)
    assert np.array_equal(first_view, square_over_ground(60))
    assert np.array_equal(last_view, square_over_ground(70))


PICTURE = np.zeros((20, 30, 3), np.uint8)


@pytest.mark.parametrize(
    ("first", "last", "fractions", "found", "allowed"),
    [
        (PICTURE.astype(np.float32), PICTURE, [0.5], "first must be uint8 or uint16", "float32"),
        (PICTURE, PICTURE.astype(np.int64), [0.5], "last must be uint8 or uint16", "int64"),
        (PICTURE[..., 0], PICTURE, [0.5], r"first must be RGB, \(H, W, 3\)", r"\(20, 30\)"),
        (PICTURE[:0], PICTURE[:0], [0.5], r"first must be RGB, \(H, W, 3\)", r"\(0, 30, 3\)"),
        (PICTURE, PICTURE[1:], [0.5], "same shape", r"last is uint8 \(19, 30, 3\)"),
        (PICTURE, PICTURE.astype(np.uint16), [0.5], "same shape and dtype", "last is uint16"),
        (PICTURE, PICTURE, [0.5, 0.0], "greater than 0 and less than 1", r"0\.0 was given"),
        (PICTURE, PICTURE, [1], "greater than 0 and less than 1", "1 was given"),
        (PICTURE, PICTURE, [float("nan")], "greater than 0 and less than 1", "nan was given"),
    ],
)
def test_refuses_what_it_cannot_do(interpolator, first, last, fractions, found, allowed):
    with pytest.raises(ValueError, match=f"{found}.*{allowed}"):
        interpolator.between(first, last, fractions)


def test_enlarged_pictures_stay_sharp():
    first, truth, last = (
        cv2.resize(panned(shift), None, fx=3.25, fy=3.25, interpolation=cv2.INTER_CUBIC)
        for shift in (0, 3, 7)
    )
    inner = np.s_[32:-32, 32:-32]
    both = FlowInterpolator(), FlowInterpolator(3.25)
    drawn = [one.between(first, last, [3 / 7])[0][inner] for one in both]
    plain, soft = (psnr(picture, truth[inner]) for picture in drawn)
    assert plain > 40 and soft > 40 and soft > plain - 1
    assert sharpness(drawn[1]) > 0.97 * sharpness(truth[inner])


def sharpness(picture):
    """Return the mean squared difference of neighbouring pixels."""
    return np.square(np.diff(picture.astype(float), axis=1)).mean()


@pytest.mark.data
@pytest.mark.parametrize(("name", "gain"), [("davis", 0.3), ("middlebury", 1.0), ("ucf101", 0.5)])
def test_beats_plain_flow_on_real_triplets(name, gain):
    interpolator, scores = FlowInterpolator(), []
    for folder in sorted(data_path("triplets").glob(f"{name}_*")):
        first, truth, last = (
            cv2.imread(str(path))[..., ::-1] for path in sorted(folder.glob("*.png"), key=place)
        )
        (middle,) = interpolator.between(first, last, [0.5])
        scores.append(psnr(middle, truth))
    assert np.mean(scores) > PLAIN_DIS[name] + gain


def place(path):
    """Return where a picture stands in its triplet: frame10i11 lies between 10 and 11."""
    return {"frame10": 0, "frame10i11": 1, "frame11": 2}.get(path.stem, path.stem)

"""Missing lines are fetched along the motion where it can be followed, and guessed elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.common import psnr
from helpers.imaging.field_lines import fill_lines
from tests.support.films import texture
from tests.support.interlaced import drifting


def with_guesses(picture, own):
    """Return a picture of which only the lines of one field are known; the others are means."""
    made, rows = picture.astype(float), np.arange(1 - own, len(picture), 2)
    made[rows] = (made[np.maximum(rows - 1, own)] + made[np.minimum(rows + 1, len(made) - 1)]) / 2
    return np.rint(made).astype(picture.dtype)


def three_fields(moments, own=0):
    return [
        with_guesses(moment, abs(own - abs(at)))
        for at, moment in zip((-1, 0, 1), moments, strict=True)
    ]


@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("height", [120, 121])
def test_moving_detail_comes_back(own, height):
    moments = [moment[..., 1] for moment in drifting(3, height, 160)]
    before, here, after = three_fields(moments, own)
    (made,) = fill_lines([here], [before], [after], own)
    assert psnr(moments[1], made) > psnr(moments[1], here) + 3
    np.testing.assert_array_equal(made[own::2], moments[1][own::2])  # real lines are not touched


def test_what_stands_still_is_woven():
    still = texture(120, 160, blur=0.8)[..., 1]
    before, here, after = three_fields([still] * 3)
    (made,) = fill_lines([here], [before], [after], 0)
    assert psnr(still, made) > psnr(still, here) + 8


@pytest.mark.parametrize("side", [0, 2])
def test_a_cut_before_or_after_leaves_no_ghost(side):
    moments = [moment[..., 1] for moment in drifting(3, 120, 160)]
    moments[side] = texture(120, 160, seed=9, blur=5)[..., 1]
    before, here, after = three_fields(moments)
    (made,) = fill_lines([here], [before], [after], 0)
    assert psnr(moments[1], made) >= psnr(moments[1], here)


def test_a_flash_of_light_leaves_no_comb():
    moments = [moment[..., 1] // 2 for moment in drifting(3, 120, 160)]
    moments[1] = moments[1] + 70
    before, here, after = three_fields(moments)
    (made,) = fill_lines([here], [before], [after], 0)
    assert psnr(moments[1], made) > psnr(moments[1], here) - 0.1


def test_nothing_is_before_the_first_field():
    moments = [moment[..., 1] for moment in drifting(3, 120, 160)]
    _, here, after = three_fields(moments)
    (made,) = fill_lines([here], None, [after], 0)
    assert psnr(moments[1], made) > psnr(moments[1], here) + 1


def test_ten_bits_are_eight_bits_and_more():
    moments = [moment[..., 1].astype(np.uint16) * 4 + 1 for moment in drifting(3, 120, 160)]
    before, here, after = three_fields(moments)
    (made,) = fill_lines([here], [before], [after], 0, bits=10)
    assert made.dtype == np.uint16 and made.max() <= 1023
    assert psnr(moments[1] / 4, made / 4) > psnr(moments[1] / 4, here / 4) + 3


@pytest.mark.parametrize("shape", [(60, 80), (120, 80), (30, 40)])
def test_smaller_planes_follow_the_same_motion(shape):
    height, width = shape
    moments = drifting(3, 120, 160)
    luma = three_fields([moment[..., 1] for moment in moments])
    shrunk = [moment[:: 120 // height, :: 160 // width, 0][:height].copy() for moment in moments]
    before, here, after = three_fields(shrunk)
    made = fill_lines([luma[1], here], [luma[0], before], [luma[2], after], 0)[1]
    assert made.shape == shape and made.dtype == np.uint8
    np.testing.assert_array_equal(made[::2], here[::2])


def test_a_plane_of_one_line_stays():
    luma = [moment[..., 1] for moment in drifting(3, 4, 160)]
    line = np.arange(40, dtype=np.uint8)[None]
    made = fill_lines([luma[1], line], [luma[0], line + 9], [luma[2], line + 9], 0)[1]
    np.testing.assert_array_equal(made, line)

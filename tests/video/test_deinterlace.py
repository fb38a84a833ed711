"""Interlaced pictures become whole ones along the motion, nearer to the truth than by bwdif."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest

from benchmarks.common import psnr
from helpers import open_video
from helpers.project.project import Project
from helpers.runtime.storage import read_json, write_json
from helpers.video.convert import Conversion
from helpers.video.deinterlace import follow_motion
from tests.support.films import encode, ffmpeg, texture
from tests.support.interlaced import drifting, woven
from tests.support.ranges import assert_ranges_equal_the_whole


def interlaced(path, moments, order="tff"):
    """Write an interlaced film, losslessly."""
    return encode(path, woven(moments, order), codec="ffv1", pixels=None, options={"g": "8"})


def nearness(clip, moments, channels=(0, 1, 2)):
    """Return how near a clip is to the moments of its first fields, in dB."""
    pairs = zip(clip, moments[::2], strict=True)
    return np.mean([psnr(moment[..., channels], f.image[..., channels]) for f, moment in pairs])


@pytest.mark.parametrize("order", ["tff", "bff"])
def test_it_is_nearer_to_the_truth_than_bwdif(tmp_path, order):
    moments = [moment[..., 1:2].repeat(3, 2) for moment in drifting(80, speed=(4.3, 0.4))]
    path = interlaced(tmp_path / "a.mkv", moments, order)
    quick, clip = open_video(path, deinterlace="bwdif"), open_video(path, deinterlace="on")
    assert clip.info.field_order == order and clip.motion and not quick.motion
    assert len(clip) == len(quick) == 40 and clip.times == quick.times
    assert nearness(clip, moments) > nearness(quick, moments) + 3


def test_a_range_equals_the_whole_also_at_cuts(tmp_path):
    other = [moment[::-1].copy() for moment in drifting(20, 96, 128)]
    path = interlaced(tmp_path / "a.mkv", drifting(21, 96, 128) + other + drifting(21, 96, 128))
    ranges = [(0, 1), (1, 4), (9, 12), (10, 11), (20, 22), (28, 31), (30, 31)]
    assert_ranges_equal_the_whole(open_video(path, deinterlace="on"), ranges)


def test_a_cut_leaves_no_ghost(tmp_path):
    one, two = drifting(20), [moment[:, ::-1].copy() for moment in drifting(20)]
    moments = [moment[..., 1:2].repeat(3, 2) for moment in one + two]
    path = interlaced(tmp_path / "a.mkv", moments)
    quick, clip = open_video(path, deinterlace="bwdif"), open_video(path, deinterlace="on")
    for number in (9, 10):
        near = psnr(moments[2 * number], clip[number].image)
        assert near > psnr(moments[2 * number], quick[number].image)


def test_it_is_the_default_and_bwdif_is_for_who_asks(tmp_path):
    path = interlaced(tmp_path / "a.mkv", drifting(80, speed=(4, 0)))
    assert open_video(path).motion and "along the motion" in open_video(path).notes[-1]
    quick = open_video(path, deinterlace="bwdif")
    assert quick.bwdif and not quick.motion and "with bwdif" in quick.notes[-1]
    still = open_video(path, deinterlace="off")
    assert not still.bwdif and not still.motion


def test_the_project_of_an_earlier_version_goes_on_with_bwdif(tmp_path):
    path = interlaced(tmp_path / "a.mkv", drifting(80, speed=(4, 0)))
    assert Project(tmp_path / "p").source(path).source.motion
    known = tmp_path / "p" / "source.json"
    laid = read_json(known, dict)
    del laid["motion"]  # which no earlier version wrote
    write_json(known, laid)
    clip = Project(tmp_path / "p").source(path).source
    assert clip.bwdif and not clip.motion and "motion" not in clip.recipe()[0]
    assert replace(clip, motion=True).recipe()[0]["motion"]


LAYOUTS = [
    *("yuv420p", "uyvy422", "nv12", "p010le", "yuv444p16le", "yuva444p12le", "gray", "bgra"),
]


@pytest.mark.parametrize("pixels", LAYOUTS)
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_colours_and_depth_are_kept_in_every_pixel_format(pixels, matrix):
    red_and_teal = np.full((240, 320, 3), (190, 20, 20), np.uint8)
    red_and_teal[:, 160:] = (20, 180, 190)
    if pixels == "gray":
        red_and_teal[:] = 90
    frame = av.VideoFrame.from_ndarray(red_and_teal, format="rgb24")
    standard = "ITU709" if matrix == "bt709" else "ITU601"
    frame = frame.reformat(format=pixels, dst_colorspace=standard)
    frame.colorspace = {"bt709": 1, "smpte170m": 6}[matrix]
    before = Conversion(320, 240, parity="tff", depth=16)
    expected = list(before.images([frame] * 4))
    made = list(follow_motion([frame] * 4, "tff", range(4)))
    assert made[0].format.name.removesuffix("le").endswith(("12", "16", "10")) == ("le" in pixels)
    for image, other in zip(Conversion(320, 240, depth=16).images(made), expected, strict=True):
        assert np.abs(image.astype(int) - other).max() <= 3 * 257


def test_chroma_is_nearer_to_the_truth_too(tmp_path):
    moments = drifting(24, speed=(1.4, 0.0))
    path = interlaced(tmp_path / "a.mkv", moments)
    quick, clip = open_video(path, deinterlace="bwdif"), open_video(path, deinterlace="on")
    for channel in (0, 2):
        near = nearness(clip, moments, [channel])
        assert near > nearness(quick, moments, [channel])


def test_pictures_of_another_size_midway_are_not_mixed(tmp_path):
    interlaced(tmp_path / "a.ts.mkv", drifting(20, 96, 128))
    ffmpeg("-i", tmp_path / "a.ts.mkv", "-c:v", "mpeg2video", "-q:v", "2", tmp_path / "a.ts")
    interlaced(tmp_path / "b.ts.mkv", drifting(20, 128, 160))
    ffmpeg("-i", tmp_path / "b.ts.mkv", "-c:v", "mpeg2video", "-q:v", "2", tmp_path / "b.ts")
    joined = tmp_path / "c.ts"
    joined.write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    clip = open_video(joined, deinterlace="on")
    assert len(clip.sars) == 2 and len(list(clip)) == len(clip)
    assert_ranges_equal_the_whole(clip, [(8, 12), (10, 11), (9, 10)])


def test_still_pictures_are_left_as_they_are(tmp_path):
    still = [texture(128, 160, blur=0.7)] * 16
    plain = encode(tmp_path / "a.mkv", still, codec="ffv1")
    whole = open_video(plain, deinterlace="off")[4].image
    made = open_video(plain, deinterlace="on")[4].image
    assert np.abs(made.astype(int) - whole).max() <= 1

"""Interlaced pictures are told from progressive ones, whatever their flags say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers import open_video
from helpers.video import probe
from helpers.video.hdr import read_hdr
from helpers.video.orientation import Orientation
from tests.support.films import (
    encode,
    texture,
)
from tests.support.paths import DATA, data_path
from tests.support.ranges import assert_ranges_equal_the_whole

# --- fields ---


def panning(count, height=240, width=320, speed=4):
    """Cut a moving window out of a wide texture."""
    wide = texture(height, width + count * speed)
    return [wide[:, n * speed : n * speed + width] for n in range(count)]


def woven(moments, order):
    """Weave pairs of moments into interlaced pictures."""
    frames = []
    for early, late in zip(moments[::2], moments[1::2], strict=True):
        frame = late.copy()
        frame[order == "bff" :: 2] = early[order == "bff" :: 2]
        frames.append(frame)
    return frames


@pytest.mark.parametrize("flag", ["", "tff=1", "bff=1"])
@pytest.mark.parametrize("order", ["tff", "bff"])
def test_interlaced_pictures_are_found_whatever_the_flags_say(tmp_path, order, flag):
    options = {"crf": "16", **({"x264-params": flag} if flag else {})}
    clip = open_video(encode(tmp_path / "a.mp4", woven(panning(80), order), options=options))
    assert clip.info.field_order == order
    assert clip.bwdif
    assert "interlaced" in clip.notes[-1]


@pytest.mark.slow
@pytest.mark.parametrize("order", ["tff", "bff"])
def test_deinterlacing_shows_one_moment(tmp_path, order):
    moments = [moment[..., :1].repeat(3, 2) for moment in panning(80)]
    clip = open_video(encode(tmp_path / "a.mp4", woven(moments, order), options={"crf": "8"}))
    truth = moments[2 * 10 : 2 * 10 + 2]
    error = [np.abs(clip[10].image.astype(int) - moment).mean() for moment in truth]
    plain = open_video(tmp_path / "a.mp4", deinterlace="off")[10].image
    combed = np.abs(plain.astype(int) - truth[0]).mean()
    assert error[0] < combed / 2 and error[0] < error[1]
    assert_ranges_equal_the_whole(clip, [(0, 1), (10, 13), (39, 40)])


def test_progressive_film_flagged_interlaced_is_left_alone(tmp_path):
    path = encode(tmp_path / "a.mp4", panning(40), options={"x264-params": "tff=1"})
    clip = open_video(path)
    assert clip.info.field_order == "progressive" and not clip.bwdif
    assert "flagged interlaced" in " ".join(clip.notes)


def stripes(count):
    """Draw fine horizontal lines that scroll upwards."""
    rows = np.arange(240 + count)
    wide = np.where(rows % 4 < 2, 220, 40).astype(np.uint8)
    return [np.repeat(wide[n : n + 240, None, None], 320, 1).repeat(3, 2) for n in range(count)]


def lettering(count):
    """Scroll small print upwards, as the end of a film does."""
    sheet = np.zeros((240 + 3 * count, 320, 3), np.uint8)
    for line in range(0, len(sheet), 12):
        text = f"{line} The quick brown fox jumps over it"
        cv2.putText(sheet, text, (4, line), cv2.FONT_HERSHEY_PLAIN, 0.8, (255, 255, 255))
    return [sheet[3 * n : 3 * n + 240] for n in range(count)]


def blocky(count):
    """Show a small film in coarse blocks, enlarged without smoothing."""
    return [image[::8, ::8].repeat(8, 0).repeat(8, 1) for image in panning(count)]


def still(count):
    return [texture(240, 320, blur=0.6)] * count


@pytest.mark.parametrize("scene", [panning, stripes, lettering, blocky, still])
@pytest.mark.parametrize("crf", [14, 40])
def test_progressive_pictures_are_not_taken_for_interlaced(tmp_path, scene, crf):
    clip = open_video(encode(tmp_path / "a.mp4", scene(40), options={"crf": str(crf)}))
    assert clip.info.field_order == "progressive"


@pytest.mark.data
@pytest.mark.parametrize("name", sorted(path.name for path in (DATA / "clips").glob("*.*")))
def test_only_the_interlaced_real_clip_is_interlaced(name):
    expected = "bff" if name == "interlaced_bff.mp4" else "progressive"
    assert open_video(data_path(f"clips/{name}"), scan="packets").info.field_order == expected


def test_deinterlacing_can_be_forced_and_forbidden(tmp_path):
    path = encode(tmp_path / "a.mp4", woven(panning(40), "tff"))
    assert not open_video(path, deinterlace="off").bwdif
    path = encode(tmp_path / "b.mp4", panning(20))
    assert open_video(path, deinterlace="on").bwdif


# --- what comes with the pictures ---


@pytest.mark.parametrize(
    ("kind", "words"), [("A53_CC", "closed captions"), ("DYNAMIC_HDR_PLUS", "HDR10+")]
)
def test_what_a_picture_loses_is_said(kind, words):
    class Picture:
        def __init__(self, *kinds):
            self.side_data = dict.fromkeys(kinds, b"")

    assert not probe._note_lost([[Picture()]])
    (note,) = probe._note_lost([[Picture()], [Picture(), Picture(kind)]])
    assert note.startswith("not carried into the result") and words in note


def test_not_stereoscopic_is_no_mark():
    class Picture:
        def __init__(self, kind):
            self.side_data = {"STEREO3D": bytes([kind, 0, 0, 0, 1, 1, 1, 1])}

    assert not probe._note_lost([[Picture(0)]])
    assert probe._note_lost([[Picture(1)]])


def test_side_data_that_pyav_does_not_know_is_no_obstacle():
    class Picture:
        rotation = -90

        @property
        def side_data(self):
            raise ValueError("29 is not a valid Type")

    assert not probe._note_lost([[Picture()]])
    assert read_hdr(Picture()) is None
    assert Orientation.of(Picture()) == Orientation(270)


def test_a_film_of_ordinary_pictures_has_no_note(tmp_path):
    assert not open_video(encode(tmp_path / "a.mp4", panning(20))).notes

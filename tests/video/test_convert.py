"""Transparent pictures are laid over black, and a picture fits a shape that is not its own."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from helpers import open_video
from helpers.clip import ColourTags
from helpers.video import convert
from helpers.video.convert import Conversion, Look, add_bars, fit, lay_over_black
from tests.support.films import ffmpeg
from tests.support.ranges import assert_ranges_equal_the_whole

WIDTH, HEIGHT = 128, 96


def half_transparent(path, codec, pixels, alpha="255*lt(X,64)"):
    """Write a film: red on the left; on the right green, under an alpha of 0."""
    drawn = f"r='255*lt(X,64)':g='255*gte(X,64)':b=0:a='{alpha}'"
    source = f"color=red:s={WIDTH}x{HEIGHT}:r=25:d=0.4,format=rgba,geq={drawn}"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", codec, "-pix_fmt", pixels, path)
    return path


KINDS = {
    "a.mov": ("qtrle", "argb"),
    "b.mov": ("prores_ks", "yuva444p10le"),
    "c.mov": ("png", "rgba"),
    "d.mov": ("png", "rgba64be"),
    "e.mkv": ("ffv1", "yuva420p"),
    "f.mkv": ("ffv1", "bgra"),
    "g.mkv": ("ffv1", "yuva444p16le"),
    "h.avi": ("huffyuv", "bgra"),
    "i.mkv": ("png", "ya8"),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_transparent_is_black(tmp_path, name):
    clip = open_video(half_transparent(tmp_path / name, *KINDS[name]))
    image = clip[4].image.astype(int) // (257 if clip.info.depth > 8 else 1)
    grey = KINDS[name][1] == "ya8"
    assert image[48, 30, 0] > (60 if grey else 245) and image[48, 30, 1] < (99 if grey else 10)
    assert image[48, 100].max() <= 2
    assert "transparent; they are laid over black" in clip.notes[-1]
    assert clip.recipe()[0]["over_black"]
    assert_ranges_equal_the_whole(clip, [(4, 5)])


def test_an_empty_alpha_channel_is_ignored(tmp_path):
    clip = open_video(half_transparent(tmp_path / "a.mov", "qtrle", "argb", alpha="0"))
    assert tuple(clip[4].image[48, 30]) == (255, 0, 0)
    assert tuple(clip[4].image[48, 100]) == (0, 255, 0)
    assert "empty alpha channel" in clip.notes[-1]


def test_an_opaque_film_with_alpha_is_unchanged_and_unremarkable(tmp_path):
    clip = open_video(half_transparent(tmp_path / "a.mov", "qtrle", "argb", alpha="255"))
    assert tuple(clip[4].image[48, 100]) == (0, 255, 0)
    assert not clip.notes


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_laying_over_black(dtype):
    top = np.iinfo(dtype).max
    opaque = np.full((2, 3, 4), top, dtype)
    assert (lay_over_black(opaque)[..., :3] == top).all()
    half = opaque.copy()
    half[..., 3] = top // 2
    assert abs(int(lay_over_black(half)[0, 0, 0]) - top // 2) <= top // 255


def look(width, height, sar=Fraction(1)):
    return Look(width, height, "yuv420p", ColourTags(), sar)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (look(640, 360), (640, 360)),
        (look(320, 180), (640, 360)),
        (look(320, 240), (480, 360)),
        (look(640, 240), (640, 240)),
        (look(720, 576, Fraction(64, 45)), (640, 360)),
        (look(720, 576, Fraction(16, 15)), (480, 360)),
        (look(632, 360), (640, 360)),  # a few columns less are no other shape
    ],
)
def test_fitting_keeps_the_shape(picture, expected):
    assert fit(picture, 640, 360, Fraction(1)) == expected


def test_bars_are_black_and_on_both_sides():
    image = np.full((4, 6, 3), 200, np.uint8)
    canvas = add_bars(image, 10, 4)
    assert canvas.shape == (4, 10, 3)
    assert (canvas[:, :2] == 0).all() and (canvas[:, 8:] == 0).all()
    assert (canvas[:, 2:8] == 200).all()


@pytest.mark.parametrize("pixels", ["yuv420p", "uyvy422", "nv12", "p010le", "yuva444p12le", "bgra"])
@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_deinterlacing_keeps_the_colours_of_every_pixel_format(pixels, matrix):
    red_and_teal = np.full((240, 320, 3), (190, 20, 20), np.uint8)
    red_and_teal[:, 160:] = (20, 180, 190)
    frame = av.VideoFrame.from_ndarray(red_and_teal, format="rgb24")
    frame = frame.reformat(
        format=pixels, dst_colorspace="ITU709" if matrix == "bt709" else "ITU601"
    )
    frame.colorspace = {"bt709": 1, "smpte170m": 6}[matrix]
    (_, image, _) = Conversion(320, 240, parity="tff").images([frame] * 3)
    assert np.abs(image.astype(int) - red_and_teal)[120, [80, 240]].max() <= 3


LAYOUTS = [
    *("yuv420p", "yuvj422p", "yuv410p", "nv12", "yuv444p", "yuva420p"),
    *("yuv420p10le", "yuv444p16le", "yuva444p16le"),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(161, 119), (640, 480)])
def test_planes_on_the_way_change_no_value(layout, size, monkeypatch):
    frame = av.VideoFrame(161, 119, layout)
    random = np.random.default_rng(1)
    for plane in frame.planes:
        high = 4 if "10le" in layout else 256  # of every second byte
        noise = random.integers(0, (256, high), (plane.buffer_size // 2, 2), dtype=np.uint8)
        plane.update(noise.tobytes())
    depth, over_black = 16 if "le" in layout else 8, layout.startswith("yuva")
    conversion = Conversion(*size, depth=depth, over_black=over_black)
    made = next(conversion.images([frame]))
    packed = {key: (last, last) for key, (_, last) in convert.PLANAR_AND_PACKED.items()}
    monkeypatch.setattr(convert, "PLANAR_AND_PACKED", packed)
    np.testing.assert_array_equal(made, next(conversion.images([frame])))

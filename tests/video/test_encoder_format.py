"""Pictures in an encoder's format: the same in any number of threads, and in order."""

from itertools import pairwise

import av
import numpy as np
import pytest

from helpers.video.encoder import Encoder
from helpers.video.encoder_format import FormatConverter
from tests.support.law import varying_clip

SIZES = [(64, 48), (33, 18), (2, 2), (258, 6)]


def pictures(count, width, height, dtype=np.uint8):
    top = np.iinfo(dtype).max
    noise = np.random.default_rng(width).integers(0, top + 1, (count, height, width, 3))
    return list(noise.astype(dtype))


def by_pyav(image, form, matrix):
    """Convert a picture with PyAV's own way into a frame."""
    graph = av.filter.Graph()
    layout = "rgb48le" if image.dtype == np.uint16 else "rgb24"
    options = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
    options += "" if matrix == "gbr" else f":out_color_matrix={matrix}:out_range=tv"
    height, width = image.shape[:2]
    nodes = [
        graph.add_buffer(width=width, height=height, format=layout, time_base=1),
        graph.add("scale", options),
        graph.add("format", form),
        graph.add("buffersink"),
    ]
    for one, other in pairwise(nodes):
        one.link_to(other)
    graph.configure()
    graph.push(av.VideoFrame.from_ndarray(image, format=layout))
    return planes(graph.pull())


def planes(picture):
    found = []
    for plane in picture.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        found.append(rows.copy())
    return found


def packets(path):
    with av.open(str(path)) as container:
        return [(p.pts, bytes(p)) for p in container.demux(video=0) if p.size]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("form", ["yuv444p", "yuv444p10le", "bgr0", "rgb48le"])
def test_a_picture_is_converted_as_by_pyav(size, form):
    dtype = np.uint16 if "le" in form else np.uint8
    (image,) = pictures(1, *size, dtype)
    matrix = "bt709" if form.startswith("yuv") else "gbr"
    layout = "rgb48le" if dtype == np.uint16 else "rgb24"
    made = planes(FormatConverter(*size, layout, form, matrix, "tv", 1).convert(image))
    used = size[0] * {"bgr0": 4, "rgb48le": 6, "yuv444p10le": 2}.get(form, 1)
    for one, other in zip(made, by_pyav(image, form, matrix), strict=True):
        assert np.array_equal(one[:, :used], other[:, :used])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_pictures_come_in_order_from_any_number_of_threads(threads):
    images = pictures(9, 64, 48)
    converter = FormatConverter(64, 48, "rgb24", "yuv420p", "bt709", "tv", threads)
    try:
        made = [picture for image in images for picture in converter.add(image)]
        assert len(made) == 9 if threads == 1 else 9 - threads
        made += converter.finish()
    finally:
        converter.close()
    alone = FormatConverter(64, 48, "rgb24", "yuv420p", "bt709", "tv", 1)
    for picture, image in zip(made, images, strict=True):
        expected = planes(alone.convert(image))
        assert all(np.array_equal(*pair) for pair in zip(planes(picture), expected, strict=True))


def test_a_film_is_the_same_from_any_number_of_threads(tmp_path, monkeypatch):
    clip, files = varying_clip(11, 64, 48), []
    for cores in (2, 16):
        monkeypatch.setattr("helpers.video.encoder_format.count_cores", lambda n=cores: n)
        files.append(tmp_path / f"{cores}.mkv")
        with Encoder(files[-1], clip, "ffv1") as encoder:
            for frame in clip.frames():
                encoder.write(frame)
    one, other = (packets(path) for path in files)
    assert len(one) == len(clip) and one == other


def test_no_thread_is_left_when_writing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.video.encoder_format.count_cores", lambda: 16)
    clip = varying_clip(5, 64, 48)
    with pytest.raises(ZeroDivisionError), Encoder(tmp_path / "x.mkv", clip, "ffv1") as encoder:
        for frame in clip.frames(0, 2):
            encoder.write(frame)
        raise ZeroDivisionError

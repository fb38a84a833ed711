"""What is shown: sizes, bytes, the right frames, safe HTML, and videos that a browser plays."""

import base64
import io
import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from helpers.clip import Frame, MemoryClip
from helpers.errors import StageError, VideoWriteError
from helpers.show import compare as show
from helpers.show.compare import compare, play, sheet
from helpers.video.writer import write_video
from tests.support.paths import REPO

TALK = REPO / "sample_clips" / "talk_160x120_8fps.mp4"
ODD = "a<b>&\"'\n\0 \ud800 é Зерно 中 😀 %s {x} $id " + "long " * 40


def clip(width=32, height=24, count=8, fps=8, sar=1, dtype=np.uint8):
    """A clip whose frame number k is grey of level 20 + 20 k (of 255)."""
    top = np.iinfo(dtype).max // 255
    images = [np.full((height, width, 3), (20 + 20 * k) * top, dtype) for k in range(count)]
    times = [Fraction(k, fps) for k in range(count)]
    return MemoryClip(images, times, Fraction(count, fps), sar=Fraction(sar))


def noise(width, height):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def static(view):
    data = base64.b64decode(view.outputs[0]["image/jpeg"])
    return np.asarray(Image.open(io.BytesIO(data))), data


def markup(view):
    return view.outputs[-1]["text/html"]


def embedded(view, kind):
    found = re.findall(rf'src="data:{kind};base64,([^"]+)"', markup(view))
    return [base64.b64decode(data) for data in found]


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def halves(view):
    """The middle of the left and of the right picture, as grey levels."""
    image, _ = static(view)
    row = image[image.shape[0] // 2 + show.STRIP // 2].mean(axis=1)
    return row[len(row) // 4], row[3 * len(row) // 4]


@pytest.mark.parametrize("width", [200, 641, 1280])
def test_static_picture_keeps_its_width_and_its_cap(width):
    image, data = static(compare(noise(160, 120), noise(1920, 1440), width=width))
    assert width - 2 <= image.shape[1] <= width
    assert len(data) <= show.PICTURE_CAP


def test_many_rows_stay_under_the_caps():
    images = [noise(640, 480)] * 4
    film = MemoryClip(images, [Fraction(k) for k in range(4)], Fraction(4))
    view = compare(film, film, at=[0, 1, 2, 3])
    assert len(static(view)[1]) <= show.PICTURE_CAP
    sliders = embedded(view, "image/jpeg")
    assert len(sliders) == 8
    assert sum(map(len, sliders)) <= 2 * show.PICTURE_CAP


def test_two_outputs_and_a_sentence():
    view = compare(clip(), clip(64, 48))
    assert [sorted(output) for output in view.outputs] == [
        ["image/jpeg", "text/plain"],
        ["text/html", "text/plain"],
    ]
    assert repr(view) == "Pictures of before 32x24, 0.500 s; after 64x48, 0.500 s"


def test_a_notebook_shows_every_output():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    try:
        shell.user_ns["view"] = compare(clip(), clip())
        with capture_output() as captured:
            shell.run_cell("view")
        assert [kind for output in captured.outputs for kind in output.data] == [
            *("image/jpeg", "text/plain"),
            *("text/html", "text/plain"),
        ]
    finally:
        InteractiveShell.clear_instance()


def test_odd_labels_are_drawn_and_escaped():
    view = compare(clip(), clip(), labels=(ODD, "<script>alert(1)</script>"), width=300)
    html = markup(view)
    assert "a&lt;b&gt;&amp;&quot;&#x27; ? é Зерно 中 😀 %s {x} $id long" in html
    assert "<script" not in html
    html.encode()
    static(sheet([clip()], [0], ["\ud800"], width=20))


def test_slider_is_self_contained_with_ids_of_its_own():
    first, second = markup(compare(clip(), clip())), markup(compare(clip(), clip(), at=[0, 0.5]))
    for html in (first, second):
        assert not re.search(r"https?:|<script|<link|@import|url\(|commandlinker", html)
        assert set(re.findall(r'src="(.{11})', html)) == {"data:image/"}
    ids = re.findall(r'id="([^"]+)"', first + second)
    assert len(ids) == len(set(ids)) == 3


def test_both_sides_of_the_slider_have_one_size():
    before, after = embedded(compare(clip(160, 120), clip(1000, 750)), "image/jpeg")
    assert decoded(before).shape == decoded(after).shape == (750, 1000, 3)


def test_each_clip_shows_the_frame_played_at_that_time():
    slow, fast = clip(count=4, fps=4), clip(count=8, fps=8)
    view = compare(slow, fast, at=0.4)
    assert "before 32x24, 0.250 s; after 32x24, 0.375 s" in repr(view)
    assert halves(view) == pytest.approx((40, 80), abs=2)


def test_a_time_in_decimals_means_the_frame_that_starts_there():
    film = clip(count=8, fps=10)
    assert "0.300 s" in repr(compare(film, film, at=0.3))
    assert "0.700 s" in repr(sheet([film], np.array([0.7])))


def test_the_default_time_is_the_middle_of_what_is_shared():
    short = MemoryClip([noise(8, 8)], [Fraction(1, 2)], Fraction(1))
    assert "before 32x24, 0.750 s" in repr(compare(clip(), short))


@pytest.mark.parametrize(("sar", "shape"), [(2, (320, 640)), (Fraction(1, 2), (640, 320))])
def test_pictures_have_the_shape_that_the_pixels_give_them(sar, shape):
    for after in (clip(64, 64, sar=sar), clip(128, 128, sar=sar)):
        before, after = embedded(compare(clip(64, 64), after), "image/jpeg")
        assert decoded(before).shape[:2] == decoded(after).shape[:2] == shape


def test_sixteen_bits_are_shown_as_eight():
    view = compare(clip(dtype=np.uint16), clip(), at=0.5)
    assert halves(view) == pytest.approx((100, 100), abs=2)
    ends = show.to_eight_bit(np.array([0, 128, 129, 65535], np.uint16))
    assert ends.tolist() == [0, 0, 1, 255]


def test_frames_and_arrays_are_pictures_too():
    view = compare(Frame(noise(8, 6), Fraction(5, 4)), noise(16, 12))
    assert repr(view) == "Pictures of before 8x6, 1.250 s; after 16x12"
    with pytest.raises(StageError, match="float64"):
        compare(np.zeros((4, 4, 3)), noise(4, 4))


def test_zoom_cuts_all_pictures_alike():
    small = noise(40, 30)
    large = small.repeat(4, axis=0).repeat(4, axis=1)
    before, after = show.take_pictures([small, large], Fraction(0), "ab", (0.33, 0.1, 0.21, 0.5))
    assert np.array_equal(before.image, small[3:18, 13:22])
    assert np.array_equal(after.image, before.image.repeat(4, axis=0).repeat(4, axis=1))
    assert before.detail == "40x30"
    with pytest.raises(StageError, match="fractions"):
        compare(small, large, zoom=(0.5, 0.5, 0.6, 0.1))


def test_a_sheet_has_a_row_for_every_clip():
    view = sheet([clip(), clip(64, 48), clip(16, 12)], [0, 0.25, 0.5, 0.75])
    image, data = static(view)
    assert image.shape[:2] == (3 * (round(317 * 3 / 4) + show.STRIP) + 2 * show.GAP, 1280)
    assert len(view.outputs) == 1 and len(data) <= show.PICTURE_CAP
    assert "3 16x12, 0.750 s" in repr(view)
    with pytest.raises(StageError, match="1 labels were given for 2 clips"):
        sheet([clip(), clip()], [0], ["one"])
    with pytest.raises(StageError, match="empty list"):
        sheet([clip()], [])


@pytest.mark.parametrize("name", ["a.png", "new/b.JPG", "c.jpeg"])
def test_the_picture_is_written_whole_or_not_at_all(tmp_path, name, monkeypatch):
    path = tmp_path / name
    view = compare(clip(), clip(), path=path)
    assert f"written to {path}" in repr(view)
    assert Image.open(path).size == static(view)[0].shape[1::-1]
    before = path.read_bytes()

    def fail(self, file, *_args, **_kwargs):
        Path(file).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        show.save_picture(noise(8, 8), path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_only_pictures_are_written_as_pictures(tmp_path):
    with pytest.raises(VideoWriteError, match="png"):
        compare(clip(), clip(), path=tmp_path / "a.gif")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(VideoWriteError):
        compare(clip(), clip(), path=tmp_path / "folder.png")


def streams(data):
    """Open an MP4 as a browser would have to, and decode it all."""
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(io.BytesIO(data)) as file:
        video = file.streams.video[0].codec_context
        assert (video.name, video.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        frames = list(file.decode(video=0))
        return frames, [stream.codec_context.name for stream in file.streams]


def test_play_a_clip_of_any_kind(tmp_path):
    view = play(clip(81, 61, sar=2, dtype=np.uint16), start=0.3, seconds=0.5)
    (data,) = embedded(view, "video/mp4")
    frames, kinds = streams(data)
    assert len(data) <= show.VIDEO_CAP and kinds == ["h264"]
    assert [(f.width, f.height) for f in frames] == [(162, 60)] * 4
    assert frames[0].to_ndarray(format="rgb24").mean() == pytest.approx(60, abs=4)
    assert repr(view) == "film 81x61, 0.25 to 0.75 s"


def test_play_makes_large_films_small():
    (data,) = embedded(play(clip(1000, 40, count=2), width=333), "video/mp4")
    assert {(f.width, f.height) for f in streams(data)[0]} == {(332, 12)}


def test_play_a_file_with_its_sound(tmp_path):
    odd = tmp_path / "a & <b>.mp4"
    odd.write_bytes(TALK.read_bytes())
    view = play(str(odd), start=1, seconds=1)
    (data,) = embedded(view, "video/mp4")
    frames, kinds = streams(data)
    assert len(frames) == 8 and kinds == ["h264", "aac"]
    assert "a &amp; &lt;b&gt;.mp4 160x120, 1.00 to 2.00 s" in markup(view)
    with av.open(io.BytesIO(data)) as file:
        sound = file.streams.audio[0]
        assert float(sound.duration * sound.time_base) == pytest.approx(1, abs=0.1)
    muted = play(odd, seconds=0.5, sound=False)
    assert streams(embedded(muted, "video/mp4")[0])[1] == ["h264"]


def test_play_a_silent_file(tmp_path):
    write_video(clip(), tmp_path / "silent.mp4")
    (data,) = embedded(play(tmp_path / "silent.mp4"), "video/mp4")
    assert len(streams(data)[0]) == 8


def test_play_lowers_quality_until_it_fits(monkeypatch):
    images = [noise(320, 240), noise(320, 240)[::-1]]
    film = MemoryClip(images, [Fraction(0), Fraction(1, 8)], Fraction(1, 4))
    full = len(embedded(play(film), "video/mp4")[0])
    monkeypatch.setattr(show, "VIDEO_CAP", full - 1)
    (data,) = embedded(play(film), "video/mp4")
    assert len(data) < full and len(streams(data)[0]) == 2


def test_play_shows_a_poster_if_nothing_fits(monkeypatch):
    monkeypatch.setattr(show, "VIDEO_CAP", 10)
    view = play(TALK, seconds=0.25)
    assert str(TALK) in repr(view)
    assert static(view)[0].shape == (480 + show.STRIP, 640, 3)

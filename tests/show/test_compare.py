"""Comparisons and sheets: sizes, bytes, the right frames, safe HTML."""

import io
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.clip import Frame, MemoryClip
from helpers.errors import StageError, VideoWriteError
from helpers.show import picture as show
from helpers.show.compare import compare, sheet
from helpers.show.still import GAP, PICTURE_CAP, STRIP
from tests.support.views import clip, embedded, markup, noise, static

ODD = "a<b>&\"'\n\0 \ud800 é Зерно 中 😀 %s {x} $id " + "long " * 40


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def halves(view):
    """The middle of the left and of the right picture, as grey levels."""
    image, _ = static(view)
    row = image[image.shape[0] // 2 + STRIP // 2].mean(axis=1)
    return row[len(row) // 4], row[3 * len(row) // 4]


@pytest.mark.parametrize("width", [200, 641, 1280])
def test_static_picture_keeps_its_width_and_its_cap(width):
    image, data = static(compare(noise(160, 120), noise(1920, 1440), width=width))
    assert width - 2 <= image.shape[1] <= width
    assert len(data) <= PICTURE_CAP


def test_many_rows_stay_under_the_caps():
    images = [noise(640, 480)] * 4
    film = MemoryClip(images, [Fraction(k) for k in range(4)], Fraction(4))
    view = compare(film, film, at=[0, 1, 2, 3])
    assert len(static(view)[1]) <= PICTURE_CAP
    sliders = embedded(view, "image/jpeg")
    assert len(sliders) == 8
    assert sum(map(len, sliders)) <= 2 * PICTURE_CAP


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
        assert "ID" not in html.split("</style>")[0]
    ids = re.findall(r'id="([^"]+)"', first + second)
    assert len(ids) == len(set(ids)) == 2


def test_both_sides_of_the_slider_have_one_size():
    before, after = embedded(compare(clip(160, 120), clip(1000, 750)), "image/jpeg")
    assert decoded(before).shape == decoded(after).shape == (750, 1000, 3)


def test_both_clips_show_frames_that_begin_at_one_moment():
    """The first film holds its frames for twice as long; at 0.4 s they would be 0.125 s apart."""
    slow, fast = clip(count=4, fps=4), clip(count=8, fps=8)
    view = compare(slow, fast, at=0.4)
    assert "before 32x24, 0.500 s; after 32x24, 0.500 s" in repr(view)
    assert halves(view) == pytest.approx((60, 100), abs=2)


def test_a_result_of_a_stretch_shows_the_moment_of_the_film():
    """A file of a stretch counts from 0, so its second 0.25 is another moment of the film."""
    film, part = clip(), MemoryClip([image for image in clip().images[4:]], clip().times[:4], 1 / 2)
    # The first picture of a stretch is the first one that begins in it.
    for start in (0.5, 0.45):
        view = compare(film, part, at=0.75, start=start)
        assert repr(view) == "Pictures of before 32x24, 0.750 s; after 32x24, 0.750 s"
        assert halves(view) == pytest.approx((140, 140), abs=2)


def test_a_moment_that_only_one_has_is_left_out_and_that_is_said():
    view = compare(clip(), clip(count=4), at=[0.25, 0.75])
    assert "0.250 s" in repr(view) and len(embedded(view, "image/jpeg")) == 2
    words = "Only moments from 0.00 to 0.50 s are in both, so these were left out: 0.75 s."
    assert words in repr(view) and words in markup(view)
    late = MemoryClip([noise(8, 8)], [Fraction(9)], Fraction(10))
    with pytest.raises(StageError, match=r"no moment in common.* to 1\.00 s; 9\.00"):
        compare(clip(), late)


def test_several_moments_are_one_picture_and_one_slider():
    view = compare(clip(), clip(64, 48), at=[0, 0.25, 0.5])
    assert len(view.outputs) == 2
    assert markup(view).count('type="range"') == 1
    assert markup(view).count("aria-pressed") == 1 + 3 + 1  # in the style, the buttons, the script
    image, _ = static(view)
    assert image.shape[0] < image.shape[1]


def test_a_time_in_decimals_means_the_frame_that_starts_there():
    film = clip(count=8, fps=10)
    assert "0.300 s" in repr(compare(film, film, at=0.3))
    assert "0.700 s" in repr(sheet([film], np.array([0.7])))


def test_the_default_time_is_the_middle_of_what_is_shared():
    short = MemoryClip([noise(8, 8)], [Fraction(1, 2)], Fraction(1))
    assert "after 8x8, 0.500 s" in repr(compare(clip(), short))
    assert "0.500 s" in repr(compare(clip(), clip()))


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
    assert image.shape[:2] == (3 * (round(317 * 3 / 4) + STRIP) + 2 * GAP, 1280)
    assert len(view.outputs) == 1 and len(data) <= PICTURE_CAP
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

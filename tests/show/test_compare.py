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
from helpers.imaging.luma import to_eight_bit
from helpers.show import picture as show
from helpers.show.compare import STILL_CAP, compare, sheet
from helpers.show.picture import encode_alike
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
    image, _ = static(compare(clip(160, 120), clip(1920, 1440), width=width))
    assert width - 2 <= image.shape[1] <= width
    _, data = static(compare(noise(160, 120), noise(1920, 1440), width=width))
    assert len(data) <= STILL_CAP


def test_the_whole_output_fits_into_its_kilobytes():
    images = [noise(640, 480)] * 4
    film = MemoryClip(images, [Fraction(k) for k in range(4)], Fraction(4))
    view = compare(film, film, film, at=[0, 1, 2, 3], labels=["x" * 500] * 3)
    assert len(embedded(view, "image/webp")) == 12
    assert sum(len(text.encode()) for text in view.outputs[0].values()) <= 400_000
    small = compare(film, film, kilobytes=120)
    assert sum(len(text.encode()) for text in small.outputs[0].values()) <= 120_000


def test_all_candidates_have_one_quality_and_the_best_that_fits():
    """A picture that is easy to compress gives its bytes to one that is not."""
    easy, hard = np.full((480, 640, 3), 90, np.uint8), noise(640, 480)
    sizes = [len(one) for one in encode_alike([easy, hard], 200_000)]
    assert sizes[0] < 2000 and sizes[1] > 100_000 and sum(sizes) <= 200_000
    plenty = encode_alike([easy, hard], 2_000_000)
    assert decoded(plenty[1]).shape == hard.shape
    assert np.abs(decoded(plenty[0]).astype(int) - 90).max() <= 2


def test_one_output_that_every_page_can_show():
    view = compare(clip(), clip(64, 48))
    (output,) = view.outputs
    assert sorted(output) == ["image/jpeg", "text/html", "text/plain"]
    sentence = "Pictures of before 32x24, 0.500 s; after 64x48, 0.500 s"
    assert repr(view) == output["text/plain"] == sentence


def test_a_notebook_shows_every_output():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell.instance()
    try:
        shell.user_ns["view"] = compare(clip(), clip())
        with capture_output() as captured:
            shell.run_cell("view")
        assert [kind for output in captured.outputs for kind in output.data] == [
            *("text/html", "image/jpeg", "text/plain"),
        ]
    finally:
        InteractiveShell.clear_instance()


def test_odd_labels_are_drawn_and_escaped():
    view = compare(clip(), clip(), labels=(ODD, "<script>alert(1)</script>"), width=300)
    html = markup(view)
    assert "a&lt;b&gt;&amp;&quot;&#x27; ? é Зерно 中 😀 %s {x} $id long" in html
    assert "<script" not in html
    hostile = compare(clip(), clip(), labels=("<img src=x onerror=a()>", "</script></style>\"'"))
    assert not re.search(r"<img src=x|</script|</style>[^\n]", markup(hostile))
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
    before, after = embedded(compare(clip(160, 120), clip(1000, 750)), "image/webp")
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
    assert "0.250 s" in repr(view) and len(embedded(view, "image/webp")) == 2
    words = "Only moments from 0.00 to 0.50 s are in both, so these were left out: 0.75 s."
    assert words in repr(view) and words in markup(view)
    late = MemoryClip([noise(8, 8)], [Fraction(9)], Fraction(10))
    with pytest.raises(StageError, match=r"no moment in common.* to 1\.00 s; 9\.00"):
        compare(clip(), late)


def test_several_moments_are_one_picture_and_one_comparison():
    view = compare(clip(), clip(64, 48), at=[0, 0.25, 0.5])
    assert len(view.outputs) == 1
    assert len(embedded(view, "image/webp")) == 6
    assert re.search(r'<input type="range" min="0" max="2"[^>]* aria-label="Moment">', markup(view))
    image, _ = static(view)
    assert image.shape[0] < image.shape[1]


def test_up_to_six_candidates_have_names_and_one_moment():
    films = [clip(), clip(count=12, fps=12), clip(64, 48)]
    view = compare(*films, at=0.4, labels=["film", "smooth", "large"])
    assert repr(view) == (
        "Pictures of film 32x24, 0.500 s; smooth 32x24, 0.500 s; large 64x48, 0.500 s"
    )
    found = re.findall(r'data-moment="0" data-side="(\d)"', markup(view))
    assert found == ["0", "1", "2"]
    assert "after 32x24" in repr(compare(*films)) and "after 2 64x48" in repr(compare(*films))
    four = compare(*[noise(64, 48)] * 4)
    image, _ = static(four)
    assert image.shape[0] > image.shape[1] / 2  # two by two
    static(compare(*[noise(64, 48)] * 5))
    with pytest.raises(StageError, match="7 films or pictures are too many"):
        compare(*[noise(8, 8)] * 7)
    with pytest.raises(StageError, match="2 labels were given for 3"):
        compare(*films, labels=("a", "b"))


def test_a_start_shifts_every_result():
    film, part = clip(), MemoryClip([image for image in clip().images[4:]], clip().times[:4], 1 / 2)
    view = compare(film, part, part, at=0.75, start=0.5)
    assert repr(view).count("0.750 s") == 3


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
        before, after = embedded(compare(clip(64, 64), after), "image/webp")
        assert decoded(before).shape[:2] == decoded(after).shape[:2] == shape


def test_sixteen_bits_are_shown_as_eight():
    view = compare(clip(dtype=np.uint16), clip(), at=0.5)
    assert halves(view) == pytest.approx((100, 100), abs=2)
    ends = to_eight_bit(np.array([0, 128, 129, 65535], np.uint16))
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

"""A page to send: its size, its policy, nothing that runs, and what it says."""

import base64
import hashlib
import json
import re
import sys
from dataclasses import replace
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.errors import ProjectError, StageError
from helpers.project.report import Report, Side, report_path
from helpers.sharing.page import find_shift, find_source, share
from helpers.sharing.plots import Plot, draw_plot, read_plots
from helpers.sharing.side_by_side import sidebyside
from helpers.sharing.story import list_models, say_invented, tell
from helpers.video.reader import open_video
from helpers.video.writer import write_video
from tests.support.views import clip, noise

HOSTILE = (
    "</script><script>document.title='ran'</script><img src=x onerror=document.title='ran'>\"'"
)

RECIPE = [
    {"source": f"film {HOSTILE}", "sha256": "0" * 64},
    {"stage": "Trim", "start": "1/2", "stop": None},
    {"stage": "Upscale", "model": "x4plus", "scale": "2", "strength": "0.4", "weights": "a" * 64},
    {"stage": "Interpolate", "model": HOSTILE, "fps": "16"},
]


def report(film, result, **changes):
    """A report as `restore` writes it, with hostile text wherever text is."""
    whole = Report(
        source=Side(str(film), "32x24", 8, 8, 1.0),
        result=Side(str(result), "64x48", 8, 16, 0.5),
        seconds={"all": 75.0},
        models={"x4plus": "a" * 64, HOSTILE: "-"},
        recipe=RECIPE,
        notes=[f"note {n} {HOSTILE}" for n in range(5)],
        sound_offset_ms=0.2,
        machine={"device": HOSTILE},
        checks=[{"name": "picture", "verdict": "right", "found": "", "values": {}}],
        stretch=(0.5, 1.5),
    )
    return replace(whole, **changes)


def ramp(width, height, count, fps, start=0):
    """A film of grey that is lighter by 8 (of 255) with every eighth of a second, from 20 on."""
    times = [Fraction(n, fps) for n in range(count)]
    levels = [20 + 8 * int((time + Fraction(start)) * 8) for time in times]
    images = [np.full((height, width, 3), level, np.uint8) for level in levels]
    return MemoryClip(images, times, Fraction(count, fps))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A film with a hostile name, its result, and the report."""
    folder = tmp_path_factory.mktemp("films")
    film, result = folder / "a <img src=x onerror=alert(1)>.mp4", folder / "restored <b>.mp4"
    write_video(ramp(64, 48, 16, 8), film, check=False)
    write_video(ramp(128, 96, 16, 16, 0.5), result, check=False)
    report(film, result).write(report_path(result))
    return film, result


@pytest.fixture(scope="module")
def page(made):
    _, result = made
    return share(result, megabytes=2)


class Elements(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_a_page_keeps_its_size_and_its_name(made, page):
    _, result = made
    assert page.path == result.with_name("restored <b>.page.html")
    assert page.path.stat().st_size == page.bytes < 2e6
    assert "of the film before and after" in repr(page)
    with pytest.raises(StageError, match=r"0\.5 MB is too small"):
        share(result, megabytes=0.5)


def test_only_what_was_written_here_can_run(page):
    text = page.path.read_text(encoding="utf-8")
    elements = Elements(text)
    scripts = [attrs for tag, attrs in elements.found if tag == "script"]
    assert [attrs.get("type") for attrs in scripts] == ["text/plain", "text/plain", None]
    policy = next(a["content"] for t, a in elements.found if t == "meta" and "content" in a)
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for kind in ("style", "script"):
        (words,) = re.findall(f"<{kind}>(.*?)</{kind}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    for tag, attrs in elements.found:
        assert tag not in ("iframe", "object", "embed", "link", "base", "form"), tag
        assert not [name for name in attrs if name.startswith("on") or name == "style"], attrs
        assert attrs.get("src", "data:").startswith("data:"), attrs
        assert not attrs.get("href"), attrs
    assert not re.search(r"https?://|url\(|@import", text)


def test_hostile_text_is_shown_as_text(page):
    text = page.path.read_text(encoding="utf-8")
    assert "<script>document" not in text and "<img src=x" not in text
    assert text.count("&lt;script&gt;document") >= 4


def test_a_source_that_moved_is_asked_for(made, tmp_path):
    film, result = made
    missing = report(tmp_path / "gone.mp4", result)
    with pytest.raises(ProjectError, match=r"not at .*gone\.mp4 any more.*--source FILM"):
        find_source(missing, result, None)
    assert find_source(missing, result, film) == film
    beside = report(tmp_path / "elsewhere" / film.name, result)
    assert find_source(beside, result, None) == film


def test_a_result_without_a_report_needs_the_clip(tmp_path):
    film, result = tmp_path / "film.mp4", tmp_path / "result.mp4"
    write_video(ramp(64, 48, 16, 8), film, check=False)
    opened = open_video(film)
    write_video(opened, result, check=False)
    with pytest.raises(ProjectError, match="no report"):
        share(result)
    page = share(result, tmp_path / "page.html", source=film, clip=opened)
    assert "No picture was changed." in page.path.read_text(encoding="utf-8")


def test_a_stretch_begins_where_its_first_frame_does():
    film, part = clip(), clip(count=4)
    assert find_shift(film, part, report("a", "b")) == Fraction(1, 2)
    assert find_shift(film, part, report("a", "b", stretch=(0.4377, 1.0))) == Fraction(1, 2)
    assert find_shift(film, film, report("a", "b", stretch=None)) == 0


def test_the_story_has_ten_lines_and_the_recipe_its_licences():
    told = tell(report("/a/talk.mp4", "/b/out.mp4"))
    assert len(told) <= 10
    assert told[0] == "The film talk.mp4 was 32x24 at 8 frames a second, 1.00 s long."
    assert "the picture was enlarged (x4plus); frames were added in between (" in told[2]
    models = list_models(report("a", "b"))
    assert [(one.name, one.licence) for one in models] == [
        ("x4plus", "BSD-3-Clause"),
        (HOSTILE, "no weights"),
    ]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"stage": "Interpolate", "model": "flow"}, "computed from their neighbours"),
        ({"stage": "Colorize", "model": "deoldify"}, "does not say what they were"),
        ({"stage": "Colorize", "model": "auto", "references": [["a"]]}, "a person coloured some"),
        ({"stage": "Colorize", "model": None, "tone": "sepia"}, "tint was chosen"),
        ({"stage": "Upscale", "model": "bicubic"}, "plain arithmetic"),
        ({"stage": "Upscale", "model": ["x4plus", "bicubic"]}, "a network added what is plausible"),
        ({"stage": "Upscale", "model": "x4plus", "strength": "2/5"}, "A share of 2/5"),
        ({"stage": "RemoveDamage", "model": "cleaner"}, "filled in"),
        ({"stage": "Denoise", "model": "gaussian"}, "Nothing."),
    ],
)
def test_what_is_invented_is_said(step, words):
    assert words in say_invented(report("a", "b", recipe=[step], seconds={}))[0]


def test_measures_are_drawn_and_hostile_ones_are_not():
    row = {"title": HOSTILE, "unit": "dB", "before": [1, None, 3]}
    rows = [row, {**row, "after": [2, 2, 2]}, "nonsense", {"before": 3}]
    plots = read_plots({"moments": [0, 1, 2], "courses": rows})
    assert len(plots) == 1 and read_plots(None) == read_plots({"courses": 3}) == []
    assert read_plots({"moments": "x", "courses": rows}) == []
    changed = {"moments": [0, 1, 2], "cuts": [0, 1, 9], "courses": [], "changed": [0, 0.5, 0.1]}
    (map_,) = read_plots(changed)
    assert map_.cuts == [1] and 'class="shots" d="M' in draw_plot(map_)
    drawn = draw_plot(plots[0])
    assert "<script" not in drawn and drawn.count("<polyline") == 3
    wave = [float(np.sin(n / 50)) for n in range(5000)]
    long = draw_plot(Plot("wave", "", [n / 25 for n in range(5000)], wave, wave))
    assert len(long) < 20_000 and "nan" not in long


def test_measures_of_the_report_reach_the_page(made, tmp_path):
    _, result = made
    path = report_path(result)
    row = {"title": "sharpness", "unit": "dB", "before": [1, 2], "after": [3, 4]}
    measures = {"moments": [0, 1], "courses": [row]}
    old = path.read_text()
    try:
        path.write_text(json.dumps({**json.loads(old), "measures": measures}))
        text = share(result, tmp_path / "page.html", megabytes=2).path.read_text(encoding="utf-8")
    finally:
        path.write_text(old)
    assert "<h2>Measured</h2>" in text and 'aria-label="sharpness, dB, before and after"' in text


def test_films_side_by_side_are_one_film_or_a_picture_that_moves(made, tmp_path):
    from PIL import Image

    film, result = made
    path = sidebyside(film, result, tmp_path / "beside.mp4", late=0.5)
    both = open_video(path)
    assert len(both) == 16 and both.info.width == 128 + 4 + 128 and both.info.height == 96 + 26
    left, right = both[8].image[80, 20, 0], both[8].image[80, -20, 0]
    # At 0.5 s of the result, the film is at 1 s.
    assert (left, right) == pytest.approx((84, 84), abs=4)
    moving = Image.open(sidebyside(film, result, tmp_path / "beside.webp", late=0.5))
    assert 4 <= moving.n_frames <= 12 and moving.size[0] == 260  # alike ones are one
    with pytest.raises(StageError, match="no picture from 9"):
        sidebyside(film, result, tmp_path / "beside.mp4", start=9)


@pytest.mark.slow
def test_a_large_film_fits_into_its_page(tmp_path):
    """Noise is what compresses worst: the copies become smaller and shorter until they fit."""
    images = [noise(240, 180)[:, ::step] for step in (1, -1)] * 12
    film = MemoryClip(images, [Fraction(n, 12) for n in range(24)], Fraction(2))
    path = tmp_path / "noise.mp4"
    write_video(film, path, check=False)
    opened = open_video(path)
    page = share(path, source=path, clip=opened, megabytes=1)
    assert page.bytes < 1e6


def test_the_command_writes_a_page_and_asks_for_a_film_that_moved(made, tmp_path, monkeypatch):
    from helpers.__main__ import main

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["silk-purse", "share", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code

    film, result = made
    page, moved = tmp_path / "page.html", tmp_path / "moved.mp4"
    moved.write_bytes(result.read_bytes())
    report(tmp_path / "gone.mp4", moved).write(report_path(moved))
    monkeypatch.setattr(sys.stdout, "reconfigure", lambda **_: None, raising=False)
    assert run(moved, "-o", page) == 2 and not page.exists()
    assert run(moved, "-o", page, "--source", film, "--size", 2) == 0
    assert page.stat().st_size < 2e6
    assert run(moved, "--source", film, "--beside", tmp_path / "beside.webp") == 0
    assert (tmp_path / "beside.webp").stat().st_size > 1000

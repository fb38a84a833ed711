"""The page to send in a real browser, from a file: its comparison, and its films in step.

Set SILK_PURSE_SCREENSHOTS to a folder to look at what the browser showed.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.project.report import Report, Side, report_path
from helpers.retime import ConstantRate
from helpers.sharing.page import share
from helpers.stages.upscale.stage import Upscale
from helpers.video.reader import open_video
from helpers.video.sources import sample
from helpers.video.writer import write_video
from tests.browser.lab import CHROMIUM, NEEDS_CHROMIUM

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = NEEDS_CHROMIUM

HOSTILE = "<img src=x onerror=document.title='ran'></script><script>document.title='ran'</script>"

FRAME = 1 / 24


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A page about a talk that was enlarged, with hostile names and notes."""
    folder = tmp_path_factory.mktemp("page")
    source = sample("talk")
    film = folder / "talk <img src=x onerror=document.title='ran'>.mp4"
    film.write_bytes(source.read_bytes())
    result = folder / "restored.mp4"
    opened = open_video(film)
    clip = ConstantRate(fps=24)(Upscale("bicubic", 2)(opened))
    write_video(clip, result, source=film, check=False, quietly=True)
    report = Report(
        source=Side.of(film, opened),
        result=replace(Side.of(result, clip), size=f"{clip.info.size} {HOSTILE}"),
        seconds={"all": 3.0},
        models={"x4plus": "0" * 64, HOSTILE: "-"},
        recipe=[*clip.recipe(), {"stage": HOSTILE, "model": HOSTILE}],
        notes=[HOSTILE] * 5,
    )
    report.write(report_path(result))
    return share(result).path


@pytest.fixture(params=["desktop", "phone"])
def page(request, made):
    phone = request.param == "phone"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        scheme = "dark" if phone else "light"
        context = browser.new_context(viewport=size, has_touch=phone, color_scheme=scheme)
        shown, problems, asked = context.new_page(), [], []
        shown.on("pageerror", lambda error: problems.append(str(error)))
        shown.on("console", lambda message: problems.append(message.text))
        shown.on("request", lambda request: asked.append(request.url.split(":")[0]))
        shown.goto(made.as_uri())
        shown.wait_for_selector(".films[data-ready]")
        yield shown
        keep = os.environ.get("SILK_PURSE_SCREENSHOTS")
        if keep:
            name = f"page_{request.node.name}.png"
            shown.screenshot(path=Path(keep, name), full_page=True)
        title = shown.title()
        browser.close()
    assert problems == []
    assert set(asked) <= {"file", "data", "blob"}
    assert title == "restored.mp4: before and after"  # nothing of the names and notes was run


def apart(page):
    """How many seconds the two films are apart: of 15 looks the middle one.

    On a machine that is busy, one of them may stumble, and catches up.
    """
    look = "(([one, other]) => Math.abs(one.currentTime - other.currentTime))"
    found = []
    for _ in range(15):
        found.append(page.evaluate(f"{look}([...document.querySelectorAll('video')])"))
        page.wait_for_timeout(40)
    return sorted(found)[7]


def time(page):
    return page.evaluate("document.querySelector('.after video').currentTime")


def wait_until(page, true):
    """Wait for at most five seconds; the page's policy forbids what playwright would do itself."""
    for _ in range(100):
        if true():
            return
        page.wait_for_timeout(50)
    raise TimeoutError


def test_films_play_in_step(page):
    page.locator(".play").click()
    page.wait_for_timeout(2000)
    assert time(page) > 1
    assert apart(page) < FRAME
    page.locator(".scrubber").evaluate(
        "one => { one.value = 0.5; one.dispatchEvent(new Event('input')) }"
    )
    wait_until(page, lambda: time(page) < 1.5)
    page.wait_for_timeout(300)
    assert apart(page) < FRAME
    page.locator(".play").click()
    assert page.locator(".play").inner_text() == "play"
    page.wait_for_timeout(500)
    stopped = time(page)
    assert apart(page) < 0.001
    assert time(page) == stopped


def test_a_fast_scrub_ends_where_it_was_left(page):
    page.locator(".scrubber").evaluate(
        """one => { for (const value of [1, 3, 2, 4, 2.5]) {
            one.value = value; one.dispatchEvent(new Event('input')) } }"""
    )
    page.wait_for_timeout(600)
    assert time(page) == pytest.approx(2.5, abs=0.01)
    assert apart(page) < 0.001
    assert page.locator(".films output").inner_text() == "2.5 of 5.0 s"


def test_films_begin_again_and_stay_in_step(page):
    page.locator(".scrubber").evaluate(
        "one => { one.value = 4.6; one.dispatchEvent(new Event('input')) }"
    )
    page.wait_for_timeout(300)
    page.locator(".play").click()
    wait_until(page, lambda: time(page) < 2)
    page.wait_for_timeout(700)
    assert apart(page) < FRAME


def test_a_line_divides_the_films(page):
    side = page.locator(".films figure").nth(1).bounding_box()
    page.get_by_role("button", name="split", exact=True).click()
    screen = page.locator(".screen")
    screen.scroll_into_view_if_needed()
    box = screen.bounding_box()
    assert box["width"] >= side["width"] and box["width"] <= page.viewport_size["width"]
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 40, steps=4)
    page.mouse.up()
    assert float(screen.evaluate("one => parseFloat(one.style.getPropertyValue('--at'))")) == (
        pytest.approx(25, abs=1)
    )
    page.keyboard.press("ArrowRight")
    assert page.locator(".films .line").input_value() == "26"


def test_one_sound_is_heard(page):
    def muted():
        return page.evaluate("[...document.querySelectorAll('video')].map(one => one.muted)")

    assert muted() == [True, False]
    sounds = page.get_by_role("group", name="Sound")
    sounds.get_by_role("button", name="before").click()
    assert muted() == [False, True]
    sounds.get_by_role("button", name="off").click()
    assert muted() == [True, True]


def test_the_comparison_works_and_nothing_is_too_wide(page):
    stage = page.locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 50, steps=4)
    page.mouse.up()
    assert float(page.locator(".line").first.input_value()) == pytest.approx(80, abs=1)
    page.keyboard.press(".")
    assert page.locator(".strip span").nth(1).get_attribute("class") == "on"
    page.keyboard.press("d")
    assert page.locator(".told").is_visible()
    wide = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= wide
    assert HOSTILE in page.locator("body").inner_text()

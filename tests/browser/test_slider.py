"""The slider in a real browser: mouse, keys, zoom, touch, small pictures, several on a page.

Set SILK_PURSE_SCREENSHOTS to a folder to look at what the browser showed.
"""

import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from helpers.clip import MemoryClip
from helpers.show.compare import compare
from tests.browser.lab import CHROMIUM, NEEDS_CHROMIUM

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = NEEDS_CHROMIUM


def clip(tint):
    """Four frames of a ramp in one colour; each frame is lighter than the one before."""
    ramp = np.tile(np.linspace(0, 150, 320), (240, 1))[..., None] * np.array(tint)
    images = [(ramp + 25 * n).astype(np.uint8) for n in range(4)]
    return MemoryClip(images, [Fraction(n, 4) for n in range(4)], Fraction(1))


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser, tmp_path, request):
    """A saved page with two comparisons, put into it as a notebook does: after it was loaded."""
    made = [
        compare(clip((1, 0.4, 0.4)), clip((0.4, 1, 0.4)), at=[0, 0.25, 0.5], width=640),
        compare(clip((1, 1, 0.4)), clip((0.4, 0.4, 1)), at=[0.25], width=640),
    ]
    touch = "touch" in request.node.name
    context = browser.new_context(viewport={"width": 900, "height": 1250}, has_touch=touch)
    shown = context.new_page()
    problems = []
    shown.on("pageerror", lambda error: problems.append(error))
    shown.on("request", lambda asked: problems.append(asked.url) if asked.url[:5] == "http:" else 0)
    file = tmp_path / "page.html"
    file.write_text("<!doctype html><meta charset=utf-8><body></body>", encoding="utf-8")
    shown.goto(file.as_uri())
    html = "".join(view.outputs[-1]["text/html"] for view in made)
    shown.evaluate("html => { document.body.innerHTML = html }", html)
    shown.wait_for_function("document.querySelectorAll('[data-ready]').length === 2")
    yield shown
    keep = os.environ.get("SILK_PURSE_SCREENSHOTS")
    if keep:
        shown.screenshot(path=Path(keep, f"{request.node.name}.png"))
    context.close()
    assert problems == []


def stage(page, number=0):
    return page.locator(".stage").nth(number)


def value(page, name, number=0):
    """A property of a comparison: where the line is (--at, in per cent), --zoom, --x, --y."""
    text = stage(page, number).evaluate("(e, name) => e.style.getPropertyValue(name)", name)
    return float(text.rstrip("%"))


def point(page, across, down, number=0):
    box = stage(page, number).bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def drag(page, start, stop, number=0):
    page.mouse.move(*point(page, *start, number))
    page.mouse.down()
    page.mouse.move(*point(page, *stop, number), steps=5)
    page.mouse.up()


def colour(page, across, down, number=0):
    """The colour that is seen at a place of a comparison."""
    import io

    from PIL import Image

    picture = Image.open(io.BytesIO(stage(page, number).screenshot())).convert("RGB")
    return picture.getpixel((int(across * picture.width), int(down * picture.height)))


def test_the_line_follows_the_mouse(page):
    drag(page, (0.5, 0.2), (0.8, 0.3))
    assert value(page, "--at") == pytest.approx(80, abs=0.5)
    red, green, _ = colour(page, 0.75, 0.75)
    assert red > green + 30  # before, on the left of the line
    red, green, _ = colour(page, 0.85, 0.75)
    assert green > red + 30
    assert value(page, "--at", 1) == 50  # the other comparison did not move


def test_keys_work_after_the_mouse(page):
    drag(page, (0.5, 0.2), (0.7, 0.2))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert value(page, "--at") == pytest.approx(68, abs=0.6)
    page.keyboard.press("Home")
    assert value(page, "--at") == 0
    page.keyboard.press("+")
    assert value(page, "--zoom") == 1.5
    page.keyboard.press("-")
    assert value(page, "--zoom") == 1
    assert value(page, "--at", 1) == 50


def test_tab_reaches_everything_and_is_seen(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"
    style = stage(page).evaluate("e => getComputedStyle(e).outlineStyle")
    assert style == "solid"
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.getAttribute('aria-label') || 'moment'"))
    assert seen == ["moment"] * 3 + ["Zoom out", "Zoom in", "Show the whole picture"]
    assert stage(page).locator("input").get_attribute("aria-label") == "before | after"


def test_zoom_and_pan_show_the_same_part_of_both(page):
    buttons = page.locator(".larger").first
    for _ in range(4):
        buttons.click()
    assert value(page, "--zoom") == pytest.approx(1.5**4)
    layers = stage(page).locator(".moment.on img")
    matrices = layers.evaluate_all("all => all.map(e => getComputedStyle(e).transform)")
    assert len(matrices) == 2 and matrices[0] == matrices[1] != "none"
    before = value(page, "--x")
    drag(page, (0.8, 0.8), (0.6, 0.5))  # far from the line, so the picture moves
    assert value(page, "--x") == pytest.approx(before - 20, abs=1)
    assert value(page, "--at") == 50
    drag(page, (0.5, 0.5), (0.25, 0.5))  # at the line, so the line moves
    assert value(page, "--at") == pytest.approx(25, abs=0.5)
    for _ in range(9):
        drag(page, (0.9, 0.9), (0.4, 0.4))
    # The picture cannot be pulled out of its frame.
    assert value(page, "--x") == pytest.approx(-(1.5**4 - 1) * 100)
    page.mouse.dblclick(*point(page, 0.7, 0.7))
    assert [value(page, name) for name in ("--zoom", "--x", "--y", "--at")] == [1, 0, 0, 50]


def test_the_wheel_zooms_only_a_comparison_in_use(page):
    page.mouse.move(*point(page, 0.25, 0.5))
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert value(page, "--zoom") == 1
    page.mouse.click(*point(page, 0.25, 0.5))
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert value(page, "--zoom") == 1.5
    assert value(page, "--x") == pytest.approx(-12.5)  # what is under the mouse stays there
    page.mouse.wheel(0, 200)
    page.wait_for_timeout(100)
    assert value(page, "--zoom") == 1


def test_small_pictures_choose_the_moment(page):
    buttons = page.locator(".moments button")
    assert buttons.all_inner_texts() == ["0.000 s", "0.250 s", "0.500 s"]
    widths = buttons.locator("img").evaluate_all("all => all.map(e => e.naturalWidth)")
    assert all(width > 100 for width in widths)
    early = colour(page, 0.1, 0.8)
    buttons.nth(2).click()
    assert sum(colour(page, 0.1, 0.8)) > sum(early) + 90
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"
    assert stage(page).locator(".moment:visible .label").all_inner_texts() == [
        "before 320x240, 0.500 s",
        "after 320x240, 0.500 s",
    ]


def test_touch_moves_the_line(page):
    page.touchscreen.tap(*point(page, 0.3, 0.5))
    assert value(page, "--at") == pytest.approx(30, abs=0.5)
    assert stage(page).evaluate("e => getComputedStyle(e).touchAction") == "pan-y"


def test_two_fingers_zoom_by_touch(page):
    client = page.context.new_cdp_session(page)

    def touch(kind, *places):
        points = [
            {"x": x, "y": y, "id": number}
            for number, (x, y) in enumerate(point(page, *place) for place in places)
        ]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", (0.45, 0.5))
    touch("touchStart", (0.45, 0.5), (0.55, 0.5))
    for step in range(1, 6):
        touch("touchMove", (0.45 - 0.03 * step, 0.5), (0.55 + 0.03 * step, 0.5))
    touch("touchEnd")
    assert value(page, "--zoom") == pytest.approx(4, rel=0.15)


def test_a_narrow_page_shows_all_of_it(page):
    page.set_viewport_size({"width": 320, "height": 700})
    box = stage(page).bounding_box()
    assert box["x"] + box["width"] <= 320
    assert box["width"] / box["height"] == pytest.approx(4 / 3, abs=0.02)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

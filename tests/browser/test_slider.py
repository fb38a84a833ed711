"""Comparisons in a real browser: mouse, keys, zoom, touch, moments, choice, flicker, difference.

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


TINTS = (1, 0.4, 0.4), (0.4, 1, 0.4), (1, 1, 0.4), (0.4, 0.4, 1)

HOSTILE = "blue <img src=x onerror=document.title='ran'></script></style>&quot;"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser, tmp_path, request):
    """A saved page with two comparisons, put into it as a notebook does: after it was loaded."""
    red, green, yellow, blue = map(clip, TINTS)
    made = [
        compare(red, green, at=[0, 0.25, 0.5], width=640),
        compare(yellow, blue, red, at=[0.25], width=640, labels=["yellow", HOSTILE, "red"]),
    ]
    touch = "touch" in request.node.name
    phone = "phone" in request.node.name
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    context = browser.new_context(viewport=size, has_touch=touch or phone, accept_downloads=True)
    shown = context.new_page()
    problems = []
    shown.on("pageerror", lambda error: problems.append(error))
    shown.on("request", lambda asked: problems.append(asked.url) if asked.url[:4] == "http" else 0)
    file = tmp_path / "page.html"
    head = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    file.write_text(f"{head}<body></body>", encoding="utf-8")
    shown.goto(file.as_uri())
    html = "".join(view.outputs[-1]["text/html"] for view in made)
    shown.evaluate("html => { document.body.innerHTML = html }", html)
    shown.wait_for_function("document.querySelectorAll('[data-ready]').length === 2")
    yield shown
    keep = os.environ.get("SILK_PURSE_SCREENSHOTS")
    if keep:
        shown.screenshot(path=Path(keep, f"{request.node.name}.png"))
    assert shown.title() == ""  # no label was run
    context.close()
    assert problems == []


def stage(page, number=0):
    return page.locator(".stage").nth(number)


def value(page, name, number=0):
    """A property of a comparison: where the line is (--at, in per cent), --zoom, --x, --y."""
    text = stage(page, number).evaluate("(e, name) => e.style.getPropertyValue(name)", name)
    return float(text.rstrip("%"))


def point(page, across, down, number=0):
    stage(page, number).scroll_into_view_if_needed()
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
    assert page.get_by_role("slider", name="before | after").get_attribute("class") == "line tool"
    seen = []
    for _ in range(9):
        page.keyboard.press("Tab")
        name = "(one => one.getAttribute('aria-label') || one.innerText)(document.activeElement)"
        seen.append(page.evaluate(name))
    assert seen == [
        *("Moment", "hold to flicker", "difference", "swap", "save"),
        *("Zoom out", "Zoom in", "Show the whole picture", "How to use it"),
    ]


def test_zoom_and_pan_show_the_same_part_of_both(page):
    buttons = page.locator(".larger").first
    for _ in range(4):
        buttons.click()
    assert value(page, "--zoom") == pytest.approx(1.5**4)
    layers = stage(page).locator("figure.left img, figure.right img")
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


def captions(page, number=0):
    """What is written over the two pictures that are seen."""
    return [
        stage(page, number).locator(f"figure.{side}").inner_text() for side in ("left", "right")
    ]


def test_small_pictures_are_scrubbed_over(page):
    strip = page.locator(".strip").first
    cells = strip.locator("span")
    assert cells.all_inner_texts() == ["0.000 s", "0.250 s", "0.500 s"]
    widths = cells.locator("img").evaluate_all("all => all.map(e => e.naturalWidth)")
    assert all(width > 100 for width in widths)
    early = colour(page, 0.1, 0.8)
    box = strip.bounding_box()
    cell = cells.nth(0).bounding_box()
    middle = [cell["x"] + cell["width"] * (n + 0.5) for n in range(3)]
    page.mouse.move(middle[0], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(middle[1], box["y"] + 20)
    assert captions(page) == ["before 320x240, 0.250 s", "after 320x240, 0.250 s"]
    page.mouse.move(middle[2], box["y"] + 20)
    page.mouse.up()
    assert sum(colour(page, 0.1, 0.8)) > sum(early) + 90
    moments = page.get_by_role("slider", name="Moment")
    assert moments.get_attribute("aria-valuetext") == "0.500 s"
    page.keyboard.press("ArrowLeft")
    assert captions(page)[0] == "before 320x240, 0.250 s"
    page.keyboard.press(".")
    page.keyboard.press(".")  # there is no later one
    assert captions(page)[0] == "before 320x240, 0.500 s"
    page.keyboard.press(",")
    assert moments.get_attribute("aria-valuetext") == "0.250 s"


def test_numbers_and_chips_choose_the_two(page):
    assert not page.locator(".side").first.is_visible()  # of two there is nothing to choose
    page.mouse.click(*point(page, 0.5, 0.5, 1))
    page.keyboard.press("3")
    assert [words.split()[0] for words in captions(page, 1)] == ["yellow", "red"]
    page.keyboard.press("Shift+Digit2")
    assert [words.split()[0] for words in captions(page, 1)] == ["blue", "red"]
    red, green, blue = colour(page, 0.1, 0.75, 1)
    assert blue > max(red, green)
    left = page.get_by_role("group", name="On the left").get_by_role("button")
    left.nth(2).click()  # red is on the right already: they change places
    assert [words.split()[0] for words in captions(page, 1)] == ["red", "blue"]
    assert [chip.get_attribute("aria-pressed") for chip in left.all()] == ["false", "false", "true"]
    assert HOSTILE in captions(page, 1)[1] and HOSTILE in left.nth(1).inner_text()
    page.keyboard.press("x")
    assert [words.split()[0] for words in captions(page, 1)] == ["blue", "red"]
    assert captions(page, 0)[0].startswith("before")


def test_a_held_key_flickers(page):
    page.mouse.click(*point(page, 0.2, 0.2))
    page.keyboard.down("f")
    assert value(page, "--at") in (0, 100)
    for share in ("0%", "100%"):
        at = "document.querySelector('.stage').style.getPropertyValue('--at')"
        page.wait_for_function(f"{at} === '{share}'", polling=50)
    page.keyboard.up("f")
    assert value(page, "--at") == pytest.approx(20, abs=0.5)


def test_a_held_button_flickers_on_a_phone(page):
    hold = page.locator(".blink").first
    hold.scroll_into_view_if_needed()
    box = hold.bounding_box()
    x, y = box["x"] + 20, box["y"] + 10
    client = page.context.new_cdp_session(page)
    finger = {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
    client.send("Input.dispatchTouchEvent", finger)
    page.wait_for_function("document.querySelector('.stage').classList.contains('alone')")
    for share in ("100%", "0%"):
        at = "document.querySelector('.stage').style.getPropertyValue('--at')"
        page.wait_for_function(f"{at} === '{share}'", polling=50)
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("!document.querySelector('.stage').classList.contains('alone')")
    assert value(page, "--at") == 50
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_calm_people_see_the_other_while_they_hold(page):
    page.emulate_media(reduced_motion="reduce")
    page.mouse.click(*point(page, 0.9, 0.2))
    page.keyboard.down("f")
    seen = set()
    for _ in range(10):
        seen.add(value(page, "--at"))
        page.wait_for_timeout(100)
    page.keyboard.up("f")
    assert seen == {0}


def test_the_difference_is_as_strong_as_its_gain(page):
    """At the right edge, the pictures differ by 150 times 0.6 in red and in green."""
    page.mouse.click(*point(page, 0.5, 0.2))
    page.keyboard.press("d")
    gain = page.get_by_role("slider", name="gain")
    gain.fill("0")
    red, green, blue = colour(page, 0.5, 0.75)
    assert (red, green, blue) == pytest.approx((45, 45, 0), abs=6)
    gain.fill("2")
    assert colour(page, 0.5, 0.75) == pytest.approx((180, 180, 0), abs=20)
    assert stage(page).locator(".told").inner_text() == "difference x4: before | after"
    page.keyboard.press("d")
    assert colour(page, 0.3, 0.75)[0] > 30 and not gain.is_visible()


def saved(page, number=0):
    """The picture that the button writes, and the name of its file."""
    import io

    from PIL import Image

    with page.expect_download() as download:
        page.locator(".save").nth(number).click()
    data = Path(download.value.path()).read_bytes()
    return Image.open(io.BytesIO(data)).convert("RGB"), download.value.suggested_filename


def test_what_is_seen_is_saved(page):
    drag(page, (0.5, 0.2), (0.25, 0.2))
    picture, name = saved(page)
    assert name == "before_after.png" and picture.size == (640, 480 + 28)
    for x in (100, 400):
        assert picture.getpixel((x, 300)) == pytest.approx(colour(page, x / 640, 300 / 480), abs=4)
    page.locator(".larger").first.click()
    page.keyboard.press("d")
    picture, _ = saved(page)
    assert picture.getpixel((400, 300)) == pytest.approx(colour(page, 400 / 640, 0.625), abs=12)
    _, name = saved(page, 1)
    assert name.startswith("yellow_blue_img_src_x_onerror") and len(name) <= 64


def test_all_is_there_where_no_script_runs(browser, tmp_path):
    view = compare(clip(TINTS[0]), clip(TINTS[1]), at=[0, 0.25], width=640)
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset=utf-8>{view.outputs[0]['text/html']}")
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(file.as_uri())
    assert [one.is_visible() for one in shown.locator("figure").all()] == [True] * 4
    assert not shown.locator("input:visible, button:visible").count()
    context.close()


def test_touch_moves_the_line_of_a_phone(page):
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

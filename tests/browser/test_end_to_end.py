"""The end-to-end notebook in JupyterLab: look, choose a model, run, stop, go on, watch, download.

Set SILK_PURSE_SCREENSHOTS to a folder to look at what the browser showed.
"""

import os
import time
from pathlib import Path

import pytest

from tests.browser.lab import CHROMIUM, NEEDS_CHROMIUM, running_lab

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = NEEDS_CHROMIUM

LONG = 240_000
"""Milliseconds that a step may take on a busy machine."""


RESULT = "[...document.querySelectorAll('video')].find(f => f.currentSrc.includes('_restored'))"
"""The player of the finished film, in the language of the browser."""


@pytest.fixture
def page(tmp_path):
    """The notebook in JupyterLab, not run yet."""
    with running_lab(tmp_path, "00_end_to_end") as address, sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1400, "height": 1000})
        shown.set_default_timeout(LONG)
        shown.goto(f"{address}/lab/tree/notebooks/00_end_to_end.ipynb")
        shown.wait_for_selector(".jp-Notebook")
        shown.wait_for_selector("text=Python 3 (ipykernel) | Idle")
        yield shown
        browser.close()


def photograph(page, name, selector=None):
    """Keep a picture of what is on the screen, if somebody wants to look at it."""
    folder = os.environ.get("SILK_PURSE_SCREENSHOTS")
    if selector:
        page.locator(selector).last.scroll_into_view_if_needed()
        time.sleep(0.5)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder, f"{name}.png"))


def run_all(page):
    page.locator(".lm-MenuBar-itemLabel:text-is('Run')").click()
    page.locator(".lm-Menu-itemLabel:text-is('Run All Cells')").click()


def button(page, name):
    return page.locator(f"button.jupyter-button:has-text('{name}')")


def state(page):
    return page.locator("span[role=status]").last


def test_a_film_is_restored_by_a_few_clicks(page):
    photograph(page, "1_opened")
    begun = time.monotonic()
    run_all(page)
    page.wait_for_selector("text=What is wrong with it >> visible=true")
    slider = page.locator("[id^=compare-][data-ready]").first
    slider.wait_for(state="attached")
    took = time.monotonic() - begun
    photograph(page, "2_film", "text=Open >> nth=-1")
    photograph(page, "3_advice", "text=Clean the sound")
    photograph(page, "4_preview", "[id^=compare-]")
    assert took < 60 * float(os.environ.get("SILK_PURSE_PATIENCE", "3"))

    drag_and_press_keys(page, slider)
    chosen = button(page, "bicubic")
    chosen.click()
    page.wait_for_selector("button.mod-success:has-text('bicubic')")
    photograph(page, "5_models", "button.mod-success")

    button(page, "animevideov3").click()
    page.wait_for_selector("button.mod-success:has-text('animevideov3')")
    run = page.locator("button.mod-primary:has-text('Run')")
    run.click()
    page.wait_for_selector("text=/[0-9]+ of 120 frames, /")
    photograph(page, "6_running", "button.mod-primary")
    button(page, "Stop").click()
    page.wait_for_selector("text=/frames are here/")
    photograph(page, "7_stopped", "button.mod-primary")
    run.click()
    page.wait_for_selector("text=The result is below")

    page.wait_for_function(f"() => {RESULT}")
    photograph(page, "8_result", "a[download]")
    plays(page)
    with page.expect_download() as download:
        page.locator("a[download]").last.click()
    assert download.value.suggested_filename == "talk_160x120_8fps_restored.mp4"
    assert Path(download.value.path()).stat().st_size > 50_000


def drag_and_press_keys(page, slider):
    """Drag the line of a slider, and move it by keys then."""
    line = slider.locator("input.line")
    line.scroll_into_view_if_needed()
    box = line.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    dragged = float(line.input_value())
    assert dragged < 40
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert float(line.input_value()) > dragged


def plays(page):
    """See that the result is loaded, and that its time goes on."""
    page.evaluate(f"() => {{ const film = {RESULT}; film.muted = true; return film.play() }}")
    page.wait_for_function(f"() => {RESULT}.readyState >= 2 && {RESULT}.currentTime > 0.3")
    assert page.evaluate(f"() => {RESULT}.duration") == pytest.approx(5, abs=0.2)

"""What a run and its models will cost: a part of a picture is timed, the whole, or a share."""

import shutil
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from helpers import Interpolate, Project, Upscale, estimate, estimates, open_video, sample
from helpers.catalog import load as loading
from helpers.catalog import registry
from helpers.catalog import table as catalog
from helpers.catalog.registry import Probe, Request, engine
from helpers.catalog.table import Model
from helpers.estimates import costs, time_sound
from helpers.project.words import format_duration
from tests.support import saves
from tests.support.law import one_picture, varying_clip
from tests.support.paths import FILM
from tests.support.saves import break_off, save


@pytest.mark.parametrize(
    ("role", "name"), [("upscale", "lanczos"), ("interpolate", "flow"), ("colorize", "tint")]
)
def test_what_needs_no_weights_is_timed(role, name, monkeypatch):
    monkeypatch.setattr(catalog, "MODELS", (catalog.get(name, role),))
    ((model, each, whole, _),) = costs(role, varying_clip(3)).rows
    assert model == name and each.endswith(" s") and whole.startswith("about")


def test_what_would_have_to_be_fetched_is_not_timed(monkeypatch):
    row = catalog.get("x2plus", "upscale")
    monkeypatch.setattr(catalog, "MODELS", (row,))
    monkeypatch.setattr(Model, "present", False)
    assert costs("upscale", varying_clip(3)).rows[0][:3] == (
        "x2plus", "-", "not downloaded, 67.1 MB",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("probe", "size", "times"),
    [
        (None, (estimates.SIDE, estimates.SIDE), 4),
        (Probe(lambda net, image: lambda: net.upscale([image]), share=0.5), (96, 96), 2),
        (Probe(lambda net, image: lambda: net.upscale([image]), whole=True), (192, 192), 1),
    ],
)
def test_a_frame_costs_what_its_part_costs_by_area_and_share(probe, size, times, monkeypatch):
    seen, clock = [], iter([0.0, 3.0])

    class Net:
        def upscale(self, images):
            seen.append(images[0].shape[:2])
            return images

    def load(request: Request) -> Net:
        return Net()

    monkeypatch.setattr(registry, "_engines", {})
    engine("upscale", precisions=(), probe=probe)(load)
    row = Model("net", "upscale", __name__, 0, (), "-", "")
    monkeypatch.setattr(catalog, "MODELS", (row,))
    clip = one_picture(np.zeros((192, 192, 3), np.uint8))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    loading._cached_loader.cache_clear()
    try:
        ((_, each, _, _),) = costs("upscale", clip).rows
    finally:
        loading._cached_loader.cache_clear()
    assert seen == [size, size] and each == f"{3 * times:.3g} s"


def test_an_estimate_says_what_a_run_costs():
    told = repr(estimate(open_video(sample())))
    assert "40 frames of 160x120 to make" in told and "run it again to continue" in told
    assert "the render about" in told.lower() or "the render takes about" in told.lower()


def test_an_estimate_has_each_step_in_order():
    clip = Interpolate(factor=2)(Upscale("bicubic", Fraction(2))(open_video(sample())))
    found = estimate(clip, sound="loudness")
    names = [name for name, _ in found.steps]
    assert [n for n in names if n != "reading"] == [
        "upscaling", "interpolation", "saving", "sound", "render",
    ]  # fmt: skip
    assert all(value > 0 for _, value in found.steps)
    assert found.seconds == pytest.approx(sum(value for _, value in found.steps))
    assert "interpolation" in repr(found) and "The sound takes about" in repr(found)


def test_what_is_here_already_need_not_be_made(tmp_path, monkeypatch):
    project = Project(tmp_path)
    break_off(monkeypatch, tmp_path, saves.film(), 2, "restored")
    found = estimate(saves.film(), project)
    assert (found.frames, found.done) == (16, 5)
    assert "5 of 16 frames are here; 11 to make" in repr(found)
    save(tmp_path, saves.film(), "restored")
    found = estimate(saves.film(), project)
    assert repr(found).startswith("All 16 frames of 24x18 are here already. The render takes")
    assert [name for name, _ in found.steps] == ["render"] and found.fits
    assert "to make" in repr(estimate(saves.film(seed=2), project))


def test_a_film_with_an_odd_side_is_estimated_too():
    found = estimate(varying_clip(width=25, height=17))
    assert found.size == "25x17" and found.film > 0


def test_a_silent_film_needs_no_time_for_its_sound():
    assert time_sound(open_video(FILM), "talk") == 0


def test_an_estimate_measures_the_disk_of_the_project(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(
        shutil, "disk_usage",
        lambda path: usage._replace(free=1000 if path == tmp_path else 10**15),
    )  # fmt: skip
    found = estimate(saves.film(), Project(tmp_path), "04_upscale")
    assert found.room.free == 1000 and not found.fits
    assert "1 kB free" in repr(found) and "That does not fit" in repr(found)
    assert "saved near-lossless" in repr(found)
    film = estimate(saves.film(), Project(tmp_path))
    assert film.codec == "h264" and film.room.need < found.room.need


def test_on_colab_it_is_said_whether_a_session_is_long_enough(monkeypatch):
    monkeypatch.setattr(estimates, "on_colab", lambda: True)
    assert "12 hours at the most" in repr(estimate(saves.film()))
    assert "this run fits into one" in repr(estimate(saves.film()))
    long = replace(estimate(saves.film()), steps=(("upscaling", 30 * 3600.0),))
    assert "needs about 3 of them" in repr(long)


def test_an_estimate_is_shown_in_paragraphs(tmp_path):
    page = estimate(saves.film(), Project(tmp_path / "<b>"))._repr_html_()
    assert page.count("<p>") == len(estimate(saves.film()).sentences) and "<b>" not in page


def test_the_headings_of_costs_stand_over_their_columns(monkeypatch):
    monkeypatch.setattr(catalog, "MODELS", (catalog.get("lanczos", "upscale"),))
    page = costs("upscale", varying_clip(3))._repr_html_()
    assert page.count("<th style='text-align:left'>") == page.count("<td style='text-align:left'>")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (600, "10 minutes"), (107 * 3600, "107.0 hours")]
)
def test_time_is_said_as_a_person_would(seconds, words):
    assert format_duration(seconds) == words

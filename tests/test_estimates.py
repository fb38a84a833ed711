"""What a run and its models will cost: a part of a picture is timed, the whole, or a share."""

import time

import numpy as np
import pytest

from helpers import estimate, estimates, open_video, sample
from helpers.catalog import load as loading
from helpers.catalog import registry
from helpers.catalog import table as catalog
from helpers.catalog.registry import Probe, Request, engine
from helpers.catalog.table import Model
from helpers.estimates import costs, format_duration
from tests.support.law import one_picture, varying_clip


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
    assert "40 frames of 160x120" in told and "run it again to continue" in told


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 second"), (600, "10 minutes"), (107 * 3600, "107.0 hours")]
)
def test_time_is_said_as_a_person_would(seconds, words):
    assert format_duration(seconds) == words

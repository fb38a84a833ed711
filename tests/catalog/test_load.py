"""From a row to an engine: once a process, for what it is asked for, and described."""

from fractions import Fraction

import numpy as np
import pytest

from helpers.catalog import load as loading
from helpers.catalog import registry
from helpers.catalog import table as catalog
from helpers.catalog.load import describe, load_engine, load_interpolator, load_upscaler
from helpers.catalog.registry import Request, engine
from helpers.catalog.table import MODELS, Model
from helpers.errors import ModelError, StageError
from helpers.runtime.machine import Runtime
from helpers.stages.interpolate.stage import Interpolate
from tests.support.law import varying_clip


class Made:
    """An engine that remembers what it was made from."""

    def __init__(self, request: Request, settings: dict):
        self.request, self.settings = request, settings
        self.memory = request.memory


@pytest.fixture
def made(monkeypatch):
    """A registry with one engine, and what was loaded of it."""
    found = []

    def load(request: Request, version: str, tone: str = "sepia") -> Made:
        found.append(Made(request, {"version": version, "tone": tone}))
        return found[-1]

    monkeypatch.setattr(registry, "_engines", {})
    engine("colorize", precisions=("bf16", "fp32"))(load)
    loading._cached_loader.cache_clear()
    yield found
    loading._cached_loader.cache_clear()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(b"weights")
    return path


ROW = Model("net", "colorize", __name__, 0, (), "-", "", settings={"version": "4"})


def on(precision="fp32", **more):
    return Runtime(forced_device="cpu", forced_precision=precision, **more)


def test_an_engine_is_given_its_settings_and_the_options_it_takes(made, file):
    load_engine(ROW, on("bf16"), [file], tone="amber", denoise=1)
    (one,) = made
    assert one.settings == {"version": "4", "tone": "amber"}
    request = one.request
    assert (request.name, request.paths, request.device) == ("net", (file,), "cpu")
    assert request.precision == "bf16"


def test_it_is_loaded_once_for_the_same_wish(made, file):
    for tone in ("amber", "amber", "sepia"):
        load_engine(ROW, on(), [file], tone=tone)
    load_engine(ROW, on("bf16"), [file], tone="sepia")
    assert [(one.settings["tone"], one.request.precision) for one in made] == [
        ("amber", "fp32"),
        ("sepia", "fp32"),
        ("sepia", "bf16"),
    ]


def test_a_file_that_changed_is_loaded_anew(made, file):
    load_engine(ROW, on(), [file])
    file.write_bytes(b"other weights")
    load_engine(ROW, on(), [file])
    assert len(made) == 2


def test_numbers_that_it_cannot_count_in_become_fp32(made, file):
    load_engine(ROW, on("fp16"), [file])
    assert made[0].request.precision == "fp32"


def test_each_machine_has_its_own_limit_and_the_network_is_held_once(made, file):
    small, large = (load_engine(ROW, on(memory_limit=n), [file]) for n in (1, 2))
    assert (small.memory(), large.memory()) == (1, 2)
    assert len(made) == 1 and small.request is large.request


def test_only_the_last_few_are_kept(made, file):
    tones = ("sepia", "amber", "warm", "sepia")
    for tone in tones:
        load_engine(ROW, on(), [file], tone=tone)
    assert loading.KEPT["colorize"] == 2 and len(made) == 4


def test_nobody_asks_for_a_device_where_no_network_runs(monkeypatch):
    monkeypatch.setattr(Runtime, "device", property(lambda _: pytest.fail("it was asked for")))
    machine = Runtime()
    assert load_upscaler("lanczos", machine=machine).scale == 0
    assert load_interpolator("flow", machine)
    assert loading.load_colorizer("tint", "amber", machine)


def test_every_role_that_is_loaded_says_how_many_are_kept():
    places = {row.engine for row in MODELS if registry.find(row.engine)}
    roles = {role for place in places for role in registry.get(place).roles}
    assert set(loading.KEPT) == roles


def test_a_denoise_strength_is_refused_where_there_is_none():
    with pytest.raises(ModelError, match="x4plus has no denoise strength; only general-x4v3 has"):
        load_upscaler("x4plus", Fraction(1, 2))


def test_plain_enlarging_makes_four_times_the_size_or_what_is_asked():
    image = np.zeros((5, 7, 3), np.uint8)
    plain = load_upscaler("bicubic")
    assert plain.upscale([image])[0].shape == (20, 28, 3)
    assert plain.upscale([image], (9, 8))[0].shape == (8, 9, 3)  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["motion", "lanczos", "flow", "tint", "median", "learned"])
def test_what_comes_with_the_package_is_described(name):
    said = dict(describe(name, catalog.role_of(name)).rows)
    assert said["model"] == name and ("parameters" in said) == (name == "learned")


def test_sixteen_bits_are_refused_by_an_engine_of_eight():
    film = varying_clip(dtype=np.uint16)
    with pytest.raises(StageError, match=r"frames of 8 bits, but the film has 16.*rife-4\.6"):
        Interpolate("rife-4.6-vulkan", factor=2)(film).info  # noqa: B018
    assert Interpolate("rife-4.6", factor=2)(film).info.depth == 16

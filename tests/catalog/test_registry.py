"""The registry of engines: every row's file registers one, and nothing else is imported for it."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from helpers.catalog import registry
from helpers.catalog.registry import Engine, Request, engine
from helpers.catalog.table import MODELS, Model
from helpers.errors import ModelError
from tests.support.paths import REPO

BY_THEIR_STAGE = {
    *("stages.denoise.motion_compensated", "stages.denoise.dct", "stages.denoise.ffmpeg_filters"),
    *("audio.deepfilter", "audio.filters"),
}
"""Files whose methods are run by their own step, which takes them by name: they register none."""

CHOSEN = {
    "upscale": {"denoise"},
    "denoise": {"denoise"},
    "colorize": {"tone"},
    "interpolate": {"enlarged"},
}
"""What a stage may choose for the engines of a role."""

PLACES = sorted({model.engine for model in MODELS})


@pytest.fixture
def engines(monkeypatch):
    """A registry of a test's own."""
    mine: dict[str, Engine] = {}
    monkeypatch.setattr(registry, "_engines", mine)
    return mine


def load(request: Request, size: int = 2) -> str:
    return f"an engine of {size}"


# --- the rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_the_file_of_every_row_is_there_and_registers_its_engine(place):
    assert find_spec(f"helpers.{place}")
    found = registry.find(place)
    assert (found is None) == (place in BY_THEIR_STAGE)
    assert found is None or found.place == place == found.load.__module__.removeprefix("helpers.")


def loaded() -> list[Model]:
    return [model for model in MODELS if model.engine not in BY_THEIR_STAGE]


@pytest.mark.parametrize("model", loaded(), ids=lambda model: model.name)
def test_a_row_says_what_its_engine_asks(model):
    found = registry.get(model.engine)
    assert model.role in found.roles
    assert set(model.settings) <= set(found.parameters)
    assert set(found.parameters) <= {*model.settings, *CHOSEN.get(model.role, ())}
    assert found.precisions or not model.scale  # what runs no network makes any size


@pytest.mark.slow
def test_an_engine_is_imported_with_what_it_needs_and_no_other():
    script = """
import sys
from helpers.plan import Plan
from helpers.catalog.table import get
Plan()
assert "torch" not in sys.modules, "a plan needs no network"
assert not get("lanczos", "upscale").recurrent
assert "torch" not in sys.modules, "plain enlarging needs no network"
assert get("realbasicvsr", "upscale").recurrent
assert "helpers.stages.upscale.spandrel_network" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPO)
    assert done.returncode == 0, done.stderr


# --- registering --------------------------------------------------------------------------------


def test_an_engine_goes_by_its_file(engines):
    assert engine("upscale", precisions=("fp32",), recurrent=True)(load) is load
    found = registry.get(__name__)
    assert found == Engine(__name__, load, ("upscale",), ("fp32",), recurrent=True)
    assert found.parameters == ("size",)


def test_a_second_engine_of_a_file_is_refused(engines):
    def other(request):
        return request

    engine("upscale")(load)
    with pytest.raises(ValueError, match=rf"{__name__} registers a second engine"):
        engine("interpolate")(other)
    assert engines[__name__].roles == ("upscale",)


def test_a_file_that_is_read_again_registers_anew(engines):
    engine("upscale")(load)
    engine("denoise")(load)
    assert engines[__name__].roles == ("denoise",)


@pytest.mark.parametrize(
    ("roles", "precisions", "said"),
    [
        (("upscal",), ("fp32",), "no role 'upscal'. Choose from clean, upscale"),
        ((), ("fp32",), "needs at least one role. Choose from clean, upscale"),
        (("upscale",), ("fp8",), "no precision 'fp8'. Choose from fp16, bf16, fp32"),
    ],
)
def test_unknown_words_are_refused_and_nothing_is_registered(engines, roles, precisions, said):
    with pytest.raises(ValueError, match=said):
        engine(*roles, precisions=precisions)(load)
    assert engines == {}


def test_a_row_of_an_unknown_engine_is_refused():
    for place in ("stages.upscale.nothing", "nowhere.at_all"):
        with pytest.raises(ModelError, match=rf"no engine '{place}'.*stages\.interpolate\.rife"):
            registry.get(place)


def test_a_file_that_lacks_a_package_says_so(tmp_path, monkeypatch):
    import helpers

    (tmp_path / "lacking.py").write_text("import a_package_that_is_not_here\n")
    monkeypatch.setattr(helpers, "__path__", [*helpers.__path__, str(tmp_path)])
    with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_here"):
        registry.get("lacking")


def test_a_method_that_its_stage_runs_cannot_be_loaded():
    with pytest.raises(ModelError, match=r"stages\.denoise\.dct registers no engine"):
        registry.get("stages.denoise.dct")

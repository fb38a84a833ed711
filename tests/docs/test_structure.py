"""The script that measures the package's structure, on a package small enough to count by hand."""

import importlib.util
import re
import sys
from pathlib import PurePosixPath

import pytest

from tests.support.paths import REPO


@pytest.fixture(scope="module")
def structure():
    spec = importlib.util.spec_from_file_location("structure", REPO / "docs" / "structure.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["structure"] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules["structure"]


FILES = {
    "__init__.py": "",
    "errors.py": "",
    "clip.py": "from helpers.errors import Error\nimport numpy",
    "nn/__init__.py": "",
    "nn/tiling.py": "from helpers import errors",
    "nn/tensors.py": "from helpers.nn import tiling\nfrom helpers.nn.tiling import spans",
    "stages/__init__.py": "",
    "stages/diagnosis.py": "import helpers.clip",
    "stages/upscale/__init__.py": "",
    "stages/upscale/stage.py": (
        "from typing import TYPE_CHECKING\n"
        "from helpers.stages.diagnosis import FilmSamples\n"
        "if TYPE_CHECKING:\n    from helpers.plan import Plan\n"
        "def load():\n    from helpers.nn.tensors import spans\n"
    ),
    "plan.py": "from helpers.stages.upscale.stage import Upscale\nfrom helpers.clip import Clip",
}


@pytest.fixture
def small(structure):
    return structure.Checkout("small", {PurePosixPath(p): text for p, text in FILES.items()})


def test_rooms_and_arrows(small):
    assert small.rooms() == {
        "__init__": set(),
        "errors": set(),
        "clip": {"errors"},
        "nn": {"errors"},
        "stages": {"clip", "nn"},
        "plan": {"stages", "clip"},
    }
    stages = {"__init__": set(), "diagnosis": set(), "upscale": {"diagnosis"}}
    assert small.rooms("stages") == stages


def test_what_functions_import_counts_but_not_when_the_file_is_imported(small):
    name = "helpers.stages.upscale.stage"
    assert small.imports[name] == {"helpers.stages.diagnosis", "helpers.nn.tensors"}
    assert small.imports_at_start[name] == {"helpers.stages.diagnosis"}


def test_floors_and_circles(structure, small):
    floors = structure.floors(small.rooms())
    assert floors == [["__init__", "errors"], ["clip", "nn"], ["stages"], ["plan"]]
    assert structure.circles(small.rooms()) == []
    circle = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a"}}
    assert structure.circles(circle) == [{"a", "b", "c"}]
    assert structure.floors(circle) == [["d"], ["a", "b", "c"], ["e"]]


def test_the_report_compares_and_draws(structure, small):
    text = structure.report([small, small])
    assert "| rooms of `helpers/` | 6 | 6 |" in text
    assert "| arrows between them | 6 | 6 |" in text
    assert "  4  plan           clip stages" in text


def test_it_is_written_between_marks(structure, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{structure.MARK}old\n{structure.MARK}after\n")
    structure.write_into(page, "new\n")
    structure.write_into(page, "newer\n")
    assert page.read_text() == f"before\n{structure.MARK}\nnewer\n\n{structure.MARK}after\n"


def test_this_checkout_has_rooms_and_what_is_no_checkout_is_refused(structure, tmp_path):
    assert "clip" in structure.read_checkout(str(REPO)).rooms()
    with pytest.raises(SystemExit, match="no Python package helpers/"):
        structure.read_checkout(str(tmp_path))


def test_the_picture_shows_every_room_and_no_import_goes_up(structure):
    drawn = (REPO / "docs" / "rooms.svg").read_text(encoding="utf-8")
    texts = re.findall(r'<text x="\d+" y="(\d+)" class="room[^"]*">([^<]+)</text>', drawn)
    height = {room: int(y) for y, rooms in texts for room in rooms.split(" · ")}
    here = structure.read_checkout(str(REPO))
    rooms = {room: found for room, found in here.rooms().items() if room != "__init__"}
    assert rooms.keys() == height.keys()
    assert [(a, b) for a, found in rooms.items() for b in found if height[a] > height[b]] == []
    assert not {room for room in here.rooms("stages") if room not in drawn} - {"__init__"}


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["", "stages"])
def test_no_room_is_in_a_circle(structure, folder):
    assert structure.circles(structure.read_checkout(str(REPO)).rooms(folder)) == []

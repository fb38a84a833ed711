"""What is installed: bounds on everything, a lock that keeps them, and a wheel that is whole."""

import os
import re
import subprocess
import sys
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import REPO

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (REPO / "requirements.lock").read_text(encoding="utf-8")
LOCKED = [Requirement(line.rstrip(" \\")) for line in LOCK.splitlines() if line[0].isalnum()]


def read(lines):
    """Requirements by name; the project itself, which names its own extras, is left out."""
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r for r in found if r.name != PROJECT["name"]}


BASE = read(PROJECT["dependencies"])
EXTRAS = read(line for lines in PROJECT["optional-dependencies"].values() for line in lines)
COLAB = read(
    line.split("#")[0]
    for line in (REPO / "colab_requirements.txt").read_text(encoding="utf-8").splitlines()
    if line[0].isalnum()
)


@pytest.mark.parametrize("requirement", [*BASE.values(), *EXTRAS.values()], ids=str)
def test_everything_has_a_lower_and_an_upper_bound_and_the_lock_is_within(requirement):
    operators = {part.operator for part in requirement.specifier}
    assert operators in ({"=="}, {">=", "<"})
    locked = [one for one in LOCKED if one.name == canonicalize_name(requirement.name)]
    assert locked, "run `make lock`"
    for one in locked:
        version = str(one.specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{one}: run `make lock`"


def test_the_lock_has_hashes_and_names_no_place():
    blocks = re.split(r"\n(?=\w)", LOCK.split("\n", 2)[2])
    assert len(blocks) == len(LOCKED)
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"://|index-url|find-links| @ ", LOCK)


def test_colab_gets_what_it_lacks_with_the_same_bounds():
    """Its own torch, numpy and OpenCV are never touched."""
    assert not COLAB.keys() & {"torch", "torchvision", "numpy", "ipywidgets"}
    assert not any("opencv" in name for name in COLAB)
    known = {"future", "einops", "flatbuffers"}  # what some of the others import
    assert COLAB.keys() - known <= BASE.keys()
    for name in COLAB.keys() - known:
        assert (COLAB[name].specifier, COLAB[name].marker) == (
            BASE[name].specifier,
            BASE[name].marker,
        )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that `pip install` makes."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_its_weights_and_the_samples(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        path.relative_to(REPO).as_posix()
        for path in (REPO / "helpers").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package <= names and "helpers/py.typed" in names
    others = {name for name in names - package if ".dist-info/" not in name}
    samples = {name for name in others if name.startswith("helpers/sample_clips/")}
    assert others == samples and {name.rsplit(".")[-1] for name in samples} == {"mp4", "png"}


def test_the_wheel_brings_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        entry = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "silk-purse = helpers.__main__:main" in archive.read(entry).decode()


def test_an_installed_package_finds_its_samples(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    ask = [sys.executable, "-m", "helpers", "sample", "film"]
    done = subprocess.run(
        ask, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True
    )
    found = tmp_path / "helpers" / "sample_clips" / "film_24fps.mp4"
    assert done.stdout.strip() == str(found.resolve()), done.stderr

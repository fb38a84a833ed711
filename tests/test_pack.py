"""The zip of `make zip`: all that notebooks need, nothing else, and always the same."""

import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from tests.support.paths import REPO

sys.path.insert(0, str(REPO / "notebooks"))

import pack

pytestmark = pytest.mark.skipif(not (REPO / ".git").exists(), reason="this is not a clone")


@pytest.fixture(scope="module")
def zipped(tmp_path_factory):
    path = tmp_path_factory.mktemp("zip") / "silk-purse.zip"
    pack.pack(REPO, path)
    return path


@pytest.fixture(scope="module")
def names(zipped):
    found = zipfile.ZipFile(zipped).namelist()
    assert all(name.startswith("silk-purse/") for name in found)
    return {name.removeprefix("silk-purse/") for name in found}


def test_it_holds_what_notebooks_need(names):
    tracked = set(pack.tracked(REPO))
    for folder in ("helpers/", "sample_clips/"):
        assert {name for name in tracked if name.startswith(folder)} <= names
    assert {f"notebooks/{path.name}" for path in (REPO / "notebooks").glob("*.ipynb")} <= names
    assert "helpers/weights/cleaner.safetensors" in names
    assert {"README.md", "LICENSE", "colab_requirements.txt", "pyproject.toml"} <= names


def test_it_holds_every_picture_that_a_notebook_shows(names):
    for path in (REPO / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for link in re.findall(r"!\[.*?\]\((?!http)\.\./(.+?)\)", "".join(cell["source"])):
                assert link in names, path


def test_it_holds_nothing_else(names):
    assert names <= set(pack.tracked(REPO))
    tops = {name.split("/")[0] for name in names}
    assert not tops & {"tests", "benchmarks", "out", "typings", ".ci", ".github"}
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_it_is_small_and_always_the_same(zipped, tmp_path):
    pack.pack(REPO, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == zipped.read_bytes()
    assert zipped.stat().st_size < 25e6


def test_what_git_does_not_track_stays_at_home(tmp_path):
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "clip.py").write_text("")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    (tmp_path / "helpers" / "secret.txt").write_text("")
    assert pack.choose(tmp_path) == ["helpers/clip.py"]


@pytest.mark.slow
def test_a_film_is_restored_from_the_unzipped_folder(zipped, tmp_path):
    zipfile.ZipFile(zipped).extractall(tmp_path)
    home = tmp_path / "silk-purse"
    ask = [sys.executable, "-m", "helpers", "restore", "sample_clips/talk_160x120_8fps.mp4"]
    done = subprocess.run(
        [*ask, "-o", "out.mp4", "--upscale", "bicubic", "--interpolate", "none", "--stop", "1"],
        cwd=home, env={**os.environ, "PYTHONPATH": str(home)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and (home / "out.mp4").stat().st_size > 1000, done.stderr

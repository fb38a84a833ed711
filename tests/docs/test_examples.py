"""The worked examples of the documentation: each is applied to a copy of the package and run.

An example in docs/examples/ is a folder of new files, laid out as in the repository, and of patches
to files that are there. How few files it takes to add something is a promise of the design, so the
files are counted too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import REPO

pytestmark = pytest.mark.slow

EXAMPLES = REPO / "docs" / "examples"
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".git", ".venv", "out", "*.ipynb_checkpoints")


@dataclass(frozen=True)
class Example:
    """A worked example.

    Attributes:
        new: the files that it adds, by their place in the repository.
        changed: how many lines it adds to files that are there. None is taken away.
    """

    folder: Path

    @property
    def patches(self) -> list[Path]:
        return sorted(self.folder.glob("*.patch"))

    @property
    def new(self) -> list[str]:
        files = [path for path in self.folder.rglob("*.py") if "__pycache__" not in path.parts]
        return sorted(path.relative_to(self.folder).as_posix() for path in files)

    @property
    def changed(self) -> dict[str, int]:
        lines = "".join(patch.read_text(encoding="utf-8") for patch in self.patches).splitlines()
        assert not [line for line in lines if re.match(r"-(?!--)", line)]
        names = [line.removeprefix("+++ b/") for line in lines if line.startswith("+++ b/")]
        assert len(names) == len(self.patches), "a patch is of one file"
        return dict(zip(names, map(_added, self.patches), strict=True))


def _added(patch: Path) -> int:
    return len(re.findall(r"^\+(?!\+\+ )", patch.read_text(encoding="utf-8"), re.MULTILINE))


def example(name: str) -> Example:
    return Example(EXAMPLES / name)


@pytest.fixture
def copy(tmp_path):
    """A copy of what an example is applied to."""
    for name in ("helpers", "tests"):
        shutil.copytree(REPO / name, tmp_path / name, ignore=LEFT_OUT)
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(REPO / name, tmp_path)
    (tmp_path / "sample_clips").symlink_to(REPO / "sample_clips")
    return tmp_path


def apply(name: str, copy: Path) -> None:
    """Apply an example; of what surrounds a patched line, the next line must be as it was."""
    for path in example(name).new:
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / name / path, copy / path)
    for patch in example(name).patches:
        run(copy, "git", "apply", "-C1", str(patch))


def run(copy: Path, *command: str) -> str:
    """Run a command in the copy, with the copy's package; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "GIT_CEILING_DIRECTORIES": str(copy)}
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def passes(copy: Path, *tests: str) -> None:
    run(copy, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *tests)


def helpers(copy: Path, *words: str) -> str:
    return run(copy, sys.executable, "-m", "helpers", *words)


def test_a_model_that_spandrel_knows_is_one_row(copy):
    assert example("model").new == []
    assert list(example("model").changed) == ["helpers/catalog/table.py"]
    apply("model", copy)
    is_in_the_catalogue("nomosuni-compact", copy)


def test_a_network_is_its_file_its_row_and_its_parity_test(copy):
    file, test = "helpers/stages/upscale/waifu2x.py", "tests/stages/upscale/test_waifu2x.py"
    assert example("network").new == [file, test]
    assert list(example("network").changed) == ["helpers/catalog/table.py"]
    apply("network", copy)
    is_in_the_catalogue("waifu2x-photo", copy, test)


def is_in_the_catalogue(model: str, copy: Path, *tests: str) -> None:
    """Check that a model is offered, and that the catalogue's own tests agree with its row."""
    helpers(copy, "models", "--into", "README.md")
    assert f"| {model} | upscale | x2 |" in (copy / "README.md").read_text(encoding="utf-8")
    of_rows = "unique or weighs or cache or sold or readme or waifu2x"
    passes(copy, "tests/catalog/test_table.py", *tests, "-k", of_rows)


def test_a_codec_is_one_row_and_its_test(copy):
    assert example("codec").new == ["tests/video/test_cineform.py"]
    assert list(example("codec").changed) == ["helpers/video/codecs.py"]
    apply("codec", copy)
    assert "cineform" in helpers(copy, "restore", "--help")
    passes(copy, *example("codec").new)


def test_a_cleaner_is_its_folder_one_row_and_its_test(copy):
    folder, test = "helpers/stages/vignette/", "tests/stages/vignette/test_vignette.py"
    assert all(path.startswith(folder) or path == test for path in example("cleaner").new)
    # The row, and what it names is imported in two lines.
    assert example("cleaner").changed == {"helpers/stages/cleaners.py": 3}
    apply("cleaner", copy)
    assert "vignette" in helpers(copy, "restore", "--help")
    passes(copy, test, "tests/test_law.py", "-k", "vignette or Vignette or list")

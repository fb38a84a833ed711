"""Runs the notebooks' set-up cell in a folder that stands for Colab's /content."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from helpers import __version__
from tests.support.paths import REPO

FAKES = REPO / "tests" / "colab"
OURS = "helpers/weights/cleaner.safetensors"

PRINT = "print('at', helpers.__file__)"


def source(notebook: str = "00_end_to_end") -> str:
    """The text of the cell."""
    path = REPO / "notebooks" / f"{notebook}.ipynb"
    return "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][1]["source"])


def adapted(content: Path, address: str = "OWNER/silk-purse", drive: bool = False) -> str:
    """The cell as its owner would have it, in a folder that is not /content."""
    cell = re.sub(r'ADDRESS, TAG = "[^"]+"', f'ADDRESS, TAG = "{address}"', source())
    cell = cell.replace("MOUNT_DRIVE = False", f"MOUNT_DRIVE = {drive}")
    return cell.replace("/content/", f"{content}/")


def run(
    content: Path, *, colab=True, times=1, before="", after=PRINT, path=(), env=None, **choices
) -> subprocess.CompletedProcess[str]:
    """Run the cell as far as the import of helpers, in a new process and without packages (-S).

    Args:
        content: the folder in which it runs.
        colab: whether google.colab is there, as it is on Colab before the first cell.
        times: how often the cell is run.
        before, after: Python to run before and after it.
        path: more folders of modules.
        env: more environment variables, such as those of tests/colab/google/colab.
        choices: `address` and `drive`, as in `adapted`.
    """
    cell = adapted(content, **choices).split("from helpers.runtime.packages")[0]
    code = "import google.colab\n" * colab + before + "\n" + f"{cell}\n" * times + after
    folders = [*path, FAKES] if colab else path
    return subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=content,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(content),  # without the settings of whoever runs the tests
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "COLAB_LOG": str(content / "calls"),
            **(env or {}),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def calls(content: Path) -> list[str]:
    """What was asked of Colab."""
    path = content / "calls"
    return path.read_text().splitlines() if path.exists() else []


def put_copy(folder: Path, version: str = __version__) -> Path:
    """Put a small Silk Purse into a folder, and return the folder."""
    (folder / OURS).parent.mkdir(parents=True)
    (folder / OURS).write_bytes(b"weights")
    (folder / "helpers" / "__init__.py").write_text(f'__version__ = "{version}"\n')
    return folder


def put_zip(path: Path, top: str = "silk-purse/") -> Path:
    """Write a zip with a small Silk Purse, and return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{top}{OURS}", b"weights")
        archive.writestr(f"{top}helpers/__init__.py", f'__version__ = "{__version__}"\n')
    return path


def put_repository(folder: Path, copy: Path, tag: str | None = None) -> dict[str, str]:
    """Make a repository of a copy, and return variables that send git there instead of GitHub.

    The tag is the one that the cell asks for, if none is given.
    """
    bare = folder / "somebody" / "silk-purse"
    bare.parent.mkdir(parents=True)
    name = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
    for command in (
        ["init", "-q"],
        ["add", "--force", "."],
        [*name, "commit", "-q", "-m", "All of it"],
        ["tag", tag or re.findall(r'ADDRESS, TAG = ".+", "(.+)"', source())[0]],
        ["clone", "-q", "--bare", ".", str(bare)],
    ):
        subprocess.run(["git", *command], cwd=copy, check=True, capture_output=True)
    return instead_of_github(folder)


def instead_of_github(folder: Path) -> dict[str, str]:
    """Variables that make git look into a folder for what is on GitHub."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{folder}/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
    }

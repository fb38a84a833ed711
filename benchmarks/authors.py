"""The authors' own code, out of clones of their repositories.

SILK_PURSE_ORIGINALS names a folder in which each clone, bare or not, lies as OWNER/NAME. Files are
read out of the newest commit; the authors' packages are never installed. What they import but do
not need here is stood in for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.common import UnavailableError


def clone(repository: str) -> Path:
    """Return the folder of a clone, of "OWNER/NAME".

    Raises:
        UnavailableError: it is not here; with how to get it.
    """
    folder = os.environ.get("SILK_PURSE_ORIGINALS")
    if folder and (Path(folder) / repository).is_dir():
        return Path(folder) / repository
    named = f"{folder} holds no {repository}" if folder else "SILK_PURSE_ORIGINALS is not set"
    raise UnavailableError(
        f"The authors' code is not here: {named}. Clone https://github.com/{repository} into a "
        f"folder, as {repository}, and name that folder by SILK_PURSE_ORIGINALS."
    )


def commit(*repositories: str) -> str:
    """Return the repositories with the commits that are read, for the page."""
    return ", ".join(
        f"{repository} at {_git(repository, 'rev-parse', '--short=10', 'HEAD').decode().strip()}"
        for repository in repositories
    )


def source(repository: str, path: str) -> str:
    """Return a file of a clone's newest commit."""
    return _git(repository, "show", f"HEAD:{path}").decode()


def unpacked(repository: str, into: str, *paths: str) -> None:
    """Unpack folders of a clone's newest commit, and make what is in them importable."""
    archive = _git(repository, "archive", "HEAD", *paths)
    subprocess.run(["tar", "-x", "-C", into], input=archive, check=True)
    sys.path.insert(0, into)


def stand_in(name: str, **content: Any) -> ModuleType:
    """Put a module in the place of one that the authors' files import but do not need here."""
    module = ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


def run_file(repository: str, path: str, name: str) -> ModuleType:
    """Run a file of a clone as the module `name`, in the package that the name says."""
    module = stand_in(name, __package__=name.rpartition(".")[0])
    exec(source(repository, path), module.__dict__)
    return module


class Registry:
    """Stands for BasicSR's and mmengine's: what registers a network gives it back as it is."""

    def register(self) -> Callable[[type], type]:
        """Return the decorator."""
        return lambda network: network

    def register_module(self, *_: Any, **__: Any) -> Callable[[type], type]:
        """Return the decorator."""
        return self.register()


def _git(repository: str, *words: str) -> bytes:
    command = ["git", "-C", str(clone(repository)), *words]
    return subprocess.run(command, capture_output=True, check=True).stdout

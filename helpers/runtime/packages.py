"""Install the packages that this machine lacks, and leave all others as they are.

install_missing(Path("colab_requirements.txt"))     # on Colab, in a notebook's first cell
"""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from helpers.errors import SetUpError

log = logging.getLogger("helpers")


def install_missing(requirements: Path) -> None:
    """Install what a file of requirements names and this machine lacks.

    Nothing else is touched: what the packages themselves ask for is not installed (`--no-deps`).

    Args:
        requirements: a file in pip's format. If there is none, helpers was installed by pip, which
            has installed all that it needs.

    Raises:
        SetUpError: pip failed.
    """
    lacking = find_missing(requirements.read_text().splitlines()) if requirements.is_file() else []
    if not lacking:
        return
    log.warning("Installing the packages that this machine lacks: once, about half a minute.")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *lacking]
    done = subprocess.run(pip, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"]
        raise SetUpError(
            f"The packages that are needed could not be installed ({lines[-1]}). Make sure that "
            "this machine is connected to the internet, and run this cell again."
        )
    importlib.invalidate_caches()  # or Python would not see what was just installed


def find_missing(lines: Iterable[str]) -> list[str]:
    """Return those requirements that this machine needs and does not meet.

    Args:
        lines: lines of a file of requirements; comments and empty ones are allowed.
    """
    texts = (line.split("#")[0].strip() for line in lines)
    needed = [Requirement(text) for text in texts if text]
    return [
        str(one)
        for one in needed
        if (one.marker is None or one.marker.evaluate()) and not _is_met(one)
    ]


def _is_met(requirement: Requirement) -> bool:
    """Tell whether a package is installed in one of the versions that are allowed."""
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False

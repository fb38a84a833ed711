"""The project of a single restoration: one that the user named, or a temporary one."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.project.project import Project
from helpers.runtime.names import beside, expand
from helpers.runtime.storage import refuse_link, write_json

log = logging.getLogger("helpers")

MARK = "temporary.json"
"""The file that says that `restore` made a project for an output, and may delete it."""


@contextmanager
def open_project(folder: str | Path | None, output: Path) -> Iterator[Project]:
    """Open the project that a film is restored in.

    Args:
        folder: the user's own. If None, it is one beside the output, which is deleted when the
            output is complete, and kept after an error, so that the next run goes on with it.
        output: the file to be written.
    """
    path = expand(folder) if folder is not None else beside(output, ".project")
    there = os.path.exists(path)
    project = Project(path)
    if folder is None and not there:
        write_json(path / MARK, {"output": output.name})
    try:
        yield project
    except BaseException:
        if not there:
            _remove_if_unused(path)
        raise
    if folder is None:
        _delete(project)


def is_temporary(project: Project) -> bool:
    """Tell whether a project was made for one output, and is deleted when that is whole."""
    return (project.folder / MARK).exists()


def _delete(project: Project) -> None:
    """Delete a project, if it was made for one output only."""
    mark = project.folder / MARK
    refuse_link(mark)
    if mark.exists():
        mark.unlink()
        project.discard()
    else:
        log.warning("%s was there before this run and is kept.", project.folder)


def _remove_if_unused(folder: Path) -> None:
    """Remove the folder of a project that nothing was written to, as when a film is refused."""
    mark = folder / MARK
    with suppress(OSError):
        if all(path == mark for path in folder.iterdir()):
            mark.unlink(missing_ok=True)
            folder.rmdir()

"""Choose among the versions of stages: what the next step is made of, and what may be deleted."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from helpers.errors import ProjectError
from helpers.project.manifest import FILE, StageManifest
from helpers.project.runner import scratch_folder
from helpers.project.versions import MARK, PREVIEW, Version, place_of
from helpers.project.words import describe_difference, describe_steps
from helpers.runtime.lock import lock
from helpers.runtime.storage import refuse_link, retry

log = logging.getLogger("helpers")


def find_latest(versions: Sequence[Version], before: str | None) -> Version | None:
    """Return what the last save made, with all later steps that were made of it.

    Which later stages are not used, and why, is logged.

    Args:
        versions: those of a project, the newest first.
        before: consider only the steps that come before this one.
    """
    found = [
        version
        for version in versions
        if version.name != PREVIEW and (before is None or place_of(version.name) < place_of(before))
    ]
    finished = [version for version in found if version.is_finished]
    # The newest is the first, and `max` returns the first of equals.
    built = [version for version in finished if version.builds_on(finished[0])]
    last = max(built, key=lambda version: place_of(version.name), default=None)
    _log_skipped(found, last)
    return last


def _log_skipped(found: list[Version], last: Version | None) -> None:
    """Log which stages after the last that is used are not used, and why."""
    for name in sorted({version.name for version in found}, key=place_of):
        if last and place_of(name) <= place_of(last.name):
            continue
        if last and any(version.is_finished for version in found if version.name == name):
            log.warning(
                "%s was not made of the newest version of %s and is skipped. Run it again to have "
                "both.", name, last.name,
            )  # fmt: skip
        else:
            log.warning("%s is not finished and is skipped. Run it again to finish it.", name)


def find_old(versions: Sequence[Version]) -> list[Version]:
    """Return the versions of one stage that are neither the newest finished one nor newer.

    Args:
        versions: the newest first.
    """
    finished = [number for number, one in enumerate(versions) if one.is_finished]
    kept = {0, *finished[:1]}
    return [version for number, version in enumerate(versions) if number not in kept]


def describe_versions(versions: Sequence[Version]) -> tuple[Version, ...]:
    """Return versions of a stage, the newest first, with their settings in words."""
    newest = versions[0].manifest
    rows = [replace(versions[0], settings=describe_steps(newest.recipe))]
    for version in versions[1:]:
        words = [describe_difference(version.manifest.recipe, newest.recipe)]
        if version.manifest.codec != newest.codec:
            words.append(f"saved as {version.manifest.codec}")
        rows.append(replace(version, settings="; ".join(filter(None, words))))
    return tuple(rows)


def remove_version(folder: Path) -> int:
    """Delete a version of a stage, and return how many bytes its segments had.

    Raises:
        ProjectLockedError: a run is writing it.
    """
    refuse_link(folder)
    with lock(folder):
        with suppress(ProjectError):  # a damaged description names no scratch folder
            shutil.rmtree(scratch_folder(folder, StageManifest.read(folder)), ignore_errors=True)
        found = [path for path in folder.iterdir() if path.stem.isdigit()]
        segments = sorted(path for path in found if path.suffix == ".mkv")
        size = sum(path.lstat().st_size for path in segments)
        segments += (path for path in found if path.suffix == ".png")
        # These two first, so that a stage that is only partly removed never looks complete.
        notes = [folder / name for name in ("done.json", FILE, MARK)]
        for path in (*notes, *segments, folder / ".lock"):
            retry(folder.name, folder, lambda path=path: path.unlink(missing_ok=True))
    remove_empty(folder)
    return size


def remove_empty(folder: Path) -> None:
    """Remove a folder, unless somebody else put something into it."""
    try:
        folder.rmdir()
    except OSError:
        log.warning("%s was kept, for there are other files in it.", folder)

"""The right to write a file: it is asked for before any work, and held to the end.

with claim_output(Path("restored.mp4")) as path:
    write_video(clip, path)
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers.errors import VideoWriteError
from helpers.runtime.lock import hold
from helpers.runtime.names import beside, is_text, part_name
from helpers.runtime.storage import create


@contextmanager
def claim_output(path: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Let this run alone write a file, and check beforehand that it can be written.

    Args:
        path: the file. If it is a link, what it leads to is written, and the link stays.
        overwrite: whether a file that is there already may be replaced.

    Yields:
        The file to write.

    Raises:
        VideoWriteError: the file is there already, or cannot be written; the message says why.
        ProjectLockedError: another run is writing it.
    """
    target = _follow_link(path)
    _check_existing(target, path, overwrite)
    with _folders(target.parent, path):
        _try_writing(target, path)
        lock = beside(target.with_name(f".{target.name}"), ".lock")
        with hold(lock, path):
            _remove_parts(target)
            try:
                yield target
            finally:
                with suppress(OSError):  # still held, so that nobody else's is removed
                    lock.unlink()


def prepare_output(path: Path) -> Path:
    """Return the file to write for a name, in a folder that is there; an older file is allowed.

    Raises:
        VideoWriteError: it cannot be written; the message says why.
    """
    target = _follow_link(path)
    _check_existing(target, path, overwrite=True)
    _make_folders(target.parent, path)
    _try_writing(target, path)
    return target


def _follow_link(path: Path) -> Path:
    """Return the file that is written for a name: itself, or what it leads to."""
    try:
        target = path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError, ValueError) as error:
        raise _unwritable(path, error) from error
    if not is_text(target):
        raise VideoWriteError(
            f"{os.fsencode(target)} is no text in UTF-8. Choose another name or folder for the "
            "result."
        )
    return target


def _check_existing(target: Path, path: Path, overwrite: bool) -> None:
    """Raise VideoWriteError if there is something that must not be replaced."""
    try:
        kind = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error
    if not stat.S_ISREG(kind):
        raise VideoWriteError(f"{path} is not a file that can be written. Choose another name.")
    if not overwrite:
        raise VideoWriteError(
            f"{path} is there already. Choose another name, or use --overwrite (overwrite=True) to "
            "replace it; the old file stays until the new one is whole."
        )


def _make_folders(folder: Path, path: Path) -> list[Path]:
    """Make a folder with its parents; return those that were made, the innermost first."""
    try:
        if folder.is_file():
            raise NotADirectoryError(f"{folder} is a file")
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        return missing
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from error


@contextmanager
def _folders(folder: Path, path: Path) -> Iterator[None]:
    """Make a folder with its parents; those that are empty still at the end are removed again."""
    made = _make_folders(folder, path)
    try:
        yield
    finally:
        for one in made:
            with suppress(OSError):
                one.rmdir()


def _try_writing(target: Path, path: Path) -> None:
    """Write a byte beside a file, so that a disk that cannot be written is said at once."""
    part = part_name(target)
    try:
        with create(part) as file:
            file.write(b"\0")
        part.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def _remove_parts(target: Path) -> None:
    """Remove what a run that was killed left of a file that is held."""
    pattern = re.compile(re.escape(f".{target.stem}") + r"\.[0-9a-f]{8}\.part\.[a-z0-9]+")
    for part in target.parent.iterdir():
        if pattern.fullmatch(part.name) and part.suffix == target.suffix:
            with suppress(OSError):
                part.unlink()


def _unwritable(path: Path, error: Exception) -> VideoWriteError:
    reason = getattr(error, "strerror", None) or str(error)
    return VideoWriteError(
        f"{path} cannot be written ({reason}). Choose another name or folder for the result."
    )

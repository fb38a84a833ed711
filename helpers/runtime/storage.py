"""Write files completely or not at all, even if a disk becomes full or a drive disappears.

write_json(folder / "done.json", values)     # atomic: either the old file or the new one
publish(local, folder / "000003.mkv")        # copied, compared, and only then renamed
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

from helpers.errors import ProjectError, StorageError
from helpers.runtime.machine import file_sha256
from helpers.runtime.names import part_name
from helpers.runtime.schema import decode_json

log = logging.getLogger("helpers")

T = TypeVar("T")

TRANSIENT = {
    errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.ESTALE, errno.EBUSY, errno.EAGAIN,
    errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.EREMOTEIO, errno.ECONNABORTED, errno.ECONNRESET,
}  # fmt: skip
"""Errors of a network drive that may be temporary. An unmounted folder gives ENOENT."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

WAITS = [1.0, 4.0, 15.0]
"""Seconds to wait before each new attempt."""


def retry(what: str, where: Path, action: Callable[[], T]) -> T:
    """Run an action on a drive, and retry it if the error may be temporary.

    Args:
        what: what the action reads or writes, for messages.
        where: the folder, for messages.
        action: may be run several times.

    Raises:
        StorageError: the disk is full, or the drive did not respond again.
    """
    for wait in [*WAITS, None]:
        try:
            return action()
        except OSError as error:
            if wait is None or error.errno not in TRANSIENT:
                raise storage_error(what, where, error) from error
            log.warning("%s: %s. Trying again in %.0f s.", where, error.strerror or error, wait)
            time.sleep(wait)
    raise AssertionError("unreachable")


def storage_error(what: str, where: Path, error: OSError) -> StorageError:
    """Return the error that says what could not be read or written, why, and what to do."""
    kept = "Everything finished so far was kept."
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return StorageError(
            f"The disk is full: {what} could not be written to {where} ({_free_space(where)}). "
            f"{kept} Free some space and run it again; it continues from there."
        )
    if error.errno in TRANSIENT:
        return StorageError(
            f"The drive of {where} does not respond ({reason}) after {len(WAITS) + 1} attempts to "
            f"access {what}. {kept} Mount it again and run the same again; it continues from there."
        )
    return StorageError(
        f"{what} could not be read or written in {where} ({reason}). {kept} Fix this and run it "
        "again."
    )


def _free_space(where: Path) -> str:
    with suppress(OSError):
        return f"{shutil.disk_usage(where).free / 1e9:.2f} GB free"
    return "free space unknown"


def _sync_folder(folder: Path) -> None:
    """Flush a folder to the disk, if its file system can, so that renames survive a power cut."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_file(path: Path) -> None:
    """Flush a finished file to the disk, so that it survives a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file; the old one stays until the new one is complete."""
    write_atomically(path, json.dumps(values, separators=(",", ":")).encode())


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file; the old one stays until the new one is complete."""

    def write() -> None:
        with _replacing(path) as part, create(part) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    retry(path.name, path.parent, write)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name, and rename the file of that name to `path` when it is written."""
    refuse_link(path)
    part = part_name(path)
    try:
        yield part
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""The flag that refuses to open a link; Windows has none."""


def create(path: Path) -> IO[bytes]:
    """Open a new file for writing; there must be nothing of that name, not even a link."""
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags | NO_LINK, 0o666))


def refuse_link(path: Path) -> None:
    """Raise ProjectError if a file or folder of a project is a link, which may lead anywhere."""
    if path.is_symlink():
        raise ProjectError(
            f"{path} is a link. A project is a folder of its own, and nothing in it may lead "
            "elsewhere. Replace the link by what it leads to."
        )


def read_json(path: Path, kind: type[T]) -> T | None:
    """Read a JSON file of a project; None if it does not exist.

    Args:
        kind: what it must hold: a class of `helpers.project.files`.

    Raises:
        ProjectError: the file does not hold that, or is a link.
    """
    refuse_link(path)
    data = _read_if_exists(path, path.read_bytes)
    try:
        return None if data is None else decode_json(data, kind)
    except ValueError as error:
        raise damaged_file(path, str(error)) from error


def require_json(path: Path, kind: type[T]) -> T:
    """Read a JSON file of a project that must be there; see `read_json`."""
    values = read_json(path, kind)
    if values is None:
        raise damaged_file(path, "it is missing")
    return values


def damaged_file(path: Path, found: str) -> ProjectError:
    """Return the error that a file of a project is damaged."""
    return ProjectError(f"{path} is damaged ({found}). Delete it, and run the step again.")


def fingerprint(path: Path) -> dict[str, Any] | None:
    """Return a file's size and sha256; None if it does not exist."""
    return _read_if_exists(
        path, lambda: {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
    )


def _read_if_exists(path: Path, read: Callable[[], T]) -> T | None:
    """Return what `read` reads from a file; None if the file does not exist."""

    def read_or_none() -> T | None:
        try:
            return read()
        except FileNotFoundError:
            os.stat(path.parent)  # a missing file is normal, a missing folder is an error
            return None

    return retry(path.name, path.parent, read_or_none)


def publish(local: Path, path: Path) -> None:
    """Copy a finished local file to its place as a .part, compare it with the original, rename it.

    The target's folder is never created. If a drive was unmounted, that would write to the empty
    mount point, and the work would be lost with the machine.
    """
    size, digest = local.stat().st_size, file_sha256(local)

    def copy() -> None:
        with _replacing(path) as part:
            with local.open("rb") as source, create(part) as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
            if part.stat().st_size != size or file_sha256(part) != digest:
                raise OSError(errno.EIO, "the copy differs from the original")

    retry(path.name, path.parent, copy)

"""Write files completely or not at all, even if a disk becomes full or a drive disappears.

write_json(folder / "done.json", values)     # atomic: either the old file or the new one
publish(local, folder / "000003.mkv")        # copied, compared, and only then renamed
with lock(folder): ...                       # one writer at a time
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from helpers.errors import ProjectError, ProjectLockedError, StorageError
from helpers.runtime.machine import file_sha256

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

BEAT = 15.0
"""Seconds between two heartbeats of a lock's owner."""

STALE = 600.0
"""Seconds without a heartbeat after which the lock of another machine expires."""


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
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _sync_folder(path.parent)

    retry(path.name, path.parent, write)


def read_json(path: Path) -> Any | None:
    """Read a JSON file; None if it does not exist.

    Raises:
        ProjectError: the file is not JSON.
    """
    data = _read_if_exists(path, path.read_bytes)
    try:
        return None if data is None else json.loads(data)
    except ValueError as error:
        raise damaged_file(path, str(error)) from error


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
        part = path.with_name(path.name + ".part")
        try:
            with local.open("rb") as source, part.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                target.flush()
                os.fsync(target.fileno())
            if part.stat().st_size != size or file_sha256(part) != digest:
                raise OSError(errno.EIO, "the copy differs from the original")
            os.replace(part, path)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    retry(path.name, path.parent, copy)


class Heart:
    """Writes heartbeats, which show other machines that the owner of a lock is running."""

    def __init__(self, path: Path) -> None:
        self.path, self.last = path, 0.0

    def beat(self) -> None:
        """Write a heartbeat, at most every BEAT seconds."""
        now = time.time()
        if now - self.last < BEAT:
            return
        self.last = now
        with suppress(OSError):  # the work must not stop because of a heartbeat
            self.path.write_text(json.dumps({"host": _host(), "pid": os.getpid(), "at": now}))


@contextmanager
def lock(folder: Path) -> Iterator[Heart]:
    """Let only one run at a time write in a folder.

    On one machine this is a lock of the operating system, which ends with its process. Between
    machines (two notebooks on one Drive) it is the heartbeats.

    Raises:
        ProjectLockedError: another run is writing here.
    """
    path = folder / ".lock"
    handle = retry("the lock", folder, lambda: path.open("a+"))
    try:
        if not _take_lock(handle.fileno()):
            raise ProjectLockedError(
                f"Another run on this machine is writing {folder}. Wait until it ends, or stop it."
            )
        owner = _read_owner(path)
        age = time.time() - owner.get("at", 0)
        if owner and owner.get("host") != _host() and age < STALE:
            raise ProjectLockedError(
                f"A run on another machine ({owner.get('host')}) was writing {folder} {age:.0f} "
                f"seconds ago. Stop it first. If it has ended already, wait "
                f"{(STALE - age) / 60:.0f} minutes and try again."
            )
        heart = Heart(path)
        heart.beat()
        try:
            yield heart
        finally:  # also after an error, so that another machine need not wait
            with suppress(OSError):
                path.write_text("")
    finally:
        handle.close()


def _take_lock(handle: int) -> bool:
    """Take the operating system's lock on an open file; also true where there are no locks."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # many network drives have no locks
        log.info("File locks are not available here: %s.", error)
    return True


def _read_owner(path: Path) -> dict[str, Any]:
    try:
        owner = json.loads(path.read_text() or "{}")
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _host() -> str:
    return socket.gethostname()

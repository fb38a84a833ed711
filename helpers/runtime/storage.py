"""Writing that is whole or not there at all, on disks that fill up and drives that go away.

write_json(folder / "done.json", values)     # atomic: the old file or the new one, nothing else
publish(local, folder / "000003.mkv")        # copied, checked, and only then named
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

PASSING = {
    errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.ESTALE, errno.EBUSY, errno.EAGAIN,
    errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.EREMOTEIO, errno.ECONNABORTED, errno.ECONNRESET,
}  # fmt: skip
"""Errors that a network drive gives and may take back. ENOENT: an unmounted folder is just gone."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

WAITS = [1.0, 4.0, 15.0]
"""Seconds to wait before each further try."""

BEAT = 15.0
"""Seconds between two signs of life of a lock's owner."""

STALE = 600.0
"""Seconds without a sign of life after which another machine's lock is taken over."""


def retried(what: str, where: Path, action: Callable[[], T]) -> T:
    """Run an action on a drive, again if the drive is unwell, and give up in words.

    Raises:
        StorageError: the disk is full, or the drive did not come back.
    """
    for wait in [*WAITS, None]:
        try:
            return action()
        except OSError as error:
            if wait is None or error.errno not in PASSING:
                raise storage_error(what, where, error) from error
            log.warning("%s: %s; trying again in %.0f s", where, error.strerror or error, wait)
            time.sleep(wait)
    raise AssertionError("unreachable")


def storage_error(what: str, where: Path, error: OSError) -> StorageError:
    """Put a failure to read or write into words."""
    kept = "Everything finished so far is kept"
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return StorageError(
            f"The disk is full: {what} could not be written to {where} ({_free(where)}). {kept}; "
            "make room and run it again, it goes on from there."
        )
    if error.errno in PASSING:
        return StorageError(
            f"The drive of {where} does not answer ({reason}), after {len(WAITS) + 1} tries at "
            f"{what}. {kept}; mount it again and run the same again, it goes on from there."
        )
    return StorageError(
        f"{what} could not be read or written in {where} ({reason}). {kept}; mend that and run it "
        "again."
    )


def _free(where: Path) -> str:
    with suppress(OSError):
        return f"{shutil.disk_usage(where).free / 1e9:.2f} GB free"
    return "free space unknown"


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder survive a power cut, where the file system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sync_file(path: Path) -> None:
    """Make a finished file survive a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_json(path: Path, values: Any) -> None:
    """Write a JSON file: the old one stays until the new one is whole."""
    write_whole(path, json.dumps(values, separators=(",", ":")).encode())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file: it is there whole, or as it was before."""

    def write() -> None:
        part = path.with_name(path.name + ".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        sync_folder(path.parent)

    retried(path.name, path.parent, write)


def read_json(path: Path) -> Any | None:
    """Read a JSON file; None if it is not there."""
    data = if_there(path, path.read_bytes)
    try:
        return None if data is None else json.loads(data)
    except ValueError as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, found: str) -> ProjectError:
    """Say that a file of the project cannot be understood."""
    return ProjectError(f"{path} is damaged ({found}). Delete it; what it told of is made again.")


def fingerprint(path: Path) -> dict[str, Any] | None:
    """Return a file's size and sha256; None if it is not there."""
    return if_there(path, lambda: {"bytes": path.stat().st_size, "sha256": file_sha256(path)})


def if_there(path: Path, read: Callable[[], T]) -> T | None:
    """Read something of a file; None if it is not there."""

    def look() -> T | None:
        try:
            return read()
        except FileNotFoundError:
            os.stat(path.parent)  # a missing file is an answer, a missing folder is trouble
            return None

    return retried(path.name, path.parent, look)


def publish(local: Path, path: Path) -> None:
    """Copy a finished local file to its place: to a .part, checked against the original, renamed.

    The target's folder is never made: where a drive was unmounted, making it would write to the
    empty mount point, and the work would be lost with the machine.
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
        sync_folder(path.parent)

    retried(path.name, path.parent, copy)


class Heart:
    """Shows other machines that the owner of a lock is alive."""

    def __init__(self, path: Path) -> None:
        self.path, self.last = path, 0.0

    def beat(self) -> None:
        """Give a sign of life, at most every BEAT seconds."""
        now = time.time()
        if now - self.last < BEAT:
            return
        self.last = now
        with suppress(OSError):  # a sign of life that fails must not stop the work
            self.path.write_text(json.dumps({"host": _host(), "pid": os.getpid(), "at": now}))


@contextmanager
def lock(folder: Path) -> Iterator[Heart]:
    """Let one run at a time write in a folder.

    On one machine the operating system's lock decides, which a killed process cannot leave behind.
    Between machines (two notebooks on one Drive) signs of life do.

    Raises:
        ProjectLockedError: another run is writing here.
    """
    path = folder / ".lock"
    handle = retried("the lock", folder, lambda: path.open("a+"))
    try:
        if not _grab(handle.fileno()):
            raise ProjectLockedError(
                f"Another run on this machine is writing {folder}. Wait for it, or stop it first."
            )
        owner = _read(path)
        age = time.time() - owner.get("at", 0)
        if owner and owner.get("host") != _host() and age < STALE:
            raise ProjectLockedError(
                f"A run on another machine ({owner.get('host')}) wrote {folder} {age:.0f} seconds "
                f"ago. Stop it first; if it is dead, wait {(STALE - age) / 60:.0f} minutes."
            )
        heart = Heart(path)
        heart.beat()
        try:
            yield heart
        finally:  # also after a failure: another machine need not wait for this one
            with suppress(OSError):
                path.write_text("")
    finally:
        handle.close()


def _grab(handle: int) -> bool:
    """Take the operating system's lock on an open file; true also where there is no such thing."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # network drives often have no locks
        log.info("no file locks here: %s", error)
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        owner = json.loads(path.read_text() or "{}")
    except (OSError, ValueError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _host() -> str:
    return socket.gethostname()

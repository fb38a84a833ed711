"""One writer at a time: on this machine by a lock, between machines by heartbeats.

with lock(folder) as heart:
    ...
    heart.beat()
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from helpers.errors import ProjectLockedError
from helpers.runtime.schema import decode_json
from helpers.runtime.storage import NO_LINK, refuse_link, retry

log = logging.getLogger("helpers")

BEAT = 15.0
"""Seconds between two heartbeats of a lock's owner."""

STALE = 600.0
"""Seconds without a heartbeat after which the lock of another machine expires."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lock, and when it last beat, in seconds since 1970."""

    host: str
    pid: int
    at: float


class Heart:
    """Writes heartbeats, which show other machines that the owner of a lock is running."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.last = file, 0.0

    def beat(self) -> None:
        """Write a heartbeat, at most every BEAT seconds."""
        now = time.time()
        if now - self.last < BEAT:
            return
        self.last = now
        self._write(msgspec.json.encode(Owner(socket.gethostname(), os.getpid(), now)))

    def stop(self) -> None:
        """Say that the owner has ended, so that another machine need not wait."""
        self._write(b"")

    def _write(self, data: bytes) -> None:
        with suppress(OSError):  # the work must not stop because of a heartbeat
            self.file.seek(0)
            self.file.truncate()
            self.file.write(data)
            self.file.flush()


@contextmanager
def lock(folder: Path) -> Iterator[Heart]:
    """Let only one run at a time write in a folder, and remove what a killed one left unfinished.

    Raises:
        ProjectLockedError: another run is writing here.
    """
    with hold(folder / ".lock", folder) as heart:
        for part in folder.glob(".*.part*"):
            with suppress(OSError):
                part.unlink()
        yield heart


@contextmanager
def hold(path: Path, what: Path) -> Iterator[Heart]:
    """Hold a lock.

    On one machine this is a lock of the operating system, which ends with its process. Between
    machines (two notebooks on one Drive) it is the heartbeats.

    Args:
        path: the lock's file.
        what: the file or folder that it is for.

    Raises:
        ProjectLockedError: another run holds it.
    """
    refuse_link(path)
    with retry("the lock", path.parent, lambda: _open(path)) as file:
        # A lock that was removed while this run waited to open it locks nobody out.
        if not _take_lock(file.fileno()) or not path.exists():
            raise ProjectLockedError(
                f"Another run on this machine is writing {what}. Wait until it ends, or stop it."
            )
        _respect_other_machine(file.read(), what)
        heart = Heart(file)
        heart.beat()
        try:
            yield heart
        finally:  # also after an error
            heart.stop()


def _open(path: Path) -> IO[bytes]:
    """Open a lock's file for reading and writing; it is made if there is none."""
    flags = os.O_RDWR | os.O_CREAT | NO_LINK
    return os.fdopen(os.open(path, flags, 0o666), "r+b")


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


def _respect_other_machine(written: bytes, what: Path) -> None:
    """Raise ProjectLockedError if a run on another machine has written a heartbeat lately."""
    try:
        owner = decode_json(written, Owner)
    except ValueError:
        return  # nobody holds it
    age = abs(time.time() - owner.at)  # the two clocks may differ
    if owner.host != socket.gethostname() and age < STALE:
        raise ProjectLockedError(
            f"A run on another machine ({owner.host}) was writing {what} {age:.0f} seconds ago. "
            f"Stop it first. If it has ended already, wait {(STALE - age) / 60:.0f} minutes and "
            "try again."
        )

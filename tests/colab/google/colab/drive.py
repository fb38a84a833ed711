"""Mounting Google Drive."""

import os
from pathlib import Path

from google.colab._log import note
from google.colab.errors import MessageError


def mount(mountpoint, force_remount=False, timeout_ms=120000, readonly=False):
    """Make the user's Drive appear as the folder MyDrive of the mount point."""
    note(f"drive.mount {mountpoint}")
    drive = os.environ.get("COLAB_DRIVE", "failed")
    if drive == "refused":
        raise MessageError("Error: credential propagation was unsuccessful")
    if drive == "failed":
        raise ValueError("mount failed")
    target = Path(mountpoint) / "MyDrive"
    if target.exists():
        print(f'Drive already mounted at {mountpoint}; to attempt to forcibly remount, call '
              f'drive.mount("{mountpoint}", force_remount=True).')  # fmt: skip
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(drive)
    print(f"Mounted at {mountpoint}")


def flush_and_unmount(timeout_ms=24 * 60 * 60 * 1000):
    """Do nothing: what is written here is written at once."""
    note("drive.flush_and_unmount")

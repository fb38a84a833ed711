"""A JupyterLab in a folder of its own, and its notebooks in the system's Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.paths import REPO

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

NEEDS_CHROMIUM = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
"""The marks of tests that open a browser."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running_lab(folder, *notebooks):
    """Serve copies of notebooks from a folder; give the address of the server."""
    for place in ("notebooks", "docs"):
        (folder / place).mkdir()
    for name in notebooks:
        shutil.copy(REPO / "notebooks" / f"{name}.ipynb", folder / "notebooks")
    for picture in (REPO / "docs").glob("before_after*.jpg"):
        shutil.copy(picture, folder / "docs")
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    port = free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    own = {"PYTHONPATH": REPO, "SILK_PURSE_CACHE": folder / "cache"}
    own["JUPYTERLAB_SETTINGS_DIR"] = folder / "settings"
    env = {**os.environ, **{name: str(value) for name, value in own.items()}}
    with open(folder / "lab.log", "wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(f"{address}/api/status", Path(log.name))
            yield address
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(address, log, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(address).read()
            return
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(log.read_text())

"""One run at a time writes a stage."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from helpers.errors import (
    ProjectLockedError,
)
from helpers.runtime.lock import STALE, lock
from tests.support.saves import break_off, film, made, one_line, save

# --- one at a time ------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from helpers.runtime.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of a stage."""
    folder = tmp_path / "01_test"
    folder.mkdir()
    command = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_refused(tmp_path, holder):
    with pytest.raises(ProjectLockedError, match="Another run on this machine") as error:
        save(tmp_path, film())
    one_line(error)
    assert made == []


def test_the_lock_of_a_killed_run_is_free_at_once(tmp_path, holder):
    holder.kill()
    holder.wait()
    save(tmp_path, film())


def other_machine(folder, age):
    folder.mkdir()
    owner = {"host": "another-machine", "pid": 1, "at": time.time() - age}
    (folder / ".lock").write_text(json.dumps(owner))


def test_a_run_on_another_machine_is_respected(tmp_path):
    other_machine(tmp_path / "01_test", 60)
    with pytest.raises(ProjectLockedError, match=r"another-machine.*wait 9 minutes"):
        save(tmp_path, film())


def test_the_lock_of_a_machine_that_went_away_is_taken_over(tmp_path):
    other_machine(tmp_path / "01_test", STALE + 1)
    save(tmp_path, film())


def test_a_lock_file_of_nonsense_holds_nobody(tmp_path):
    (tmp_path / "01_test").mkdir()
    (tmp_path / "01_test" / ".lock").write_text("[1]")
    save(tmp_path, film())


def test_a_run_that_failed_leaves_no_lock_for_other_machines(tmp_path, monkeypatch):
    break_off(monkeypatch, tmp_path, film(), 1)
    assert (tmp_path / "01_test" / ".lock").read_text() == ""


def test_a_lock_tells_who_holds_it(tmp_path):
    with lock(tmp_path):
        owner = json.loads((tmp_path / ".lock").read_text())
    assert (owner["host"], owner["pid"]) == (socket.gethostname(), os.getpid())

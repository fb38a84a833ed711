"""Sharing the cores among the stages of a run."""

import os
import subprocess
import sys

import pytest

from helpers.runtime.cores import count_cores, share_cores
from tests.support.paths import REPO


@pytest.mark.parametrize(("cores", "opencv"), [(1, "1"), (2, "1"), (4, "2"), (16, "8")])
def test_opencv_gets_half_of_the_cores_and_no_thread_spins(cores, opencv):
    settings: dict[str, str] = {}
    share_cores(settings, cores)
    assert settings["OPENCV_FOR_THREADS_NUM"] == opencv
    assert settings["OMP_WAIT_POLICY"] == "PASSIVE"
    assert settings["OPENCV_THREAD_POOL_ACTIVE_WAIT_WORKER"] == "0"


def test_what_a_person_has_set_is_left():
    settings = {"OMP_WAIT_POLICY": "ACTIVE", "OPENCV_FOR_THREADS_NUM": "3"}
    share_cores(settings)
    assert (settings["OMP_WAIT_POLICY"], settings["OPENCV_FOR_THREADS_NUM"]) == ("ACTIVE", "3")


def test_the_libraries_get_it_when_they_are_imported():
    program = "import helpers, cv2; print(cv2.getNumThreads())"
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "OPENCV_"))}
    said = subprocess.run(
        [sys.executable, "-c", program], cwd=REPO, env=bare, capture_output=True, check=True
    )
    assert int(said.stdout) == max(count_cores() // 2, 1)

"""What every test is given: one thread, a machine of its own, a look at what it leaves behind."""

import logging
import os
import threading

import pytest

from helpers.runtime import machine as runtime
from helpers.runtime import storage
from tests.support import paths

# Tests run side by side: each of them, and each program that it starts, works in one thread. And
# they draw on the processor, for what they compare with was drawn there. Torch, NumPy and OpenCV
# read this when they are imported.
os.environ.update(
    CUDA_VISIBLE_DEVICES="",
    MKL_NUM_THREADS="1",
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    OPENCV_FOR_THREADS_NUM="1",
)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Tell `paths` whether the test may read what is not in the repository."""
    paths.allowed = item.get_closest_marker("data") is not None


@pytest.fixture(autouse=True)
def machine(tmp_path_factory, monkeypatch):
    """Give every test a plain runtime with folders of its own, and short waits.

    The folder of models is its own too, also for programs that it starts: there stands which films
    were used last, and that is the business of the person who runs the tests.
    The disk is not waited for either: that matters when the power fails, and no test can do that.
    """
    monkeypatch.setattr(storage, "WAITS", [0.01, 0.02])
    monkeypatch.setattr(os, "fsync", os.fstat)
    scratch = tmp_path_factory.mktemp("scratch")
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SILK_PURSE_CACHE", str(cache))
    plain = runtime.Runtime(scratch=scratch, cache=cache, forced_device="cpu")
    monkeypatch.setattr(runtime, "_current", plain)
    return plain


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Fail a test that leaves a prefetching thread behind."""
    yield
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]


@pytest.fixture(autouse=True)
def no_error_is_logged(caplog):
    """Fail a test that logs an error: what goes wrong is raised."""
    yield
    records = caplog.get_records("setup") + caplog.get_records("call")
    assert not [record for record in records if record.levelno >= logging.ERROR]


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """The sample film, whose shots are known."""
    from helpers.project.project import Project

    return Project(tmp_path_factory.mktemp("film")).source(paths.FILM, progress=False)

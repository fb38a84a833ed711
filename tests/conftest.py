"""What every test is given: a machine of its own, and a look at what it leaves behind."""

import threading

import pytest

from helpers.runtime import machine as runtime
from helpers.runtime import storage


@pytest.fixture(autouse=True)
def machine(tmp_path_factory, monkeypatch):
    """Give every test a plain runtime with a scratch folder of its own, and short waits."""
    monkeypatch.setattr(storage, "WAITS", [0.01, 0.02])
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(runtime, "_current", runtime.Runtime(scratch=scratch))
    return runtime.runtime()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    """Fail a test that leaves a prefetching thread behind."""
    yield
    assert not [t for t in threading.enumerate() if t.name == "prefetch"]

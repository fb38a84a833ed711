"""Only what this machine lacks is installed, and a failure is one sentence."""

import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from helpers.errors import SetUpError
from helpers.runtime.packages import find_missing, install_missing

HERE = f"numpy=={version('numpy')}"


@pytest.fixture
def pip(monkeypatch):
    """Keeps what pip would be called with; `pip.answer` is what it says."""
    kept = SimpleNamespace(calls=[], answer=SimpleNamespace(returncode=0, stderr=""))

    def run(command, **_):
        kept.calls.append(command)
        return kept.answer

    monkeypatch.setattr(subprocess, "run", run)
    return kept


def write(tmp_path, *lines):
    path = tmp_path / "requirements.txt"
    path.write_text("\n".join(lines))
    return path


def test_comments_and_what_is_here_are_left_out():
    lines = ["# what is needed", "", f"{HERE}  # arrays", "numpy>=1,<99", "not-a-package>=1,<2 # x"]
    assert find_missing(lines) == ["not-a-package<2,>=1"]


def test_another_version_is_missing():
    assert find_missing(["numpy==0.1"]) == ["numpy==0.1"]


def test_what_another_system_needs_is_not_missing():
    assert find_missing(["not-a-package; sys_platform == 'plan9'"]) == []
    here = f"not-a-package; sys_platform == '{sys.platform}'"
    assert len(find_missing([here])) == 1


def test_only_what_is_missing_is_installed_and_nothing_that_it_asks_for(tmp_path, pip, caplog):
    install_missing(write(tmp_path, HERE, "not-a-package==1"))
    assert len(pip.calls) == 1 and "--no-deps" in pip.calls[0]
    assert HERE not in pip.calls[0] and pip.calls[0][-1] == "not-a-package==1"
    assert "Installing the packages" in caplog.text


@pytest.mark.parametrize("file", ["all here", "no file"])
def test_nothing_is_installed_where_nothing_is_missing(tmp_path, pip, caplog, file):
    install_missing(write(tmp_path, HERE) if file == "all here" else tmp_path / "none.txt")
    assert not pip.calls and not caplog.text


def test_a_pip_that_fails_gives_its_reason_in_one_sentence(tmp_path, pip):
    pip.answer = SimpleNamespace(returncode=1, stderr="WARNING: Retrying\nERROR: no connection\n")
    with pytest.raises(SetUpError, match=r"\(ERROR: no connection\).*connected to the internet"):
        install_missing(write(tmp_path, "not-a-package==1"))


def test_a_machine_without_a_network_gets_the_sentence(tmp_path, monkeypatch):
    """The real pip, which is sent to an address where nobody answers."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(SetUpError, match="could not be installed"):
        install_missing(write(tmp_path, "not-a-package==1"))


def test_a_notebook_shows_the_sentence_alone():
    assert SetUpError("Make sure.")._render_traceback_() == ["Make sure."]

"""Packages are imported while other work is done."""

import subprocess
import sys

from tests.support.paths import REPO


def run(script):
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPO
    )
    assert not done.stderr
    return done.stdout.split()


def test_a_package_is_there_when_it_is_needed():
    script = """
import sys, threading
from helpers.runtime.ahead import import_ahead
import_ahead("no_such_package", "xml.etree.ElementTree")
[one.join() for one in threading.enumerate() if one.name == "import ahead"]
print("xml.etree.ElementTree" in sys.modules)
import_ahead("xml.etree.ElementTree")
print(threading.active_count())
"""
    assert run(script) == ["True", "1"]


def test_a_program_that_ends_early_waits_for_it():
    assert run("from helpers.runtime.ahead import import_ahead\nimport_ahead('numpy')") == []

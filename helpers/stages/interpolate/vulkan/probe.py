"""Find out by a trial whether RIFE runs with Vulkan on this machine. Nothing is installed.

    verdict = probe_vulkan(Path("models/rife-v4.6"))
    verdict.works, verdict.reason, verdict.device      # False, "There is no Vulkan here: ...", ""
    engine = RifeNcnn(Path("models/rife-v4.6"), gpu=verdict.gpu)

Whatever may hang or crash (a driver, a library) runs in a separate process with a time limit, so
that the notebook is not affected.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.errors import ModelError
from helpers.nn.subprocess_call import run_module
from helpers.runtime.machine import on_colab
from helpers.stages.interpolate.vulkan.rife_ncnn import INSTEAD, RifeNcnn
from helpers.stages.interpolate.vulkan.trial import SIDE, find_fault, make_pair

SECONDS = 30.0
"""The time limit for listing the devices, and the time limit for the trial, in seconds."""

_LOADERS = {"win32": "vulkan-1.dll", "linux": "libvulkan.so.1"}
"""The name of Vulkan's loader; on macOS the engine contains its own Vulkan."""

_PROCESSOR = 4
"""Vulkan's type of a device that is a CPU."""

_PREFERRED = {2: 0, 1: 1, 3: 2}
"""The order of Vulkan's types of devices: discrete, integrated, virtual graphics card."""

_RASTERISERS = ("llvmpipe", "lavapipe", "softpipe", "swiftshader", "basic render")
"""Names of software renderers, which emulate a graphics card and take minutes for a picture."""

_OFFICIAL_WEIGHTS = "f334ed2260149ce0188a6dcf049844e8b0cdd912e01cbcfb63553157d2508958"
"""The sha256 of RIFE 4.6's flownet.bin; the result of the trial is known only for these weights."""


@dataclass(frozen=True)
class Verdict:
    """Whether Vulkan can be used.

    Attributes:
        works: whether it can be used.
        reason: what was found, in one sentence.
        device: the name of the graphics card; empty if none was found.
        advice: what can be done if it does not work.
        gpu: the number of the card, for `RifeNcnn`; None if there is none.
    """

    works: bool
    reason: str
    device: str = ""
    advice: str = ""
    gpu: int | None = None


class _RefusedError(Exception):
    """Ends the probe with a verdict: what was found, what can be done, and on which device."""

    def __init__(self, reason: str, advice: str = INSTEAD, device: str = "") -> None:
        super().__init__(reason)
        self.verdict = Verdict(False, reason, device, advice)


def probe_vulkan(
    model_folder: Path,
    binary: Path | None = None,
    gpu: int | None = None,
    seconds: float = SECONDS,
    loader: str | None = None,
) -> Verdict:
    """Interpolate a small pair of pictures on the graphics card, and check the result.

    Args:
        model_folder, binary: as in `RifeNcnn`.
        gpu: the number of a Vulkan device; if None, the best is chosen.
        seconds: the time limit for listing the devices, and again for the trial.
        loader: Vulkan's loader, if it is not that of the system.
    """
    verdict = find_device(gpu, seconds, loader)
    if not verdict.works:
        return verdict
    number, device = verdict.gpu or 0, verdict.device
    first, last = make_pair()
    try:
        middle = _run_trial(Path(model_folder), binary, number, seconds)
        official = _sha256(Path(model_folder) / "flownet.bin") == _OFFICIAL_WEIGHTS
    except (ModelError, OSError) as error:
        said = str(error).removesuffix(INSTEAD).strip(" .")
        reason = f"{device} was found, but RIFE did not run on it: {said}."
        return Verdict(False, reason, device, INSTEAD)
    if wrong := find_fault(first, last, middle, official):
        reason = f"{device} gives wrong results: in a trial with a moving square, {wrong}."
        return Verdict(False, reason, device, f"A newer graphics driver may help. {INSTEAD}")
    return Verdict(True, f"{device} can interpolate with Vulkan.", device, gpu=number)


def find_device(
    gpu: int | None = None, seconds: float = SECONDS, loader: str | None = None
) -> Verdict:
    """Find a graphics card that Vulkan can use, without a trial, which is faster.

    The arguments are those of `probe_vulkan`. In the result, `works` only means that there is a
    card.
    """
    if sys.platform == "darwin":
        return Verdict(
            True,
            "macOS needs no Vulkan driver, because the engine contains its own.",
            "Apple GPU",
            gpu=gpu or 0,
        )
    try:
        devices = _list_devices(loader or _LOADERS.get(sys.platform, "libvulkan.so.1"), seconds)
        number = _choose(devices, gpu)
    except _RefusedError as refused:
        return refused.verdict
    name = devices[number][0]
    return Verdict(True, f"{name} is a graphics card with Vulkan.", name, gpu=number)


def _list_devices(loader: str, seconds: float) -> list[tuple[str, int]]:
    """Return the name and kind of every Vulkan device, in the order of their numbers."""
    try:
        answer = run_module("helpers.stages.interpolate.vulkan.devices", loader, seconds=seconds)
    except ModelError as error:
        raise _RefusedError(f"Vulkan's devices could not be listed: {error}.") from error
    if "missing" in answer:
        raise _RefusedError(
            f"There is no Vulkan here: its loader {loader} cannot be loaded.",
            _advise("libvulkan1"),
        )
    if "failed" in answer:
        raise _RefusedError(
            "There is no working Vulkan driver here "
            f"({answer['failed']} returned {answer['code']}).",
            _advise(),
        )
    return [(str(name), int(kind)) for name, kind in answer["devices"]]


def _choose(devices: list[tuple[str, int]], gpu: int | None) -> int:
    """Return the number of the device to use.

    Raises:
        _RefusedError: there is no such device, or no graphics card.
    """
    if gpu is not None and not 0 <= gpu < len(devices):
        numbered = ", ".join(f"{number}: {name}" for number, (name, _) in enumerate(devices))
        raise _RefusedError(
            f"There is no Vulkan device {gpu}; the devices are {numbered or 'none'}."
        )
    cards = [
        number
        for number, (name, kind) in enumerate(devices)
        if kind != _PROCESSOR and not any(word in name.lower() for word in _RASTERISERS)
    ]
    if gpu is None and cards:
        return min(cards, key=lambda number: _PREFERRED.get(devices[number][1], 3))
    if gpu in cards:
        return gpu  # type: ignore[return-value]
    if not devices:
        raise _RefusedError("Vulkan found no graphics card.", _advise())
    pretender = ", ".join(name for name, _ in devices) if gpu is None else devices[gpu][0]
    raise _RefusedError(
        f"Vulkan is only emulated by the CPU here ({pretender}), which is far too slow.",
        _advise(),
        pretender,
    )


def _advise(loader: str = "") -> str:
    """Return what to do without Vulkan: other engines, and the driver if it is the user's own."""
    if on_colab():  # every session has a new machine, and a wrong driver there stops CUDA
        return INSTEAD
    return f"{_name_driver(loader)} {INSTEAD}"


def _name_driver(loader: str) -> str:
    """Return what the user would have to install; this project installs no drivers."""
    version = nvidia_version()
    if version:
        package = f"libnvidia-gl-{version.split('.')[0]}"
        return (
            f"The version of the NVIDIA driver is {version}. If you install its Vulkan part "
            f"({package}{' and ' + loader if loader else ''}), it must have exactly the same "
            "version; with another version, CUDA stops working until the machine is restarted."
        )
    more = f" and the package {loader}" if loader and sys.platform == "linux" else ""
    return f"If there is a graphics card, install its manufacturer's Vulkan driver{more}."


def nvidia_version(folder: Path = Path("/")) -> str:
    """Return the version of the loaded NVIDIA driver; "" if there is none."""
    for name in ("sys/module/nvidia/version", "proc/driver/nvidia/version"):
        try:
            found = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", (folder / name).read_text())
        except OSError:
            continue
        if found:
            return found.group()
    return ""


def _run_trial(model_folder: Path, binary: Path | None, gpu: int, seconds: float) -> np.ndarray:
    """Interpolate the middle of the trial pair in a separate process; a program already is one."""
    if binary:
        first, last = make_pair()
        with RifeNcnn(model_folder, binary, gpu, limit=seconds) as engine:
            return engine.between(first, last, [0.5])[0]
    answer = run_module(
        "helpers.stages.interpolate.vulkan.trial", str(model_folder), str(gpu), seconds=seconds
    )
    if "error" in answer:
        raise ModelError(answer["error"])
    data = base64.b64decode(answer["picture"])
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE, 3)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

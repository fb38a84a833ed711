"""Find out by doing whether RIFE runs through Vulkan on this machine. Nothing is installed.

    verdict = probe_vulkan(Path("models/rife-v4.6"))
    verdict.works, verdict.reason, verdict.device      # False, "There is no Vulkan here: ...", ""
    engine = RifeNcnn(Path("models/rife-v4.6"), gpu=verdict.gpu)

What may hang or crash (a driver, a library inside this process) is tried in a process of its own
with a time limit, so that it cannot take the notebook with it.
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
from helpers.stages.interpolate.vulkan.rife_ncnn import INSTEAD, RifeNcnn
from helpers.stages.interpolate.vulkan.trial import SIDE, find_fault, make_pair

SECONDS = 30.0
"""How long the drivers may take to answer, and how long the trial pair may take."""

_LOADERS = {"win32": "vulkan-1.dll", "linux": "libvulkan.so.1"}
"""Vulkan's loader; on macOS the engine brings its own Vulkan and needs none."""

_PROCESSOR = 4
"""Vulkan's word for a device that is no graphics card."""

_PREFERRED = {2: 0, 1: 1, 3: 2}
"""A card of its own before one within the processor before one lent to a virtual machine."""

_RASTERISERS = ("llvmpipe", "lavapipe", "softpipe", "swiftshader", "basic render")
"""Names of programs that pretend to be a graphics card; they take minutes for a picture."""

_OFFICIAL_WEIGHTS = "f334ed2260149ce0188a6dcf049844e8b0cdd912e01cbcfb63553157d2508958"
"""The sha256 of RIFE 4.6's flownet.bin: with it the trial's result is known, with others not."""


@dataclass(frozen=True)
class Verdict:
    """Whether Vulkan can be used.

    Attributes:
        reason: what was found, in one sentence.
        device: the graphics card's name, where one was found.
        advice: what to do about it, where it does not work.
        gpu: the card's number, for `RifeNcnn`; None where there is none.
    """

    works: bool
    reason: str
    device: str = ""
    advice: str = ""
    gpu: int | None = None


class _RefusedError(Exception):
    """Ends the probe: what was found, what to do, and the device it was found on."""

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
    """Interpolate a small pair on the graphics card and look at the result.

    Args:
        model_folder, binary: as `RifeNcnn` takes them.
        gpu: the number of a Vulkan device; the best is chosen, if None.
        seconds: how long the drivers, and then the pair, may take.
        loader: Vulkan's loader, where it is not the system's.
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
        reason = f"{device} was found, but RIFE does not run on it: {said}."
        return Verdict(False, reason, device, INSTEAD)
    if wrong := find_fault(first, last, middle, official):
        reason = f"{device} draws wrongly: of a pair that moves {wrong}."
        return Verdict(False, reason, device, f"A newer graphics driver may help. {INSTEAD}")
    return Verdict(True, f"{device} interpolates through Vulkan.", device, gpu=number)


def find_device(
    gpu: int | None = None, seconds: float = SECONDS, loader: str | None = None
) -> Verdict:
    """Look for a graphics card that Vulkan can use, without drawing anything: a quick look.

    Takes and gives what `probe_vulkan` does; `works` says that there is a card.
    """
    if sys.platform == "darwin":
        return Verdict(
            True,
            "macOS needs no Vulkan driver: the engine brings its own.",
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
        raise _RefusedError(f"Vulkan's driver cannot be asked for a card: {error}.") from error
    if "missing" in answer:
        raise _RefusedError(
            f"There is no Vulkan here: its loader {loader} cannot be opened.",
            f"{_driver_advice('libvulkan1')} {INSTEAD}",
        )
    if "failed" in answer:
        raise _RefusedError(
            f"There is no working Vulkan driver here ({answer['failed']} gives {answer['code']}).",
            f"{_driver_advice()} {INSTEAD}",
        )
    return [(str(name), int(kind)) for name, kind in answer["devices"]]


def _choose(devices: list[tuple[str, int]], gpu: int | None) -> int:
    """Return the number of the device to use, or refuse."""
    if gpu is not None and not 0 <= gpu < len(devices):
        numbered = ", ".join(f"{number}: {name}" for number, (name, _) in enumerate(devices))
        raise _RefusedError(f"Vulkan device {gpu} was asked for; there are {numbered or 'none'}.")
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
        raise _RefusedError("Vulkan finds no graphics card here.", f"{_driver_advice()} {INSTEAD}")
    pretender = ", ".join(name for name, _ in devices) if gpu is None else devices[gpu][0]
    raise _RefusedError(
        f"Vulkan is only imitated by the processor here ({pretender}), which is far too slow.",
        f"{_driver_advice()} {INSTEAD}",
        pretender,
    )


def _driver_advice(loader: str = "") -> str:
    """Say what would have to be installed, and by whom: never by this project."""
    version = nvidia_version()
    if version:
        package = f"libnvidia-gl-{version.split('.')[0]}"
        return (
            f"The NVIDIA driver here is {version}. Its Vulkan part ({package}"
            f"{' and ' + loader if loader else ''}) may be installed in exactly this version only: "
            "another one stops CUDA from working until the machine is started anew."
        )
    more = f" and the package {loader}" if loader and sys.platform == "linux" else ""
    return f"Install the Vulkan driver of your graphics card's maker{more}, if there is a card."


def nvidia_version(folder: Path = Path("/")) -> str:
    """Return the version of the NVIDIA driver that the system runs, "" where there is none."""
    for name in ("sys/module/nvidia/version", "proc/driver/nvidia/version"):
        try:
            found = re.search(r"\b\d{3}\.\d+(\.\d+)?\b", (folder / name).read_text())
        except OSError:
            continue
        if found:
            return found.group()
    return ""


def _run_trial(model_folder: Path, binary: Path | None, gpu: int, seconds: float) -> np.ndarray:
    """Return the middle of the trial pair. The program is a process of its own already."""
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

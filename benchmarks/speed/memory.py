"""Peak memory of the command as a whole process, for short and long films, small and large."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.common import ROOT
from helpers import sample
from helpers.clip import MemoryClip
from helpers.imaging.resample import resize
from helpers.video.reader import open_video
from helpers.video.writer import write_video


class Rolling:
    """Pictures that never repeat: the sample's, each rolled a little further."""

    def __init__(self, count: int) -> None:
        self.pictures = [frame.image for frame in open_video(sample())]
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> np.ndarray:
        return np.roll(self.pictures[number % len(self.pictures)], number // 40, axis=1)

    def __iter__(self):  # noqa: ANN204
        return iter([self[0]])  # one is enough to see their size


def film(path: Path, seconds: int) -> Path:
    """Write a 160x120 film of 8 frames a second."""
    count = seconds * 8
    times = [Fraction(k, 8) for k in range(count)]
    write_video(MemoryClip(Rolling(count), times, Fraction(seconds)), path)  # type: ignore[arg-type]
    return path


def large_film(path: Path, frames: int = 4) -> Path:
    """Write a few frames of 1920x1080."""
    images = [resize(f.image, 1920, 1080) for f in open_video(sample()).frames(0, frames)]
    times = [Fraction(k, 24) for k in range(frames)]
    write_video(MemoryClip(images, times, Fraction(frames, 24)), path)
    return path


LEAN = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Runs a command from a process that holds nothing itself: a child's peak begins at its parent's
size."""


def peak(*words: str) -> float:
    """Run the command and return the most memory it held, in GB."""
    command = [sys.executable, "-m", "helpers", "restore", *words]
    lean = [sys.executable, "-c", LEAN, *command]
    code, kilobytes = subprocess.check_output(lean, cwd=ROOT, text=True).split()
    if int(code):
        raise RuntimeError(f"{' '.join(words)} ended with {code}")
    return int(kilobytes) * 1024 / 1e9


def main() -> str:
    """Return one row a run."""
    rows = ["| run | film | peak, GB |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as scratch:
        out = str(Path(scratch) / "out.mp4")
        for seconds in (30, 300):
            name = str(film(Path(scratch) / f"{seconds}.mp4", seconds))
            gigabytes = peak(name, "-o", out, "--upscale", "animevideov3", "--factor", "1")
            rows.append(f"| 160x120 to 640x480, animevideov3 | {seconds} s | {gigabytes:.2f} |")
        for minutes in (1, 120):
            name = str(film(Path(scratch) / f"{minutes}.mp4", 60 * minutes))
            plain = ("--upscale", "bicubic", "--scale", "2", "--interpolate", "none")
            gigabytes = peak(name, "-o", out, *plain)
            rows.append(f"| 160x120 to 320x240, bicubic | {minutes} min | {gigabytes:.2f} |")
        name = str(film(Path(scratch) / "2.mp4", 2))
        gigabytes = peak(name, "-o", out, "--factor", "2")
        rows.append(f"| 160x120 to 640x480, x4plus, flow | 2 s | {gigabytes:.2f} |")
        name = str(large_film(Path(scratch) / "large.mp4"))
        gigabytes = peak(name, "-o", out, "--upscale", "animevideov3", "--size", "3840x2160")
        rows.append(f"| 1080p to 4K, animevideov3 | 4 frames | {gigabytes:.2f} |")
        gigabytes = peak(
            *(name, "-o", out, "--upscale", "animevideov3"),
            *("--size", "3840x2160", "--factor", "2"),
        )
        rows.append(f"| 1080p to 4K, animevideov3, flow | 4 frames | {gigabytes:.2f} |")
    return "\n".join(rows)

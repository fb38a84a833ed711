"""A hundred kills: the command dies at random moments, and the film comes out as if it had not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import ROOT, ffmpeg

KILLS = 100

OPTIONS = ("--upscale", "bicubic", "--scale", "2", "--factor", "2")


def make_film(path: Path) -> Path:
    """Write 16 seconds of 160x120 at 12 frames a second, with sound: 16 segments."""
    picture = ("-f", "lavfi", "-i", "testsrc2=s=160x120:r=12:d=16")
    sound = ("-f", "lavfi", "-i", "sine=440:r=44100:d=16")
    ffmpeg(*picture, *sound, "-c:v", "libx264", "-c:a", "aac", path)
    return path


def start(film: Path, output: Path) -> subprocess.Popen[bytes]:
    """Start the command."""
    words = [sys.executable, "-m", "helpers", "restore", str(film), "-o", str(output), *OPTIONS]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(words, cwd=ROOT, stdin=quiet, stdout=quiet, stderr=quiet)


def checksums(film: Path) -> list[str]:
    """Return a line for each packet's content and timestamp, of picture and sound."""
    lines = ffmpeg("-i", film, "-map", "0", "-f", "framemd5", "-").decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def finish_killed(film: Path, output: Path, span: float, dice: random.Random, most: int) -> int:
    """Run the command until it ends, killing it at random moments; return how often it was killed.

    Args:
        span: seconds that it needs when it is left alone.
        most: kills; after these it is left alone.
    """
    killed = 0
    while True:
        process = start(film, output)
        if killed < most:
            wait = time.monotonic() + dice.uniform(0.1, 1.1) * span
            while process.poll() is None and time.monotonic() < wait:
                time.sleep(0.005)
            process.kill()
        code = process.wait()
        if code == 0:
            return killed
        if output.exists():
            return killed + 1  # it was killed when all was done
        if code != -signal.SIGKILL:
            raise RuntimeError(f"The command ended by itself, with {code}.")
        killed += 1


def main() -> str:
    """Return how often it was killed, and how many frames differ."""
    dice, killed, films, different, compared = random.Random(1), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        film = make_film(Path(folder, "film.mp4"))
        whole = Path(folder, "whole.mp4")
        begun = time.monotonic()
        if start(film, whole).wait():
            raise RuntimeError("The command failed although nobody killed it.")
        span, truth = time.monotonic() - begun, checksums(whole)
        while killed < KILLS:
            output = Path(folder, f"{films}.mp4")
            killed += finish_killed(film, output, span, dice, KILLS - killed)
            films += 1
            made = checksums(output)
            different += sum(a != b for a, b in zip(truth, made, strict=False))
            different += abs(len(truth) - len(made))
            compared += len(truth)
        left = [path.name for path in Path(folder).iterdir() if path.suffix != ".mp4"]
    left = [name for name in left if not name.endswith(".report.json")]
    return (
        "| kills | films finished after them | frames of picture and sound compared | different | "
        "files left behind |\n|---|---|---|---|---|\n"
        f"| {killed} | {films} | {compared} | {different} | {len(left)} |"
    )

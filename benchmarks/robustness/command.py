"""The command as a person runs it, and what ffmpeg alone sees in a film."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import ROOT
from helpers.runtime.machine import runtime

SIDE = 32
"""Width and height of the small grey pictures that are compared."""


@dataclass(frozen=True)
class Outcome:
    """How a run of the command ended.

    Attributes:
        code: its exit code; None if it was stopped because it took too long.
        words: what it wrote to stderr.
    """

    code: int | None
    words: str

    @property
    def refused(self) -> bool:
        """Whether it ended with code 2 and one line that says why."""
        lines = [line for line in self.words.splitlines() if line.strip()]
        return self.code == 2 and bool(lines) and "Traceback" not in self.words

    @property
    def reason(self) -> str:
        """Its last line, which says what was wrong."""
        return (self.words.strip().splitlines() or [""])[-1]


def restore(film: Path, output: Path, *options: str, seconds: float = 300) -> Outcome:
    """Run `silk-purse restore` on a film.

    Args:
        seconds: after so long it is stopped.
    """
    command = [sys.executable, "-m", "helpers", "restore", str(film), "-o", str(output), *options]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, "")
    return Outcome(done.returncode, done.stderr.decode(errors="replace"))


EXACT = "scale=flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format=rgb24"
"""To RGB first: colours outside of RGB are cut off there, and every restored film was in RGB."""


def small_pictures(film: Path, most: int = 100_000, progressive: bool = False) -> np.ndarray:
    """Return a film's pictures as ffmpeg alone decodes them, (N, SIDE, SIDE) uint8 grey.

    Args:
        most: pictures; what follows is left out.
        progressive: deinterlace every picture.
    """
    scale = f"{EXACT},scale={SIDE}:{SIDE}:flags=area,format=gray"
    scale = f"bwdif=mode=send_frame,{scale}" if progressive else scale
    command = [
        *(runtime().ffmpeg, "-v", "quiet", "-nostdin", "-i", f"file:{film}", "-map", "0:v:0"),
        *("-vf", scale, "-fps_mode", "passthrough", "-frames:v", str(most)),
        *("-f", "rawvideo", "-"),
    ]
    try:
        made = subprocess.run(command, capture_output=True, timeout=300).stdout
    except subprocess.TimeoutExpired:
        made = b""
    whole = len(made) // SIDE**2 * SIDE**2
    return np.frombuffer(made[:whole], np.uint8).reshape(-1, SIDE, SIDE)


def tally(what: str, verdicts: Iterable[str]) -> list[str]:
    """Return the lines of a table of how often there was each verdict."""
    rows = [f"| {verdict} | {count} |" for verdict, count in Counter(verdicts).most_common()]
    return [f"| verdict | {what} |", "|---|---|", *rows]

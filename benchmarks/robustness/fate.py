"""FFmpeg's own samples: each film among them is restored right, or refused in one true sentence.

    rsync -a rsync://fate-suite.ffmpeg.org/fate-suite/ FOLDER
    SILK_PURSE_FATE=FOLDER python -m benchmarks.run fate

Every file in which ffmpeg alone finds at least two pictures is restored without any change of the
picture. The result is right if it has as many pictures as ffmpeg finds, and they look the same on
small grey copies. Files with fewer pictures must be refused. What is neither is listed.
"""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import UnavailableError
from benchmarks.robustness.command import restore, small_pictures, tally

UNCHANGED = ("--upscale", "none", "--interpolate", "none")

MOST = 2000
"""Pictures of a film that are compared."""

LEVELS = 6.0
"""Mean difference in grey levels up to which two small pictures look the same. Deinterlacing and
H.264 at quality 17 change a small picture by less than 3."""

SHARE = 0.97
"""The share of a film's pictures that must look the same."""


@dataclass(frozen=True)
class Row:
    """What became of a file."""

    name: str
    pictures: int
    verdict: str
    words: str = ""


def examine(file: Path, name: str) -> Row:
    """Restore a file, and compare the result with what ffmpeg alone sees."""
    before = small_pictures(file, MOST)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "out.mp4")
        outcome = restore(file, output, *UNCHANGED)
        if outcome.refused:
            verdict = "refused" if len(before) < 2 else "refused, though ffmpeg sees it"
            return Row(name, len(before), verdict, outcome.reason)
        if outcome.code != 0:
            return Row(name, len(before), f"ended with {outcome.code}", outcome.reason)
        after = small_pictures(output, MOST)
    verdict, words = compare(before, after)
    if verdict == "looks different":  # it may have been deinterlaced
        verdict, words = compare(small_pictures(file, MOST, progressive=True), after)
    return Row(name, len(before), verdict, words)


def compare(before: np.ndarray, after: np.ndarray) -> tuple[str, str]:
    """Say whether two films, (N, H, W) uint8 each, have the same pictures."""
    if len(before) != len(after):
        return "another count", f"{len(after)} pictures, ffmpeg sees {len(before)}"
    difference = np.abs(before.astype(np.int16) - after).mean(axis=(1, 2))
    share = float((difference < LEVELS).mean())
    if share < SHARE:
        return "looks different", f"{share:.0%} of the pictures are alike"
    return "right", ""


def main() -> str:
    """Return the counts, and what is neither right nor refused.

    Raises:
        UnavailableError: SILK_PURSE_FATE names no folder.
    """
    folder = Path(os.environ.get("SILK_PURSE_FATE", ""))
    if not os.environ.get("SILK_PURSE_FATE") or not folder.is_dir():
        raise UnavailableError("SILK_PURSE_FATE must name the folder of FFmpeg's samples.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        names = [str(path.relative_to(folder)) for path in files]
        rows = list(pool.map(examine, files, names))
    return table(rows)


def table(rows: list[Row]) -> str:
    """Return the counts as a table, and the files that need an explanation."""
    films = [row for row in rows if row.pictures >= 2]
    lines = [
        f"{len(rows)} files, of which {len(films)} hold two or more pictures that ffmpeg decodes.",
        "",
        *tally("films", (row.verdict for row in films)),
    ]
    odd = [row for row in films if row.verdict != "right"]
    odd += [row for row in rows if row.pictures < 2 and row.verdict.startswith("ended")]
    if odd:
        lines += ["", "| file | pictures | verdict | words |", "|---|---|---|---|"]
        lines += [f"| {r.name} | {r.pictures} | {r.verdict} | {r.words} |" for r in odd]
    return "\n".join(lines)

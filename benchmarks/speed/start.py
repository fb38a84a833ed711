"""How soon a command begins, and how long films of many frames take to open: before and today.

    python -m benchmarks.speed.start                        # all
    python -m benchmarks.speed.start 832da0e probe open     # some, against another revision

The runs alternate, and the best of each side counts: whatever else a machine does makes it slower.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import ROOT, UnavailableError, ffmpeg
from benchmarks.speed.before import checked_out

REVISION = "dd92e6c"
"""The last revision before starting and opening were looked at."""

FRAMES = 60_000


@dataclass(frozen=True)
class Case:
    """Something to wait for.

    Attributes:
        title: what it is.
        words: what Python is called with; {film}, {long} and {made} stand for files.
        rounds: how often each side is measured.
    """

    title: str
    words: Sequence[str]
    rounds: int = 3


OPEN = """
from pathlib import Path
from helpers.video.reader import open_video
clip = open_video(Path({long!r}), scan={scan!r})
assert len(clip.times) == {frames}
"""

READ = """
from pathlib import Path
from helpers.video.reader import open_video
for frame in open_video(Path({long!r}), scan="packets").frames(0, 6000): pass
"""

SHOTS = """
from pathlib import Path
from helpers.retime import Trim
from helpers.stages.scenes.find import find_cuts
from helpers.video.reader import open_video
clip = open_video(Path({long!r}), scan="packets")
find_cuts(Trim(stop=clip.times[6000])(clip))
"""

CASES = {
    "help": Case("--help", ("-m", "helpers", "--help"), 10),
    "probe": Case("probe of the talk", ("-m", "helpers", "probe", "{film}"), 10),
    "restore": Case(
        "16 frames of the talk, animevideov3 and flow",
        ("-m", "helpers", "restore", "{film}", "-o", "{made}", "--overwrite", "--stop", "2",
         "--upscale", "animevideov3", "--scale", "2", "--interpolate", "flow", "--fps", "24"),
    ),
    "open": Case(
        f"{FRAMES:,} frames of 160x120 opened",
        ("-c", OPEN.replace("{scan!r}", "'auto'").replace("{frames}", str(FRAMES))),
    ),
    "packets": Case(
        f"{FRAMES:,} frames opened by their packets, as a large film is",
        ("-c", OPEN.replace("{scan!r}", "'packets'").replace("{frames}", str(FRAMES))),
    ),
    "read": Case("6,000 frames of 160x120 read", ("-c", READ)),
    "shots": Case("6,000 frames of 160x120 searched for shots", ("-c", SHOTS)),
}  # fmt: skip


def make_film(path: Path, frames: int) -> None:
    """Write a film of 160x120 at 25 frames a second, with sound."""
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25"),
        *("-f", "lavfi", "-i", "sine=sample_rate=22050", "-frames:v", frames, "-shortest"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", path),
    )


def spend(words: Sequence[str], tree: Path) -> tuple[float, float]:
    """Run Python with a tree's package; return seconds by the clock, and of all cores.

    Raises:
        UnavailableError: it failed.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)},
            stdout=said, stderr=said,
        )  # fmt: skip
        _, process.returncode, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        said.seek(0)
        if process.returncode:
            raise UnavailableError(f"{' '.join(words)[:60]}: {said.read().decode()[-500:]}")
    return wall, used.ru_utime + used.ru_stime


def row(case: Case, trees: Sequence[Path], fill: Callable[[str], str]) -> str:
    """Return a row of the table: the best of each side, and the ratios."""
    words = [fill(word) for word in case.words]
    found: list[list[tuple[float, float]]] = [[], []]
    for tree, side in list(zip(trees, found, strict=True)) * case.rounds:
        side.append(spend(words, tree))
    cells = []
    for which in (0, 1):
        before, today = (min(one[which] for one in side) for side in found)
        cells += [f"{before:.2f}", f"{today:.2f}", f"{before / today:.2f}"]
    line = f"| {case.title} | {' | '.join(cells)} |"
    print(line, file=sys.stderr, flush=True)
    return line


def main(revision: str = REVISION, names: Sequence[str] = ()) -> str:
    """Return one row a case."""
    from helpers.video.sources import sample

    rows = [
        f"The best of several runs, at revision {revision} and today in turn.",
        "",
        "| what | wall before, s | today, s | ratio | CPU before, s | today, s | ratio |",
        "|---" * 7 + "|",
    ]
    with checked_out(revision) as old, tempfile.TemporaryDirectory() as folder:
        files = {
            "{film}": str(sample("talk")),
            "{long!r}": repr(f"{folder}/long.mp4"),
            "{made}": f"{folder}/made.mp4",
        }

        def fill(word: str) -> str:
            for mark, value in files.items():
                word = word.replace(mark, value)
            return word

        make_film(Path(folder) / "long.mp4", FRAMES)
        rows += [row(CASES[name], (old, ROOT), fill) for name in names or CASES]
    return "\n".join(rows)


if __name__ == "__main__":
    print(main(*sys.argv[1:2], names=sys.argv[2:]))

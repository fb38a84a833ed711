"""An earlier revision beside this tree: whole runs of the command, old and new in turn.

    python -m benchmarks.speed.before 832da0e            # all runs
    python -m benchmarks.speed.before dd92e6c talk uhd   # some, against another revision

Both use the packages of this Python. The runs alternate, so that a noisy machine is noisy for both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import datasets
from benchmarks.common import ROOT, UnavailableError, ffmpeg

REVISION = "832da0e"
"""The last revision of the first version."""

ROUNDS = 2


@dataclass(frozen=True)
class Case:
    """A run of the command.

    Attributes:
        title: what it does.
        film: how ffmpeg makes the film: the name of a clip, and options before and after it.
        options: of `silk-purse restore`.
    """

    title: str
    film: tuple[str, Sequence[str], Sequence[str]]
    options: Sequence[str]


_PLAIN = ("--upscale", "none", "--interpolate", "none")
_ANIME = ("--upscale", "animevideov3")

CASES = {
    "talk": Case(
        "400 frames of the talk, 160x120 at 8 to 320x240 at 24, animevideov3",
        ("talk", ("-stream_loop", "9"), ("-t", "50", "-c", "copy")),
        (*_ANIME, "--scale", "2", "--interpolate", "flow", "--fps", "24"),
    ),
    "x4plus": Case(
        "16 frames of the talk, 160x120 at 8 to 640x480 at 24, x4plus",
        ("talk", (), ("-t", "2", "-c", "copy")),
        ("--upscale", "x4plus", "--interpolate", "flow", "--fps", "24"),
    ),
    "uhd": Case(
        "4 frames of 1920x1080 to 3840x2160, animevideov3",
        (
            "clips/bigbuckbunny_720p.mp4",
            (),
            ("-vf", "scale=1920:1080", "-frames:v", "4", "-crf", "12"),
        ),
        (*_ANIME, "--scale", "2", "--interpolate", "none"),
    ),
    "cleaning": Case(
        "48 frames of an old film, 640x480, cleaned of all that is found",
        (
            "clips/oldfilm_hydepark.mp4",
            (),
            ("-vf", "scale=640:480", "-frames:v", "48", "-crf", "12"),
        ),
        (*_PLAIN, "--clean", "auto"),
    ),
}


@dataclass(frozen=True)
class Spent:
    """What a run took: seconds by the clock, those of all cores, and the most bytes of memory."""

    wall: float
    cpu: float
    memory: int


def run(tree: Path, film: Path, output: Path, options: Sequence[str]) -> Spent:
    """Run the command of a tree.

    Raises:
        UnavailableError: it failed.
    """
    command = [sys.executable, "-m", "helpers", "restore", str(film), "-o", str(output), *options]
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)},
            stdout=said, stderr=said,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = status
        said.seek(0)
        if status or not output.exists():
            raise UnavailableError(f"{tree.name}: {said.read().decode()[-500:]}")
    output.unlink()
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Check a revision out into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "before"
        git = ("git", "-C", str(ROOT), "worktree")
        add = [*git, "add", "--detach", str(tree), revision]
        subprocess.run(add, check=True, capture_output=True)
        try:
            yield tree
        finally:
            remove = [*git, "remove", "--force", str(tree)]
            subprocess.run(remove, check=True, capture_output=True)


def make_film(case: Case, folder: Path) -> Path:
    """Make the film of a case."""
    from helpers.video.sources import sample

    name, before, after = case.film
    source = Path(sample()) if name == "talk" else datasets.fetch(name)[name]
    path = folder / "film.mp4"
    ffmpeg(*before, "-i", source, *after, path)
    return path


def compare(case: Case, old: Path, rounds: int = ROUNDS) -> tuple[list[Spent], list[Spent]]:
    """Run a case with an old tree and with this one, in turn."""
    spent: tuple[list[Spent], list[Spent]] = ([], [])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        film = make_film(case, folder)
        for turn in range(rounds):
            for side, tree in ((0, old), (1, ROOT)):
                output = folder / f"{side}_{turn}.mp4"
                spent[side].append(run(tree, film, output, case.options))
                print(case.title, tree.name, spent[side][-1], file=sys.stderr, flush=True)
    return spent


def main(revision: str = REVISION, names: Sequence[str] = ()) -> str:
    """Return one row a case."""
    rows = [
        f"Whole runs of the command at revision {revision} and today, in turn; the median of "
        f"{ROUNDS} ratios.",
        "",
        "| run | wall before, s | today, s | ratio | CPU before, s | today, s | ratio "
        "| memory before, GB | today, GB |",
        "|---" * 9 + "|",
    ]
    with checked_out(revision) as old:
        for name in names or CASES:
            before, today = compare(CASES[name], old)
            cells = []
            for kind in ("wall", "cpu"):
                sides = [[getattr(one, kind) for one in side] for side in (before, today)]
                pairs = list(zip(*sides, strict=True))
                one, two = map(median, sides)
                cells += [f"{one:.1f}", f"{two:.1f}", f"{median(a / b for a, b in pairs):.2f}"]
            cells += [f"{max(s.memory for s in side) / 1e9:.2f}" for side in (before, today)]
            rows.append(f"| {CASES[name].title} | {' | '.join(cells)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(main(*sys.argv[1:2], names=sys.argv[2:]))

"""An earlier revision beside this tree: whole runs of the command, old and new in turn.

    python -m benchmarks.speed.before 832da0e            # all runs
    python -m benchmarks.speed.before dd92e6c talk uhd   # some, against another revision

Both use the packages of this Python. The runs alternate, so that a noisy machine is noisy for both.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import datasets
from benchmarks.common import ROOT, ffmpeg
from benchmarks.speed.spent import HEAD, compare, spend

REVISION = "832da0e"
"""The last revision of the first version."""


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

_AS_BEFORE = ("--strength", "1", "--no-steady")
"""Options of today for what was always done before."""

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
        "24 frames of an old film, 640x480, cleaned of all that is found",
        (
            "clips/oldfilm_hydepark.mp4",
            (),
            ("-vf", "scale=640:480", "-frames:v", "24", "-crf", "12"),
        ),
        (*_PLAIN, "--clean", "auto"),
    ),
}


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


def main(revision: str = REVISION, names: Sequence[str] = ()) -> str:
    """Return one row a case."""
    rows = [
        f"Whole runs of the command at revision {revision} and today, in turn.",
        "",
        HEAD.replace("of the other", "before").replace("ours", "today"),
        "|---" * 9 + "|",
    ]
    with checked_out(revision) as old, tempfile.TemporaryDirectory() as folder:
        for case in (CASES[name] for name in names or CASES):
            film, output = make_film(case, Path(folder)), Path(folder) / "made.mp4"
            words = ["-m", "helpers", "restore", str(film), "-o", str(output), *case.options]
            today = _AS_BEFORE if "none" not in case.options[:2] else ()
            sides = [
                partial(spend, [sys.executable, *words, *more], output, tree, PYTHONPATH=str(tree))
                for tree, more in ((old, ()), (ROOT, today))
            ]
            rows.append(compare(case.title, *sides))
    return "\n".join(rows)


if __name__ == "__main__":
    print(main(*sys.argv[1:2], names=sys.argv[2:]))

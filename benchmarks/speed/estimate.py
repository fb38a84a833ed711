"""What an estimate says before a run, beside what the run takes: seconds, and bytes on the disk."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks import datasets
from helpers import sample
from helpers.estimates import RENDER, estimate
from helpers.plan import Plan
from helpers.project.project import Project
from helpers.retime import Trim

PLANS = {
    "animevideov3": {"upscale": "animevideov3", "scale": 2, "interpolate": "none"},
    "lanczos and flow, twice each": {"upscale": "lanczos", "scale": 2, "factor": 2},
    "damage and noise": {
        "clean": ("damage", "noise"), "upscale": "none", "interpolate": "none",
    },
}  # fmt: skip
"""A network that takes most of the time, two quick steps, and cleaners, which look around."""

CASES = (
    ("clips/carphone_pristine.mp4", "animevideov3"),
    ("clips/oldfilm_friday_speech.mp4", "lanczos and flow, twice each"),
    ("clips/oldfilm_hydepark.mp4", "damage and noise"),
    ("clips/bikes_scene_cuts.mp4", "lanczos and flow, twice each"),
)

FRAMES = 48
"""How many frames of a film are made at the most."""


def measure(film: Path, plan: str) -> list[float]:
    """Return seconds to make, seconds to render and bytes: first the estimates, then the facts."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        run = project.context(progress=False)
        clip = project.source(film, run=run)
        if len(clip) > FRAMES:
            clip = Trim(stop=clip.times[FRAMES])(clip)
        wanted = Plan.of(**PLANS[plan]).apply(clip, run)
        said = estimate(wanted, project, codec="ffv1")
        begun = time.perf_counter()
        saved = project.save(wanted, "restored", codec="ffv1", progress=False)
        made = time.perf_counter() - begun
        begun = time.perf_counter()
        project.render(saved, Path(folder) / "film.mp4", progress=False)
        rendered = time.perf_counter() - begun
        size = project.status().bytes
    return [said.making, dict(said.steps)[RENDER], said.room.need, made, rendered, size]


def row(film: Path, plan: str) -> str:
    """Return a row of the table."""
    says = measure(film, plan)
    made, rendered, size = says[3:]
    line = (
        f"| {film.stem} | {plan} | {made:.1f} | x{says[0] / made:.2f} | {rendered:.1f} "
        f"| x{says[1] / rendered:.2f} | {size / 1e6:.1f} | x{says[2] / size:.2f} |"
    )
    print(line, file=sys.stderr, flush=True)
    return line


def main() -> str:
    """Return one row for each film."""
    found, left_out = datasets.gather(*(name for name, _ in CASES))
    films = [(found[name], plan) for name, plan in CASES if name in found]
    rows = [
        f"What an estimate says of {FRAMES} frames of a film, beside what they take: x1.10 is a",
        "tenth too much. Segments are without loss. A run tries a few frames first, which",
        "is counted as a part of it.",
        "",
        "| film | steps | make, s | said | render, s | said | MB | said |",
        "|---|---|---|---|---|---|---|---|",
        row(sample("talk"), "lanczos and flow, twice each"),
        *(row(film, plan) for film, plan in films),
    ]
    return "\n".join([*rows, *left_out])

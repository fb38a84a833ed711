"""What an estimate says before a run, beside what the run takes: seconds, and bytes on the disk."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from helpers import sample
from helpers.clip import Clip
from helpers.estimates import RENDER, estimate
from helpers.plan import Plan
from helpers.project.project import Project
from helpers.retime import Trim

PLANS = {
    "animevideov3, 24 frames": {"upscale": "animevideov3", "interpolate": "none"},
    "lanczos twice, flow twice": {"upscale": "lanczos", "scale": 2, "factor": 2},
    "cleaned of damage and noise": {
        "clean": ("damage", "noise"), "upscale": "none", "interpolate": "none",
    },
}  # fmt: skip
"""A network that takes most of the time, two quick steps, and cleaners, which look around."""

FRAMES = {"animevideov3, 24 frames": 24}
"""How many frames of a film are made; all of them if it is not said here."""


def measure(film: Path, name: str) -> list[float]:
    """Return seconds to make, seconds to render and bytes: first the estimates, then the facts."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "project")
        run = project.context(progress=False)
        source = project.source(film, run=run)
        wanted = _wish(source, name, run)
        said = estimate(wanted, project, codec="ffv1")
        begun = time.perf_counter()
        saved = project.save(wanted, "restored", codec="ffv1", progress=False)
        made = time.perf_counter() - begun
        begun = time.perf_counter()
        project.render(saved, Path(folder) / "film.mp4", progress=False)
        rendered = time.perf_counter() - begun
        size = project.status().bytes
    return [said.making, dict(said.steps)[RENDER], said.room.need, made, rendered, size]


def _wish(source: Clip, name: str, run) -> Clip:  # noqa: ANN001
    count = FRAMES.get(name, len(source))
    clip = source if count >= len(source) else Trim(stop=source.times[count])(source)
    return Plan.of(**PLANS[name]).apply(clip, run)


def main(*films: str) -> str:
    """Return one row for each film and plan.

    Args:
        films: more films than the two samples.
    """
    rows = [
        "What an estimate says, beside what the run takes: x1.10 is a tenth too much. Segments are",
        "without loss. The frames that a run tries before it begins are a part of it.",
        "",
        "| film | plan | make, s | said | render, s | said | MB | said |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for film in (sample("talk"), sample("film"), *map(Path, films)):
        for name in PLANS:
            says = measure(film, name)
            made, rendered, size = says[3:]
            rows.append(
                f"| {film.stem} | {name} | {made:.1f} | x{says[0] / made:.2f} | {rendered:.1f} "
                f"| x{says[1] / rendered:.2f} | {size / 1e6:.1f} | x{says[2] / size:.2f} |"
            )
            print(rows[-1], file=sys.stderr, flush=True)
    return "\n".join(rows)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))

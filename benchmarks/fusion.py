"""The fusion network beside optical flow: triplet by triplet, and beside RIFE 4.6 in seconds.

    python benchmarks/fusion.py               # the shipped weights
    python benchmarks/fusion.py my.safetensors

RIFE has generated weights: they take as long as real ones. What is measured on the triplets is
measured through the public stage; the triplets were never trained on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import median

import numpy as np
from common import SHARED, machine
from interpolation import NAMES, SETS

from helpers import Interpolate
from helpers.catalog import table as catalog
from helpers.catalog.load import read_state
from helpers.clip import MemoryClip
from helpers.runtime.machine import runtime
from helpers.stages.interpolate.flow import FlowInterpolator
from helpers.stages.interpolate.fusion import FusionInterpolator
from helpers.stages.interpolate.rife import RifeInterpolator
from tests.support.rife_states import generated_state, pictures

ROUNDS = 9


def named_triplets(name: str) -> dict[str, list[np.ndarray]]:
    """Return the triplets of a set by the names of their folders: first, true middle, last."""
    import cv2

    found = {}
    for folder in sorted((SHARED / "triplets").glob(f"{name}*")):
        for files in NAMES:
            paths = [folder / file for file in files]
            if all(path.exists() for path in paths):
                found[folder.name] = [
                    cv2.cvtColor(cv2.imread(str(p)), cv2.COLOR_BGR2RGB) for p in paths
                ]
    return found


def middle(model: str, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Draw the picture half way, through the public stage."""
    clip = MemoryClip([first, last], [Fraction(0), Fraction(1)], Fraction(2))
    return Interpolate(model, factor=2)(clip)[1].image


def decibels(made: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR of an 8-bit picture."""
    error = np.square(made.astype(np.float64) - truth).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def quality(draw: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> list[str]:
    """Return a table with a row for every triplet, and the mean of every set."""
    rows = ["| triplet | flow, dB | fusion, dB | gain |", "|---|---|---|---|"]
    for name in SETS:
        pairs = []
        for title, (first, truth, last) in named_triplets(name).items():
            flow = decibels(middle("flow", first, last), truth)
            pairs.append((flow, decibels(draw(first, last), truth)))
            rows.append(f"| {title} | {pairs[-1][0]:.2f} | {pairs[-1][1]:.2f} | "
                        f"{pairs[-1][1] - flow:+.2f} |")  # fmt: skip
        one, other = np.mean(pairs, 0)
        rows.append(f"| **{name}** | **{one:.2f}** | **{other:.2f}** | **{other - one:+.2f}** |")
    return rows


def speed(fusion: FusionInterpolator) -> list[str]:
    """Return seconds a frame of 640x480, all engines in turn."""
    device, precision = runtime().device, runtime().precision
    engines = {
        "flow": FlowInterpolator(),
        "fusion": fusion,
        "RIFE 4.6": RifeInterpolator(generated_state("4.6"), "4.6", device, precision),
    }
    pair = pictures(480, 640)
    clocks: tuple[Callable[[], float], ...] = (time.perf_counter, time.process_time)
    spent: dict[str, list[list[float]]] = {name: [] for name in engines}
    for _ in range(ROUNDS + 1):
        for name, engine in engines.items():
            begun = [clock() for clock in clocks]
            engine.between(*pair, [0.5])
            spent[name].append([clock() - at for clock, at in zip(clocks, begun, strict=True)])
    rows = ["| engine | seconds by the clock | processor seconds | of RIFE 4.6's |",
            "|---|---|---|---|"]  # fmt: skip
    typical = {n: [median(c) for c in zip(*s[1:], strict=True)] for n, s in spent.items()}
    for name, (clock, processor) in typical.items():
        rife = typical["RIFE 4.6"]
        shares = f"{clock / rife[0]:.2f}, {processor / rife[1]:.2f}"
        rows.append(f"| {name} | {clock:.3f} | {processor:.3f} | {shares} |")
    return rows


def main(weights: str | None = None) -> str:
    """Return both tables, for the shipped weights or those of a file."""
    model = catalog.get("fusion", "interpolate")
    path = Path(weights) if weights else catalog.get_files(model)[0]
    fusion = FusionInterpolator(read_state([path]), runtime().device, runtime().precision)

    def draw(first: np.ndarray, last: np.ndarray) -> np.ndarray:
        if weights is None:
            return middle("fusion", first, last)
        return fusion.between(first, last, [0.5])[0]

    told = "PSNR of the middle frame."
    parts = [f"{told} On {machine()}.", "", *quality(draw)] if (
        SHARED / "triplets").is_dir() else ["The triplets are not here."]  # fmt: skip
    return "\n".join([*parts, "", "A frame of 640x480 at half way, in turn, medians.", "",
                      *speed(fusion)])  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(main(*sys.argv[1:2]) + "\n")

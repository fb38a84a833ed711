"""Interpolation by optical flow beside an earlier revision: seconds of CPU, and how near the truth.

    python -m benchmarks.speed.flow            # beside the last one with motion in full size
    python -m benchmarks.speed.flow 832da0e    # beside another

Both revisions make the same pictures in turn, in processes with one thread. Behind an enlargement,
triplets are shrunk to a quarter and enlarged by a model, and the truth is the enlarged middle.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from statistics import mean
from typing import Any

import cv2
import numpy as np

REVISION = "dd92e6c"
"""The last revision that measured the motion in pictures of full size."""

SIZES = {"160x120, enlarged 4 times": (640, 480, 4), "640x480": (640, 480, 1),
         "1280x720": (1280, 720, 1)}  # fmt: skip
TIMED = "middlebury_Walking"
ROUNDS, CALLS, COLD = 4, 6, 2
"""Processes for each size and revision, calls in each, and how many of these are not counted, since
they also make buffers."""

ENLARGED = ("davis", "middlebury")
"""The sets that are shrunk to a quarter; those of UCF101 would be smaller than any film."""

MODELS = ("animevideov3", "lanczos")

Pair = tuple[np.ndarray, np.ndarray]


def work(source: Path, result: Path) -> None:
    """Interpolate in the tree that is imported; keep the pictures and the seconds of CPU.

    Args:
        source: an .npz file with `first_N`, `last_N`, `fractions_N` and `enlarged_N`.
        result: the .npz file to write, with `middle_N` and `seconds_N`.
    """
    from helpers.stages.interpolate.flow import FlowInterpolator

    cv2.setNumThreads(1)
    made: dict[str, Any] = {}
    with np.load(source) as given:
        for number in range(len(given.files) // 4):
            first, last, fractions, enlarged = (
                given[f"{name}_{number}"] for name in ("first", "last", "fractions", "enlarged")
            )
            knows = FlowInterpolator.__init__ is not object.__init__
            interpolator = FlowInterpolator(float(enlarged)) if knows else FlowInterpolator()
            begun = time.process_time()
            drawn = interpolator.between(first, last, list(fractions))
            made[f"seconds_{number}"] = (time.process_time() - begun) / len(drawn)
            made[f"middle_{number}"] = drawn[0]
    np.savez(result, **made)


def interpolate(
    tree: Path, pairs: Sequence[Pair], fractions: Sequence[float], enlarged: float
) -> tuple[list[np.ndarray], list[float]]:
    """Let a tree interpolate; return its first new picture and the seconds a picture of each pair.

    Args:
        tree: a checkout of this repository.
        pairs: the pictures to interpolate between.
        enlarged: how many times they were enlarged; a revision that need not know is not told.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "source.npz", Path(folder) / "result.npz"
        given: dict[str, Any] = {}
        for number, (first, last) in enumerate(pairs):
            given |= {f"first_{number}": first, f"last_{number}": last}
            given |= {f"fractions_{number}": fractions, f"enlarged_{number}": enlarged}
        np.savez(source, **given)
        command = [sys.executable, __file__, "--work", str(source), str(result)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(tree)})
        with np.load(result) as made:
            numbers = range(len(pairs))
            seconds = [float(made[f"seconds_{number}"]) for number in numbers]
            return [made[f"middle_{number}"] for number in numbers], seconds


def speed(trees: Sequence[Path], pair: Pair) -> list[str]:
    """Return one row for each size and number of new pictures; the least of some rounds counts."""
    rows = [
        "| pictures | new between two | before, s | today, s | ratio |",
        "|---|---|---|---|---|",
    ]
    for name, (width, height, enlarged) in SIZES.items():
        sized = tuple(cv2.resize(x, (width, height), interpolation=cv2.INTER_CUBIC) for x in pair)
        for fractions in ([0.5], [1 / 3, 2 / 3]):
            seconds: tuple[list[float], list[float]] = ([], [])
            for _ in range(ROUNDS):
                for side, tree in zip(seconds, trees, strict=True):
                    side += interpolate(tree, [sized] * CALLS, fractions, enlarged)[1][COLD:]
            old, new = map(min, seconds)
            rows.append(f"| {name} | {len(fractions)} | {old:.3f} | {new:.3f} | {old / new:.2f} |")
    return rows


def sharpness(picture: np.ndarray) -> float:
    """Return the energy of the gradient of a picture's luma."""
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(np.square(np.diff(luma, axis=0)).mean() + np.square(np.diff(luma, axis=1)).mean())


def row(label: str, trees: Sequence[Path], triplets: Sequence[Any], enlarged: float) -> str:
    """Return a row of the table of quality: PSNR in dB, and sharpness beside the truth's."""
    from benchmarks.common import psnr

    pairs = [(first, last) for first, _, last in triplets]
    truths = [truth for _, truth, _ in triplets]
    cells, signals = [], []
    for tree in trees:
        made, _ = interpolate(tree, pairs, [0.5], enlarged)
        signals.append(list(map(psnr, truths, made)))
        sharp = [sharpness(one) / sharpness(two) for one, two in zip(made, truths, strict=True)]
        cells.append(f"{mean(signals[-1]):.2f} | {mean(sharp):.2f}")
    worst = min(new - old for old, new in zip(*signals, strict=True))
    gain = mean(signals[1]) - mean(signals[0])
    return f"| {label} | {' | '.join(cells)} | {gain:+.3f} | {worst:+.2f} |"


def enlarge(model: str, triplet: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Shrink pictures to a quarter, and enlarge them four times by a model."""
    from benchmarks.common import as_clip
    from helpers import Upscale

    height, width = (side // 4 for side in triplet[0].shape[:2])
    small = [
        cv2.resize(picture[: 4 * height, : 4 * width], (width, height), None, 0, 0, cv2.INTER_AREA)
        for picture in triplet
    ]
    return [frame.image for frame in Upscale(model, Fraction(4))(as_clip(small))]


def main(revision: str = REVISION) -> str:
    """Return the table of speed and the table of quality."""
    from benchmarks.common import ROOT
    from benchmarks.quality.interpolation import SETS, read_triplets
    from benchmarks.speed.before import checked_out

    triplets, left_out = read_triplets(*SETS)
    with checked_out(revision) as old:
        trees = (old, ROOT)
        rows = [f"Seconds of CPU a new picture, at revision {revision} and today.", ""]
        first, _, last = triplets[TIMED]
        rows += speed(trees, (first, last))
        rows += [
            "",
            "PSNR of the middle picture in dB, and the energy of its gradient beside the truth's.",
            "",
            "| triplets | before, dB | sharp | today, dB | sharp | mean gain | worst |",
            "|---|---|---|---|---|---|---|",
        ]
        of_set = {
            name: [list(found) for title, found in triplets.items() if title.startswith(name)]
            for name in SETS
        }
        rows += [row(name, trees, of_set[name], 1) for name in SETS]
        for model in MODELS:
            for name in ENLARGED:
                large = [enlarge(model, triplet) for triplet in of_set[name]]
                rows.append(row(f"{name}, enlarged 4 times by {model}", trees, large, 4))
    return "\n".join(rows + left_out)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*map(Path, sys.argv[2:]))
    else:
        print(main(*sys.argv[1:]))

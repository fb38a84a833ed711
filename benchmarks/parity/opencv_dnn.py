"""Our dnn_superres networks beside OpenCV's own engine: grey levels apart, and seconds a frame.

OpenCV's contrib modules do not live beside the plain package, so they run in another environment
(`python -m venv contrib && contrib/bin/pip install opencv-contrib-python-headless`), whose Python
SILK_PURSE_CONTRIB_PYTHON names. Measured are those of the catalogue's networks that are here;
`python -m helpers fetch fsrcnn-x2` fetches one.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import datasets
from benchmarks.common import UnavailableError, read_picture
from helpers.catalog.table import get_files, models
from helpers.stages.upscale.opencv_dnn import OpencvSuperres

ENGINE = "stages.upscale.opencv_dnn"

SIZES = ((160, 120), (320, 240), (640, 480))
"""Width and height of what is timed; the slow networks at the smallest only."""

SLOW = ("lapsrn", "edsr")

OTHER = """
import json, sys, time
import cv2, numpy as np
print(json.dumps(cv2.__version__), flush=True)
models = {}
for line in sys.stdin:
    path, algorithm, scale, given, made = json.loads(line)
    if path not in models:
        models[path] = cv2.dnn_superres.DnnSuperResImpl_create()
        models[path].readModel(path)
        models[path].setModel(algorithm, scale)
    picture = np.ascontiguousarray(np.load(given)[..., ::-1])
    begun = time.perf_counter()
    large = models[path].upsample(picture)
    seconds = time.perf_counter() - begun
    np.save(made, large[..., ::-1])
    print(json.dumps(seconds), flush=True)
"""
"""What the other environment runs: a request a line, answered by the seconds that it took."""


class Contrib:
    """OpenCV's dnn_superres in another process."""

    def __init__(self, python: str, folder: Path) -> None:
        self.given, self.made = folder / "given.npy", folder / "made.npy"
        self.process = subprocess.Popen(
            [python, "-c", OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.version = self._answer()

    def upscale(self, path: Path, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the picture enlarged, and the seconds that it took."""
        algorithm, scale = named(path)
        np.save(self.given, image)
        plain = algorithm.removesuffix("-small")
        request = [str(path), plain, scale, str(self.given), str(self.made)]
        assert self.process.stdin
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        seconds = self._answer()
        return np.load(self.made), seconds

    def close(self) -> None:
        """End the process."""
        self.process.communicate()

    def _answer(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The environment with OpenCV's contrib modules ended; see above.")
        return json.loads(line)


def named(path: Path) -> tuple[str, int]:
    """Return the algorithm and scale that a file is named after: "FSRCNN-small_x2.pb"."""
    algorithm, scale = path.stem.split("_x")
    return algorithm.lower(), int(scale)


def compared(path: Path, contrib: Contrib, images: list[np.ndarray]) -> str:
    """Return a row: how far apart the results are, and how the times compare, taken in turn."""
    import cv2

    network = OpencvSuperres(path, *named(path))
    slow = network.algorithm in SLOW
    rounds = 2 if slow else 5
    apart, different = 0, []
    for image in [image[:96, :96] for image in images[:2]] if slow else images:
        theirs, _ = contrib.upscale(path, image)
        gap = np.abs(network.upscale([image])[0].astype(int) - theirs)
        apart = max(apart, int(gap.max()))
        different.append(float((gap > 0).mean()))
    cells = []
    for size in SIZES[: 1 if slow else None]:
        frame, spans = cv2.resize(images[0], size), []
        for number in range(rounds + 1):
            begun = time.perf_counter()
            network.upscale([frame])
            ours = time.perf_counter() - begun
            if number:  # the first round is not counted
                spans.append((ours, contrib.upscale(path, frame)[1]))
            else:
                contrib.upscale(path, frame)
        ratio = median(theirs / ours for ours, theirs in spans)
        ours, theirs = (median(column) for column in zip(*spans, strict=True))
        cells.append(f"{ours:.3f} / {theirs:.3f} / {ratio:.2f}")
    cells += ["-"] * (len(SIZES) - len(cells))
    return f"| {path.stem} | {apart} | {np.mean(different):.5%} | {' | '.join(cells)} |"


def contrib_python() -> str:
    """Return the Python of an environment with OpenCV's contrib modules.

    Raises:
        UnavailableError: there is none.
    """
    python = os.environ.get("SILK_PURSE_CONTRIB_PYTHON")
    if python and Path(python).exists():
        return python
    raise UnavailableError(
        "An environment with OpenCV's contrib modules is not here "
        f"({python or 'SILK_PURSE_CONTRIB_PYTHON is not set'}). Make one with `python -m venv "
        "contrib && contrib/bin/pip install opencv-contrib-python-headless`, and name its "
        "contrib/bin/python by SILK_PURSE_CONTRIB_PYTHON."
    )


def network_files() -> list[Path]:
    """Return the files of OpenCV's networks that are on this machine, by name.

    Raises:
        UnavailableError: there is none.
    """
    here = [row for row in models("upscale") if row.engine == ENGINE and row.present]
    if not here:
        raise UnavailableError(
            "None of OpenCV's networks is here; `python -m helpers fetch fsrcnn-x2` fetches one."
        )
    return sorted(get_files(row)[0] for row in here)


def main() -> str:
    """Return one row a file."""
    python, paths = contrib_python(), network_files()
    files, _ = datasets.gather("set5")
    images = [np.ascontiguousarray(read_picture(path)[:200, :200]) for path in files.values()]
    with tempfile.TemporaryDirectory() as scratch:
        contrib = Contrib(python, Path(scratch))
        rows = [
            f"Beside dnn_superres of OpenCV {contrib.version} on {len(images)} pictures of Set5;",
            "seconds a frame: ours / theirs / times as fast, in turn.",
            "",
            "| file | grey levels apart | values that differ | "
            + " | ".join(f"{width}x{height}" for width, height in SIZES)
            + " |",
            "|---|---|---|---|---|---|",
        ]
        rows += [compared(path, contrib, images) for path in paths]
        contrib.close()
    return "\n".join(rows)

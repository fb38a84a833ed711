"""Beside framelift-video, a package of the same purpose, on the same film with the same network.

`pip install --no-deps --target FOLDER framelift-video`; SILK_PURSE_FRAMELIFT names the folder.
Its weights are made of those that are bundled here. It keeps neither the sample aspect ratio, nor
colour tags, ten bits or a variable rate, and encodes with a quicker preset.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.common import ROOT, UnavailableError, ffmpeg
from benchmarks.speed.spent import HEAD, compare, spend
from helpers.catalog.table import get, get_files
from helpers.nn.weight_files import read_state
from helpers.runtime.machine import runtime

LENGTHS = (100, 397)
"""Frames of the talk."""

THEIR_NAME = "realesr-animevideov3"

PROGRAM = f"""
import sys
from framelift import enhance_video
enhance_video(sys.argv[1], sys.argv[2], show_progress=False, model={THEIR_NAME!r}, scale=2,
              ai_strength=1.0, tile=0, weights_dir=sys.argv[3])
"""


def main() -> str:
    """Return one row a length.

    Raises:
        UnavailableError: the package is not here.
    """
    import torch

    from helpers.video.sources import sample

    package = os.environ.get("SILK_PURSE_FRAMELIFT")
    if not package or not Path(package, "framelift").is_dir():
        raise UnavailableError("SILK_PURSE_FRAMELIFT does not name a folder with framelift in it.")
    rows = ["The talk, 160x120 to 320x240, animevideov3, with its sound.", ""]
    rows += [HEAD.replace("the other", "framelift"), "|---" * 9 + "|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film, output = folder / "film.mp4", folder / "made.mp4"
        state = read_state(get_files(get("animevideov3", "upscale")))
        torch.save({"params": state}, folder / f"{THEIR_NAME}.pth")
        (folder / "ffmpeg").symlink_to(runtime().ffmpeg)
        path = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
        for count in LENGTHS:
            ffmpeg("-stream_loop", "9", "-i", sample(), "-t", count / 8, "-c", "copy", film)
            theirs = [sys.executable, "-c", PROGRAM, str(film), str(output), str(folder)]
            ours = [
                sys.executable, "-m", "helpers", "restore", str(film), "-o", str(output),
                "--upscale", "animevideov3", "--scale", "2", "--interpolate", "none",
            ]  # fmt: skip
            rows.append(compare(
                f"{count} frames",
                partial(spend, theirs, output, folder, PYTHONPATH=package, PATH=path),
                partial(spend, ours, output, ROOT, PYTHONPATH=str(ROOT)),
            ))  # fmt: skip
    return "\n".join(rows)

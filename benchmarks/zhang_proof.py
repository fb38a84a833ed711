"""Whether ECCV16 and SIGGRAPH17 give here what their author's own code gives.

    SILK_PURSE_ORIGINALS=/folder/of/clones python benchmarks/zhang_proof.py

The folder holds a clone, bare or not, of richzhang/colorization, or of a fork that left its
networks alone. The definitions are read out of the commit, never imported as a package. Weights
are generated under the official names and go through both; then a real picture goes through the
author's whole path and through the engine.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch
from common import SHARED
from ddcolor_proof import (
    FIELDS,
    compared,
    digest,
    grey_picture,
    noise,
    size_of,
)
from test_zhang import generated_zhang
from upscaler_proof import source, stand_in

from helpers.stages.colorize.zhang import Zhang

REPOSITORY = "richzhang/colorization"
CLASSES = {"eccv16": "ECCVGenerator", "siggraph17": "SIGGRAPHGenerator"}
SIDES = ((64, 64), (104, 176), (256, 256))
"""Heights and widths that the networks are compared at."""


def authors_network(folder: Path, name: str) -> torch.nn.Module:
    """Return a network of that repository, without weights yet."""
    stand_in("IPython", embed=None)
    stand_in("colorizers").__path__ = []
    for part in ("base_color", name):
        module = stand_in(f"colorizers.{part}", __package__="colorizers")
        exec(source(folder, REPOSITORY, f"colorizers/{part}.py"), module.__dict__)
    return getattr(module, CLASSES[name])().eval()


def beside_author(folder: Path) -> list[str]:
    """Return one row a network and picture."""
    rows = [FIELDS]
    for name in CLASSES:
        theirs = authors_network(folder, name)
        about = f"{size_of(theirs.state_dict())} | {digest(theirs.state_dict())[:12]}"
        state = generated_zhang(name)
        theirs.load_state_dict(state)
        ours = Zhang(state)
        for height, width in SIDES:
            given = 100 * noise(height, width)[:, :1]
            cells = compared(theirs, ours.network, given)
            rows.append(f"| {ours.title} | {about} | {width}x{height} | {cells} |")
    return rows


def whole_path(folder: Path, name: str, side: int = 256) -> str:
    """Return a row: how far the engine's picture is from the author's, resized and cut."""
    state = generated_zhang(name)
    network = authors_network(folder, name)
    network.load_state_dict(state)
    util = stand_in("authors_util")
    exec(source(folder, REPOSITORY, "colorizers/util.py"), util.__dict__)
    engine = Zhang(state)
    cells = []
    for grey in (grey_picture(side), grey_picture()):
        _, lightness = util.preprocess_img(grey, HW=(side, side))
        with torch.inference_mode():
            theirs = util.postprocess_tens(lightness, network(lightness))
        mine = engine.colours([grey[..., 0].astype(np.float32) / 255], side // 16)[0]
        # Outside the colours that a screen has the two Lab conversions cut in their own ways.
        both = np.dstack([theirs, mine])
        gap = np.abs(theirs - mine)[((both > 0) & (both < 1)).all(2)]
        cells.append(f"{gap.max():.1e} / {np.sqrt(np.mean(gap**2)):.1e}")
    return f"| {engine.title} | {' | '.join(cells)} |"


def main() -> str:
    """Return the tables that what is here makes possible."""
    rows, folder = [], os.environ.get("SILK_PURSE_ORIGINALS")
    if folder:
        rows += ["Beside the author's code, generated weights, float32, Lab units.", ""]
        rows += beside_author(Path(folder))
    if folder and (SHARED / "photos" / "kodak").exists():
        rows += [
            "",
            "kodim05 through the author's whole path and the engine: largest difference / "
            "RMS, of 1, of colours that a screen has. His resizing rounds to 8 bits.",
            "",
            "| network | a cut of 256x256 | the whole, resized |",
            "|---|---|---|",
            *(whole_path(Path(folder), name) for name in CLASSES),
        ]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")

"""Whether ECCV16 and SIGGRAPH17 give here what their author's own code gives.

Needs a clone of richzhang/colorization. Weights are generated under the official names and go
through both; then a real picture goes through the author's whole path and through the engine.
"""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.authors import commit, run_file, stand_in
from benchmarks.parity.ddcolor import FIELDS, compared, digest, grey_picture, noise, size_of
from helpers.stages.colorize.zhang import Zhang
from tests.support.zhang_states import generated_zhang

REPOSITORY = "richzhang/colorization"
CLASSES = {"eccv16": "ECCVGenerator", "siggraph17": "SIGGRAPHGenerator"}
SIDES = ((64, 64), (104, 176), (256, 256))
"""Heights and widths that the networks are compared at."""


def authors_network(name: str) -> torch.nn.Module:
    """Return a network of that repository, without weights yet."""
    stand_in("IPython", embed=None)
    stand_in("colorizers").__path__ = []
    for part in ("base_color", name):
        module = run_file(REPOSITORY, f"colorizers/{part}.py", f"colorizers.{part}")
    return getattr(module, CLASSES[name])().eval()


def beside_author() -> list[str]:
    """Return one row a network and picture."""
    rows = [FIELDS]
    for name in CLASSES:
        theirs = authors_network(name)
        about = f"{size_of(theirs.state_dict())} | {digest(theirs.state_dict())[:12]}"
        state = generated_zhang(name)
        theirs.load_state_dict(state)
        ours = Zhang(state)
        for height, width in SIDES:
            given = 100 * noise(height, width)[:, :1]
            cells = compared(theirs, ours.network, given)
            rows.append(f"| {ours.title} | {about} | {width}x{height} | {cells} |")
    return rows


def whole_path(name: str, side: int = 256) -> str:
    """Return a row: how far the engine's picture is from the author's, resized and cut."""
    state = generated_zhang(name)
    network = authors_network(name)
    network.load_state_dict(state)
    util = run_file(REPOSITORY, "colorizers/util.py", "authors_util")
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
    """Return the table of the networks and that of the whole paths."""
    rows = [
        f"Beside the author's code ({commit(REPOSITORY)}), generated weights, float32, Lab units.",
        "",
        *beside_author(),
        "",
        "kodim05 through the author's whole path and the engine: largest difference / "
        "RMS, of 1, of colours that a screen has. His resizing rounds to 8 bits.",
        "",
        "| network | a cut of 256x256 | the whole, resized |",
        "|---|---|---|",
        *(whole_path(name) for name in CLASSES),
    ]
    return "\n".join(rows)

"""Whether FILM draws here what the code that its weights come from draws.

    SILK_PURSE_ORIGINALS=/folder/of/clones python benchmarks/film_proof.py

The folder holds a clone, bare or not, of dajes/frame-interpolation-pytorch, the network of
google-research/frame-interpolation in PyTorch. Its definition is read out of the commit. Weights
are generated and go through both.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import torch
from upscaler_proof import source, stand_in

from helpers.nn.tensors import to_tensor
from helpers.stages.interpolate.film import FilmInterpolator
from helpers.stages.interpolate.film_network import FilmNet
from tests.support.film_states import generated_film
from tests.support.rife_states import pictures

REPOSITORY = "dajes/frame-interpolation-pytorch"
SIZES = ((64, 64), (128, 192), (192, 320))
FRACTIONS = (0.5, 0.2, 0.9)


def authors_network(folder: Path, state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """Return the network of that repository with weights under our names."""
    files = ("util", "feature_extractor", "fusion", "pyramid_flow_estimator", "interpolator")
    for name in files:
        exec(source(folder, REPOSITORY, f"{name}.py"), stand_in(name).__dict__)
    network = sys.modules["interpolator"].Interpolator().eval()
    named = {re.sub(r"\.conv\.(\w+)$", r".0.\1", name): tensor for name, tensor in state.items()}
    network.load_state_dict(named)
    return network


@torch.inference_mode()
def beside_authors(folder: Path) -> list[str]:
    """Return one row a size: motion, and the largest difference in [0, 1]."""
    rows = ["| size | motion: mean / largest, px | spread | difference |", "|---|---|---|---|"]
    for seed, (height, width) in enumerate(SIZES):
        state = generated_film(seed)
        theirs, ours = authors_network(folder, state), FilmNet().eval()
        ours.load_state_dict(state)
        pair = to_tensor(pictures(height, width), "cpu", torch.float32).contiguous()
        seen, flows = ours.prepared(pair)
        drawn = [ours(seen, flows, t) for t in FRACTIONS]
        gaps = [
            float((picture - theirs(*pair.split(1), torch.full((1, 1), t))).abs().max())
            for t, picture in zip(FRACTIONS, drawn, strict=True)
        ]
        motion = flows[0].norm(dim=1)
        rows.append(
            f"| {width}x{height} | {motion.mean():.1f} / {motion.max():.0f} | "
            f"{drawn[0].std():.2f} | {max(gaps):.1e} |"
        )
    return rows


def in_half_precision() -> list[str]:
    """Return one row a precision: PSNR beside float32, of 16-bit pictures."""
    rows = ["| numbers | PSNR beside fp32, dB |", "|---|---|"]
    pair = pictures(96, 128, np.uint16)
    full = FilmInterpolator(generated_film()).between(*pair, [0.5])[0].astype(float)
    for precision in ("fp16", "bf16"):
        half = FilmInterpolator(generated_film(), precision=precision).between(*pair, [0.5])[0]
        error = np.mean((half - full) ** 2)
        rows.append(f"| {precision} | {10 * np.log10(65535**2 / error):.1f} |")
    return rows


def main() -> str:
    """Return the tables that what is here makes possible."""
    rows, folder = [], os.environ.get("SILK_PURSE_ORIGINALS")
    if folder:
        rows += ["FILM beside the code of its weights, float32.", "", *beside_authors(Path(folder))]
    return "\n".join([*rows, "", *in_half_precision()])


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")

"""Whether FILM draws here what the code that its weights come from draws.

Needs a clone of dajes/frame-interpolation-pytorch, the network of
google-research/frame-interpolation in PyTorch. Weights are generated and go through both.
"""

from __future__ import annotations

import re

import numpy as np
import torch

from benchmarks.authors import commit, run_file
from benchmarks.common import psnr
from helpers.nn.tensors import to_tensor
from helpers.stages.interpolate.film import FilmInterpolator
from helpers.stages.interpolate.film_network import FilmNet
from tests.support.film_states import generated_film
from tests.support.rife_states import pictures

REPOSITORY = "dajes/frame-interpolation-pytorch"
SIZES = ((64, 64), (128, 192), (192, 320))
FRACTIONS = (0.5, 0.2, 0.9)


def authors_network(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """Return the network of that repository with weights under our names."""
    for name in ("util", "feature_extractor", "fusion", "pyramid_flow_estimator"):
        run_file(REPOSITORY, f"{name}.py", name)
    network = run_file(REPOSITORY, "interpolator.py", "interpolator").Interpolator().eval()
    named = {re.sub(r"\.conv\.(\w+)$", r".0.\1", name): tensor for name, tensor in state.items()}
    network.load_state_dict(named)
    return network


@torch.inference_mode()
def beside_authors() -> list[str]:
    """Return one row a size: motion, and the largest difference in [0, 1]."""
    rows = ["| size | motion: mean / largest, px | spread | difference |", "|---|---|---|---|"]
    for seed, (height, width) in enumerate(SIZES):
        state = generated_film(seed)
        theirs, ours = authors_network(state), FilmNet().eval()
        ours.load_state_dict(state)
        pair = to_tensor(pictures(height, width), "cpu", torch.float32).contiguous()
        seen, flows = ours.prepare(pair)
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
    full = FilmInterpolator(generated_film()).between(*pair, [0.5])[0]
    for precision in ("fp16", "bf16"):
        half = FilmInterpolator(generated_film(), precision=precision).between(*pair, [0.5])[0]
        rows.append(f"| {precision} | {psnr(full / 257, half / 257):.1f} |")
    return rows


def main() -> str:
    """Return both tables."""
    told = f"FILM beside the code of its weights ({commit(REPOSITORY)}), float32."
    return "\n".join([told, "", *beside_authors(), "", *in_half_precision()])

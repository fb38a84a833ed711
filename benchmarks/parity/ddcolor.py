"""Whether DDColor gives here what its authors' own code gives.

Needs a clone of piddnad/DDColor. Weights are generated under the official names and go through
both; then a real picture goes through the authors' whole pipeline and through the engine.
"""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
import torch

from benchmarks import datasets
from benchmarks.authors import Registry, commit, run_file, stand_in
from helpers.stages.colorize.ddcolor import DDColor
from tests.support.ddcolor_states import LARGE, TINY, generated_ddcolor

REPOSITORY = "piddnad/DDColor"
SIZES = {"convnext-t": TINY, "convnext-l": LARGE}
PHOTOGRAPH = "photos/kodak/kodim05.png"
SIDES = ((64, 64), (96, 160), (256, 256))
"""Heights and widths that the networks are compared at."""


def authors_network(encoder: str) -> torch.nn.Module:
    """Return the network of that repository at a published size, without weights yet."""
    parts = "basicsr.archs.ddcolor_arch_utils"
    for package in ("basicsr", "basicsr.archs", parts, "basicsr.utils"):
        stand_in(package).__path__ = []
    stand_in("basicsr.utils.registry", ARCH_REGISTRY=Registry())
    for name in ("unet", "convnext", "transformer_utils", "position_encoding", "transformer"):
        run_file(REPOSITORY, f"basicsr/archs/ddcolor_arch_utils/{name}.py", f"{parts}.{name}")
    module = run_file(REPOSITORY, "basicsr/archs/ddcolor_arch.py", "basicsr.archs.ddcolor_arch")
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


def size_of(state: dict[str, torch.Tensor]) -> str:
    """Return the megabytes of weights."""
    return f"{sum(t.numel() * t.element_size() for t in state.values()) / 1e6:.1f}"


def compared(theirs: torch.nn.Module, ours: torch.nn.Module, given: torch.Tensor) -> str:
    """Return cells: the spread of a and b, and how far apart networks are, in Lab units.

    Ours with its numbers laid out in memory as theirs are, then as it runs, channels last, where
    convolutions sum in another order; and theirs from itself in 64 bits: what 32 bits round.
    """
    with torch.inference_mode():
        expected, running = theirs(given), ours(given)
        alike = ours.to(memory_format=torch.contiguous_format)(given)
        exact = theirs.double()(given.double())
        theirs.float()
        ours.to(memory_format=torch.channels_last)
    return (
        f"{expected.std():.1f} / {expected.abs().max():.0f} | {_apart(expected, alike)} | "
        f"{_apart(expected, running)} | {_apart(exact, expected)}"
    )


def _apart(one: torch.Tensor, other: torch.Tensor) -> str:
    return f"{(one - other).abs().max():.1e}"


FIELDS = (
    "| network | MB | names and shapes | picture | a, b: spread / largest | to theirs, laid out "
    "alike | to theirs, as it runs | theirs to 64 bits |\n|---|---|---|---|---|---|---|---|"
)


def beside_authors() -> list[str]:
    """Return one row a size and picture."""
    rows = [FIELDS]
    for encoder, (widths, depths) in SIZES.items():
        theirs = authors_network(encoder)
        about = f"{size_of(theirs.state_dict())} | {digest(theirs.state_dict())[:12]}"
        state = generated_ddcolor(widths, depths)
        theirs.load_state_dict(state, assign=True)
        ours = DDColor(state)
        for height, width in SIDES:
            cells = compared(theirs, ours.network, noise(height, width))
            rows.append(f"| {ours.title} | {about} | {width}x{height} | {cells} |")
    return rows


def grey_picture(side: int | None = None) -> np.ndarray:
    """Return a photograph without its colours, (H, W, 3) uint8; or a square out of it."""
    path = datasets.fetch(PHOTOGRAPH)[PHOTOGRAPH]
    return np.dstack([cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)[:side, :side]] * 3)


class Keeping(torch.nn.Module):
    """A network that remembers what it was last given and gave."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pass it on."""
        self.given, self.made = x, self.network(x)
        return self.made


def whole_path(side: int = 512) -> list[str]:
    """Return how far the engine's picture is from the authors' pipeline's, for the tiny network."""
    state = generated_ddcolor()
    network = authors_network("convnext-t")
    network.load_state_dict(state, assign=True)
    module = run_file(REPOSITORY, "ddcolor/pipeline.py", "authors_pipeline")
    keeping, ours = Keeping(network), DDColor(state)
    pipeline = module.ColorizationPipeline(keeping, input_size=side, device="cpu")
    grey, square = grey_picture(), grey_picture(side)
    pipeline.process(grey)
    resized = cv2.resize((grey / 255.0).astype(np.float32), (side, side))
    lab = [cv2.cvtColor(resized, cv2.COLOR_RGB2Lab)[..., :1], keeping.made[0].permute(1, 2, 0)]
    theirs = cv2.cvtColor(np.concatenate(lab, 2), cv2.COLOR_Lab2RGB)
    mine = ours.colours([grey[..., 0].astype(np.float32) / 255], side // 16)[0]
    levels = pipeline.process(square)[..., ::-1].astype(int)
    cut = ours.colours([square[..., 0].astype(np.float32) / 255], side // 16)[0]
    return [
        f"kodim05 through the authors' pipeline and the engine, tiny, {side}x{side}: at most "
        f"{np.abs(theirs - mine).max():.1e} of 1 apart; a {side}x{side} cut of it, as the file "
        f"that they would write: {np.abs(levels - np.rint(255 * cut)).max():.0f} levels of 255."
    ]


def main() -> str:
    """Return the table of the networks, and how far the whole paths are apart."""
    told = (
        f"DDColor beside its authors' code ({commit(REPOSITORY)}), generated weights, float32, "
        "Lab units."
    )
    return "\n".join([told, "", *beside_authors(), "", *whole_path()])

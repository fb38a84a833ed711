"""Whether RealBasicVSR gives here what its authors' own code gives.

Needs a clone of open-mmlab/mmagic, into which the authors put the network. Of mmcv and mmengine
its definition uses a convolution with what follows it, and names. Weights are generated under the
official names and go through both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.authors import Registry, commit, run_file, stand_in
from helpers.nn.tensors import to_tensor
from helpers.stages.upscale.basicvsr_network import RealBasicVsr, Size
from tests.support.basicvsr_states import SMALL, generated_basicvsr, sequence

REPOSITORY = "open-mmlab/mmagic"

CASES = (
    ("published", Size(), 3, 64, 64, 1.0),
    ("published", Size(), 2, 72, 100, 1.0),
    ("small", SMALL, 1, 64, 64, 1.0),
    ("small", SMALL, 5, 64, 96, 1.0),
    ("small", SMALL, 20, 65, 131, 1.0),
    ("small", SMALL, 4, 97, 70, 5 / 255),
    ("small", SMALL, 4, 7, 5, 1.0),
)
"""Which network, frames, height, width, and below which mean change cleaning stops."""


class ConvModule(nn.Module):
    """Stands for mmcv's, as SPyNet uses it: a convolution and a ReLU or nothing."""

    def __init__(self, act_cfg: dict[str, str] | None, norm_cfg: None, **how: Any) -> None:
        super().__init__()
        self.conv, self.active = nn.Conv2d(**how), act_cfg is not None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Convolve."""
        x = self.conv(x)
        return x.relu() if self.active else x


def authors_network(size: Size, enough: float) -> nn.Module:
    """Return the authors' network."""

    def models(path: str, into: str) -> dict[str, Any]:
        return run_file(REPOSITORY, f"mmagic/models/{path}", f"{into}.{Path(path).stem}").__dict__

    def layers(block: type, count: int, **how: Any) -> nn.Sequential:
        return nn.Sequential(*(block(**how) for _ in range(count)))

    for package in ("mmcv", "mmengine.runner", "mmagic", "mmagic.models", "mmagic.models.editors"):
        stand_in(package, load_checkpoint=None).__path__ = []
    stand_in("mmcv.cnn", ConvModule=ConvModule)
    stand_in("mmengine", MMLogger=None, print_log=lambda *_: None).__path__ = []
    stand_in("mmengine.model", BaseModule=nn.Module)
    stand_in("mmagic.registry", MODELS=Registry())
    nothing = {"default_init_weights": lambda *_: None, "make_layer": layers}
    utils = stand_in("mmagic.models.utils", **nothing)
    utils.__dict__["flow_warp"] = models("utils/flow_warp.py", "mmagic.models.warping")["flow_warp"]
    archs = stand_in("mmagic.models.archs")
    for file, name in (("sr_backbone", "ResidualBlockNoBN"), ("upsample", "PixelShufflePack")):
        archs.__dict__[name] = models(f"archs/{file}.py", "mmagic.models.archs")[name]
    inner = models("editors/basicvsr/basicvsr_net.py", "mmagic.models.editors")
    stand_in("mmagic.models.editors.basicvsr").__path__ = []
    stand_in("mmagic.models.editors.basicvsr.basicvsr_net", **inner)
    outer = models("editors/real_basicvsr/real_basicvsr_net.py", "mmagic.models.editors.basicvsr")
    return outer["RealBasicVSRNet"](
        size.channels, size.propagation, size.cleaning, dynamic_refine_thres=255 * enough
    ).eval()


@torch.inference_mode()
def compared(seed: int, case: tuple[str, Size, int, int, int, float]) -> str:
    """Return a row: motion, spread, and the largest difference in [0, 1]."""
    label, size, count, height, width, enough = case
    state = generated_basicvsr(size, seed, cleaning=0.1 if enough < 1 else 0.02)
    theirs, ours = authors_network(size, enough), RealBasicVsr(size, enough).eval()
    theirs.load_state_dict(state)
    ours.load_state_dict(state)
    film = to_tensor(sequence(count, height, width), "cpu", torch.float32).contiguous()
    expected = theirs(film[None].clone())[0]
    clean = ours.clean(list(film.split(1)))
    made = ours.propagate(clean, range(count), "cpu")
    drawn = torch.cat([ours.basicvsr.draw(*parts) for parts in made])
    flow = ours.basicvsr.spynet(clean[0], clean[-1]).norm(dim=1)
    return (
        f"| {label} | {count} | {width}x{height} | {flow.mean():.1f} / {flow.max():.0f} | "
        f"{expected.std():.2f} | {(drawn - expected).abs().max():.1e} |"
    )


def main() -> str:
    """Return one row a sequence."""
    rows = [
        f"RealBasicVSR beside the authors' code ({commit(REPOSITORY)}), float32.",
        "",
        "| network | frames | size | motion: mean / largest, px | spread | difference |",
        "|---|---|---|---|---|---|",
    ]
    rows += [compared(seed, case) for seed, case in enumerate(CASES)]
    return "\n".join(rows)

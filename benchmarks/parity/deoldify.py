"""Whether DeOldify gives here what its author's own code gives.

Needs a clone of jantic/DeOldify, which carries the fastai it was written for. Both are unpacked
from the commit and run as they are; three packages that they import but do not need here are stood
in for. Weights are generated under the official names and go through both.
"""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from benchmarks.authors import commit, unpacked
from helpers.stages.colorize.deoldify import Deoldify
from tests.support.deoldify_states import generated_deoldify, grey

REPOSITORY = "jantic/DeOldify"

MODELS = (("Video", True, 0), ("Stable", True, 1), ("Artistic", False, 2))
"""Their names, whether they are of the wide network, and the seed of the generated weights."""

FACTORS = (10, 21, 13, 15)
"""Render factors; the odd ones make sides that the network cannot halve evenly."""

SIZES = ((208, 208), (240, 320), (97, 61))
"""Heights and widths of frames that go through the whole filters; the first needs no stretching."""


class Absent(ModuleType):
    """Stands for a package that is imported from but not used: any name in it is a class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def stand_in_loosely(name: str, **content: Any) -> None:
    """Put an absent package among the imported ones."""
    module = Absent(name)
    module.__path__, module.__spec__ = [], ModuleSpec(name, None)
    module.__dict__.update(content)
    sys.modules[name] = module


def stand_in_for_absent_packages() -> None:
    """Put what his packages import, but do not need here, among the imported ones."""
    stand_in_loosely("pkg_resources", require=lambda *_: None)
    stand_in_loosely("fastprogress")
    stand_in_loosely("fastprogress.fastprogress")
    reader = SimpleNamespace(TextFileReader=type("TextFileReader", (), {}))
    stand_in_loosely("pandas", io=SimpleNamespace(parsers=reader))


def authors_learner(wide: bool, state: dict[str, torch.Tensor]) -> Any:
    """Return the author's learner, made by his functions for inference, with weights in it."""
    generators, vision = (import_module(name) for name in ("deoldify.generators", "fastai.vision"))
    norm, denorm = vision.normalize_funcs(*vision.imagenet_stats, do_y=True)
    pictures = SimpleNamespace(reconstruct=lambda made: vision.ImageList.reconstruct(None, made))
    data = SimpleNamespace(
        c=3, device=torch.device("cpu"), path=Path(), norm=norm, denorm=denorm,
        dl=lambda _: SimpleNamespace(dataset=pictures),
    )  # fmt: skip
    build = generators.unet_learner_wide if wide else generators.unet_learner_deep
    arch = vision.models.resnet101 if wide else vision.models.resnet34
    learner = build(
        data, arch, pretrained=False, wd=1e-3, blur=True, norm_type=generators.NormType.Spectral,
        self_attention=True, y_range=(-3.0, 3.0), loss_func=functional.l1_loss,
        nf_factor=2 if wide else 1.5,
    )  # fmt: skip
    learner.model.load_state_dict(state)
    learner.model.eval()
    return learner


def photograph(height: int, width: int) -> Image.Image:
    """Return an 8-bit grey picture as the author's filter is given one."""
    level = np.rint(grey(height, width) * 255).astype(np.uint8)
    return Image.fromarray(np.dstack([level] * 3))


@torch.inference_mode()
def network_row(model: str, theirs: torch.nn.Module, ours: Deoldify, factor: int) -> str:
    """Return a row: spread, and the largest difference of the normalised results."""
    side = 16 * factor
    x = (torch.from_numpy(grey(side, side, factor)).expand(1, 3, -1, -1) - 0.45) / 0.225
    expected, made = theirs(x.contiguous()), ours.network(x.contiguous())
    return (
        f"| {model} | {factor} ({side}x{side}) | {expected.std():.2f} | "
        f"{float((expected.abs() > 2.9).float().mean()):.1%} | "
        f"{float((made - expected).abs().max()):.1e} |"
    )


def filter_row(model: str, learner: Any, ours: Deoldify, size: tuple[int, int]) -> str:
    """Return a row: how far the engine is from the author's whole filter, in levels of 255."""
    filters = import_module("deoldify.filters")
    factor, image = 13, photograph(*size)
    theirs = np.array(filters.ColorizerFilter(learner)._model_process(image, 16 * factor))
    luma = np.asarray(image)[..., 0].astype(np.float32) / 255
    gap = 255 * ours.colours([luma], factor)[0] - theirs
    # His are rounded down; half a level is what that makes on average.
    return f"| {model} | {size[1]}x{size[0]} | {gap.mean():.2f} | {np.abs(gap).max():.2f} |"


def beside_author() -> list[str]:
    """Return the tables of the networks and of the filters."""
    networks = [
        "| model | render factor | spread | near a limit | difference |",
        "|---|---|---|---|---|",
    ]
    filters = ["| model | frame | mean difference | largest |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as into:
        unpacked(REPOSITORY, into, "deoldify", "fastai")
        stand_in_for_absent_packages()
        for model, wide, seed in MODELS:
            state = generated_deoldify(wide, seed)
            learner, ours = authors_learner(wide, state), Deoldify(state)
            networks += [network_row(model, learner.model, ours, factor) for factor in FACTORS]
            if model != "Stable":  # it is of the same code as Video
                filters += [filter_row(model, learner, ours, size) for size in SIZES]
            del state, learner, ours  # two gigabytes, before as many are made again
    told = "Whole filters, in levels of 255; his work in 8 bits and round down at the end."
    return [*networks, "", told, "", *filters]


def main() -> str:
    """Return the tables of the networks and of the whole filters."""
    told = (
        f"Beside its author's code ({commit(REPOSITORY)}), generated weights, float32, "
        "normalised results (-3 to 3)."
    )
    return "\n".join([told, "", *beside_author()])

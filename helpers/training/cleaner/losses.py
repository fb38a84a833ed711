"""The loss functions of the cleaner's training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from helpers.stages.damage.network import candidates, features, split_output
from helpers.stages.damage.network_input import EVIDENCE
from helpers.training.cleaner.samples import MASK, TRUTH

_VGG_FILE = "vgg16-397923af.pth"
"""torchvision's file name of the weights of VGG16, in torch's cache."""


@dataclass(frozen=True)
class Weights:
    """The weight of each part of the loss.

    Attributes:
        repair: L1 of the repair inside the damage.
        square: squared error of the repair inside the damage, as in PSNR.
        inside: squared error of the blended result inside the damage: the cost of missed damage.
        whole: L1 of the whole result.
        outside: squared error outside the damage: the cost of false repairs.
        feature: difference of features.
        mask: cross-entropy and Dice loss of the mask.
    """

    repair: float = 1.0
    square: float = 2.0
    inside: float = 20.0
    whole: float = 8.0
    outside: float = 400.0
    feature: float = 0.5
    mask: float = 1.0


def restore(
    network: nn.Module, planes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clean a batch of evidence, (N, EVIDENCE, H, W).

    Returns:
        The logits of the mask, the repair, and the blended result.
    """
    logits, weights = split_output(network(features(planes)))
    repaired = (weights * candidates(planes)).sum(1, keepdim=True)
    return logits, repaired, torch.lerp(planes[:, :1], repaired, logits.sigmoid())


def _dice_loss(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return 1 minus the Dice overlap of a batch, smoothed so that empty masks count little."""
    likely = logits.sigmoid()
    both = (likely * mask).sum()
    return 1 - (2 * both + 50) / (likely.sum() + mask.sum() + 50)


def _gradient_and_frequency(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Return the difference of the gradients and spectra of two batches, (N, 1, H, W)."""
    difference = one - two
    edges = difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()
    spectrum = torch.fft.rfft2(difference.float(), norm="ortho").abs().mean()
    return edges + spectrum


class _VggFeatures(nn.Module):
    """The difference of VGG16's features at four depths (Johnson et al., ECCV 2016)."""

    DEPTHS = (3, 8, 15, 22)

    def __init__(self, state: dict[str, torch.Tensor] | None = None) -> None:
        super().__init__()
        from torchvision.models import VGG16_Weights, vgg16

        whole = vgg16(weights=VGG16_Weights.DEFAULT if state is None else None)
        if state is not None:
            whole.load_state_dict(state)
        layers: Any = whole.features  # an nn.Sequential, which its own hints do not say
        self.layers = layers[: self.DEPTHS[-1] + 1].eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        """Compare two (N, 1, H, W) batches in 0..1."""
        a, b = ((x.expand(-1, 3, -1, -1) - self.mean) / self.spread for x in (one, two))
        total = one.new_zeros(())
        for depth, layer in enumerate(self.layers):
            a, b = layer(a), layer(b)
            if depth in self.DEPTHS:
                total = total + functional.l1_loss(a, b)
        return total / 20


def feature_loss(kind: str, device: str) -> nn.Module | None:
    """Return the loss on VGG16's features, or None to use gradients and spectra instead.

    Args:
        kind: "vgg" downloads the weights through torchvision if necessary; "auto" uses them only
            if they are in torch's cache; "gradient" does not use them.
        device: the device to compute on.
    """
    cached = Path(torch.hub.get_dir()) / "checkpoints" / _VGG_FILE
    if kind == "vgg":
        return _VggFeatures().to(device)
    if kind == "auto" and cached.exists():
        state = torch.load(cached, map_location="cpu", weights_only=True)
        return _VggFeatures(state).to(device)
    return None


def total_loss(
    network: nn.Module, batch: torch.Tensor, weights: Weights, feature: nn.Module | None
) -> tuple[torch.Tensor, dict[str, float]]:
    """Return the loss of a batch (N, PLANES, H, W) in 0..1, and its parts for the curves."""
    planes, truth = batch[:, :EVIDENCE], batch[:, TRUTH : TRUTH + 1]
    mask = (batch[:, MASK : MASK + 1] > 0.5).float()
    logits, repaired, result = restore(network, planes)
    inside = mask.sum().clamp(min=100.0)
    difference = (repaired - truth) * mask
    error = (result - truth).square()
    compare = feature or _gradient_and_frequency
    parts = {
        "repair": weights.repair * difference.abs().sum() / inside,
        "square": weights.square * difference.square().sum() / inside,
        "whole": weights.whole * functional.l1_loss(result, truth),
        "inside": weights.inside * (error * mask).sum() / inside,
        "outside": weights.outside * (error * (1 - mask)).mean(),
        "feature": weights.feature * compare(result, truth),
        "mask": weights.mask
        * (
            functional.binary_cross_entropy_with_logits(logits, mask) * 2 + _dice_loss(logits, mask)
        ),
    }
    return sum(parts.values(), batch.new_zeros(())), {k: v.item() for k, v in parts.items()}

"""Blend the weights of two networks of the same architecture, tensor by tensor.

    state = blend_states(strong, weak, share=0.5)

This is deep network interpolation: Wang et al. 2019, https://github.com/xinntao/DNI. The denoise
strength of Real-ESRGAN's general-x4v3 is such a blend, of a network that denoises strongly and one
that hardly does (wdn).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from helpers.errors import ModelError


def blend_states(
    one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Blend two state dicts: share * one + (1 - share) * other.

    Args:
        one, other: state dicts of the same architecture, with the same names.
        share: the share of the first, 0 to 1. If the first is general-x4v3 and the second its wdn,
            it is the strength of denoising.

    Returns:
        A new state dict with the types of the first; at 0 and 1, a copy of one of the two.

    Raises:
        ModelError: the names or shapes differ, or the share is not within 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ModelError(f"The share must be from 0 to 1; {share:g} was given.")
    strange = sorted(one.keys() ^ other.keys())
    if strange:
        raise ModelError(
            "Only networks of the same architecture can be blended, but "
            f"{len(strange)} tensors are in only one of these two (the first is {strange[0]}). "
            "Choose two networks of the same architecture."
        )
    for name, tensor in one.items():
        if tensor.shape != other[name].shape:
            raise ModelError(
                "Only networks of the same architecture can be blended, but the shape of "
                f"{name} is {tuple(tensor.shape)} in one and {tuple(other[name].shape)} in the "
                "other. Choose two networks of the same architecture."
            )
    return {name: _mix(tensor, other[name], share) for name, tensor in one.items()}


def _mix(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    if share in (0, 1) or not one.is_floating_point():
        return (one if share else other).to(one.dtype).clone()
    mixed = share * one.to(torch.float32) + (1 - share) * other.to(torch.float32)
    return mixed.to(one.dtype)

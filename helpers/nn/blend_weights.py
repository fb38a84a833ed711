"""Two networks of one kind made one: their weights mixed, tensor by tensor.

    state = blend_states(general, gentle, share=0.5)

Deep network interpolation: Wang et al. 2019, https://github.com/xinntao/DNI. Real-ESRGAN's
general-x4v3 has its denoise strength from it: one network that denoises strongly, one that hardly
does (wdn), and all between.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from helpers.errors import ModelError


def blend_states(
    one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor], share: float
) -> dict[str, torch.Tensor]:
    """Return the weights of a network between two, share * one + (1 - share) * other.

    Args:
        one, other: state dicts of the same architecture, under the same names.
        share: of the first, 0 to 1; with general-x4v3 first and its wdn second, the strength of
            denoising.

    Returns:
        A new state dict in the types of the first; at 0 and 1 exactly one of the two.

    Raises:
        ModelError: the names or shapes differ, or the share is not in 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ModelError(f"A share of {share:g} was asked for; allowed is 0 to 1.")
    strange = sorted(one.keys() ^ other.keys())
    if strange:
        raise ModelError(
            f"Only networks of one kind can be blended; {len(strange)} tensors are in one of the "
            f"two alone, the first is {strange[0]}. Choose two of the same architecture."
        )
    for name, tensor in one.items():
        if tensor.shape != other[name].shape:
            raise ModelError(
                f"Only networks of one kind can be blended; {name} is {tuple(tensor.shape)} in "
                f"the one and {tuple(other[name].shape)} in the other. Choose two of the same "
                "architecture."
            )
    return {name: _mix(tensor, other[name], share) for name, tensor in one.items()}


def _mix(one: torch.Tensor, other: torch.Tensor, share: float) -> torch.Tensor:
    if share in (0, 1) or not one.is_floating_point():
        return (one if share else other).to(one.dtype).clone()
    mixed = share * one.to(torch.float32) + (1 - share) * other.to(torch.float32)
    return mixed.to(one.dtype)

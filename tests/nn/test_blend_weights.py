"""Blending the weights of two networks."""

import pytest
import torch

from helpers.errors import ModelError
from helpers.nn.blend_weights import blend_states


def state(value, dtype=torch.float32, **more):
    tensors = {"body.0.weight": torch.full((4, 3), value), "body.0.bias": torch.full((4,), value)}
    return {name: tensor.to(dtype) for name, tensor in tensors.items()} | more


def test_every_tensor_lies_between_the_two():
    mixed = blend_states(state(1.0), state(3.0), 0.25)
    assert mixed.keys() == state(0.0).keys()
    assert all((tensor == 2.5).all() for tensor in mixed.values())


@pytest.mark.parametrize(("share", "which"), [(1, 0), (1.0, 0), (0, 1), (0.0, 1)])
def test_the_ends_are_the_networks_themselves(share, which):
    two = [{"w": torch.randn(7, 5)}, {"w": torch.randn(7, 5)}]
    mixed = blend_states(*two, share)["w"]
    assert torch.equal(mixed, two[which]["w"])
    assert mixed.data_ptr() != two[which]["w"].data_ptr()


def test_the_share_is_that_of_the_first():
    one, other = {"w": torch.randn(64)}, {"w": torch.randn(64)}
    assert torch.allclose(
        blend_states(one, other, 0.7)["w"], 0.7 * one["w"] + 0.3 * other["w"], atol=1e-6
    )


def test_what_is_given_is_left_as_it_is_and_half_numbers_stay_half():
    one, other = state(1.0, torch.float16), state(2.0, torch.float16)
    mixed = blend_states(one, other, 0.5)
    assert {tensor.dtype for tensor in mixed.values()} == {torch.float16}
    assert (mixed["body.0.weight"] == 1.5).all() and (one["body.0.weight"] == 1).all()


def test_other_names_are_refused_with_the_first_of_them():
    more = state(1.0, extra=torch.zeros(1))
    with pytest.raises(ModelError, match=r"1 tensors .*the first is extra"):
        blend_states(state(1.0), more, 0.5)


def test_other_shapes_are_refused_with_both():
    wide = {"w": torch.zeros(3, 2)}
    with pytest.raises(ModelError, match=r"w is \(3, 2\) in one and \(3, 4\)"):
        blend_states(wide, {"w": torch.zeros(3, 4)}, 0.5)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_beyond_the_two_is_refused(share):
    with pytest.raises(ModelError, match="must be from 0 to 1"):
        blend_states(state(1.0), state(1.0), share)


def test_a_blend_of_two_networks_loads_as_one_of_them():
    from helpers.stages.upscale.spandrel_network import Upscaler

    def compact(seed):
        dice = torch.Generator().manual_seed(seed)
        shapes = {"body.0": (16, 3, 3, 3), "body.2": (16, 16, 3, 3), "body.4": (48, 16, 3, 3)}
        made = {}
        for name, shape in shapes.items():
            made[f"{name}.weight"] = torch.randn(shape, generator=dice) * 0.1
            made[f"{name}.bias"] = torch.zeros(shape[0])
        return made | {f"body.{n}.weight": torch.full((16,), 0.1) for n in (1, 3)}

    network = Upscaler(blend_states(compact(1), compact(2), 0.5))
    assert network.scale == 4 and "Compact" in network.architecture

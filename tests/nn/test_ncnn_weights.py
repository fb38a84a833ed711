"""ncnn's files give weights under their official names."""

import pytest
import torch

from helpers.nn.ncnn_weights import esrgan_state, read_layers, read_weights
from tests.support.esrgan import weights_of

# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "blocks", "parameters"),
    [("x4plus", 23, 16_697_987), ("x4plus-anime", 6, None), ("animevideov3", None, 621_424)],
)
def test_weights_carry_the_official_names(name, blocks, parameters):
    state = esrgan_state(*weights_of(name))
    total = sum(tensor.numel() for tensor in state.values())
    assert parameters in (None, total)
    if blocks:
        found = {key.split(".")[1] for key in state if key.startswith("body.")}
        assert found == {str(number) for number in range(blocks)}
        assert state["conv_first.weight"].shape == (64, 3, 3, 3)
        assert state["body.0.rdb1.conv5.weight"].shape == (64, 192, 3, 3)
        assert state["conv_last.bias"].shape == (3,)
    else:
        assert list(state)[:3] == ["body.0.weight", "body.0.bias", "body.1.weight"]
        assert state["body.34.weight"].shape == (48, 64, 3, 3)


def test_every_weight_is_a_number():
    for tensor in esrgan_state(*weights_of("animevideov3")).values():
        assert torch.isfinite(tensor).all() and tensor.abs().max() < 100


def test_weights_that_are_cut_off_or_too_long_are_refused():
    param, path = weights_of("animevideov3")
    layers, data = read_layers(param), path.read_bytes()
    with pytest.raises(ValueError, match="in the middle of a layer"):
        read_weights(layers, data[:-8])
    with pytest.raises(ValueError, match="were expected"):
        read_weights(layers, data + b"\0" * 4)

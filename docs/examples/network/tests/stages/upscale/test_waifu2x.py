"""waifu2x beside the same layers in double precision, written with NumPy alone."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from helpers.errors import ModelError
from helpers.stages.upscale import waifu2x
from helpers.stages.upscale.waifu2x import WIDTHS, Waifu2x, read_state

PARAM = "7767517\n8 8\nInput input 0 1 0\n"


@pytest.fixture
def layers():
    """Weights of the network: (out, in, kernel, kernel) and a bias for every layer."""
    dice = np.random.default_rng(3)
    sizes = [(out, into, 3) for into, out in pairwise(WIDTHS)]
    sizes.append((3, WIDTHS[-1], 4))
    made = []
    for out, into, side in sizes:
        kernels = dice.normal(0, (into * side**2 / 2) ** -0.5, (out, into, side, side))
        made.append((kernels.astype(np.float32), dice.normal(0, 0.1, out).astype(np.float32)))
    return made


def write(layers, folder):
    """Write the layers as ncnn keeps them: 32-bit floats behind a tag of 0."""
    weights, param = folder / "net.bin", folder / "net.param"
    kinds = ["Convolution"] * (len(layers) - 1) + ["Deconvolution"]
    lines = [
        f"{kind} layer{n} 1 1 {n} {n + 1} 0={len(bias)} 1={kernels.shape[-1]} 6={kernels.size}\n"
        for n, (kind, (kernels, bias)) in enumerate(zip(kinds, layers, strict=True))
    ]
    param.write_text(PARAM + "".join(lines))
    weights.write_bytes(b"".join(b"\0" * 4 + k.tobytes() + b.tobytes() for k, b in layers))
    return weights, param


def correlate(planes, kernels):
    """Return what kernels (out, in, k, k) give on planes (in, H, W), without padding."""
    windows = sliding_window_view(planes, kernels.shape[2:], axis=(1, 2))
    return np.einsum("chwij,ocij->ohw", windows, kernels, optimize=True)


def reference(layers, image):
    """Put a picture, (H, W, 3) in [0, 1], through the layers: (H * 2, W * 2, 3)."""
    planes = np.pad(image, ((7, 7), (7, 7), (0, 0)), mode="edge").transpose(2, 0, 1)
    for kernels, bias in layers[:-1]:
        planes = correlate(planes, kernels) + bias[:, None, None]
        planes = np.maximum(planes, 0.1 * planes)
    kernels, bias = layers[-1]
    # A transposed convolution: zeros between the pixels and around them, the kernels turned round,
    # and 3 of the pixels that come out at each side are cut off.
    apart = np.zeros((len(planes), planes.shape[1] * 2 - 1, planes.shape[2] * 2 - 1))
    apart[:, ::2, ::2] = planes
    apart = np.pad(apart, ((0, 0), (3, 3), (3, 3)))
    made = correlate(apart, kernels[..., ::-1, ::-1]) + bias[:, None, None]
    return made[:, 3:-3, 3:-3].transpose(1, 2, 0)


@pytest.mark.parametrize("size", [(9, 13), (16, 12), (1, 5)])
def test_it_gives_what_the_layers_give(layers, tmp_path, size):
    image = np.random.default_rng(5).integers(0, 65536, (*size, 3)).astype(np.uint16)
    made = Waifu2x(read_state(*write(layers, tmp_path))).upscale([image])[0]
    wanted = np.clip(reference(layers, image / 65535), 0, 1) * 65535
    assert made.shape == (size[0] * 2, size[1] * 2, 3)
    assert np.abs(made - wanted).max() < 1.5  # 2e-5 of full white; half a level is rounding


def test_tiles_give_what_the_whole_gives(layers, tmp_path, monkeypatch):
    image = np.random.default_rng(6).integers(0, 256, (30, 41, 3)).astype(np.uint8)
    network = Waifu2x(read_state(*write(layers, tmp_path)))
    whole = network.upscale([image])[0].astype(int)
    monkeypatch.setattr(waifu2x, "TILE", 16)
    assert np.abs(network.upscale([image])[0] - whole).max() <= 1


def test_files_of_another_network_are_refused(layers, tmp_path):
    with pytest.raises(ModelError, match="is not waifu2x's upconv_7"):
        read_state(*write(layers[1:], tmp_path))

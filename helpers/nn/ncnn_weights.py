"""Read the weights of ncnn's model files as PyTorch state dicts, without ncnn.

    state = esrgan_state(Path("realesrgan-x4plus.param"), Path("realesrgan-x4plus.bin"))
    state = rife_state(Path("flownet.param"), Path("flownet.bin"))

Source of the format: modelbin.cpp and param-and-model-file-structure.md of Tencent/ncnn. In the
files of the Real-ESRGAN family and of RIFE 4.6, the layers have the official order, so that the
n-th convolution of a file is the n-th of the official state dict.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_FP16_TAG = 0x01306B47

_KINDS = ("Convolution", "Deconvolution", "PReLU")
"""The types of layers with weights in these files."""


@dataclass(frozen=True)
class Layer:
    """A layer with weights: its type, and its parameters by their numbers in the file."""

    kind: str
    values: dict[int, float]


def read_layers(param: Path) -> list[Layer]:
    """Read a .param file; return the layers with weights, in the order of the .bin file.

    Raises:
        ValueError: it is not the .param file of an ncnn model.
    """
    lines = param.read_text().split("\n")
    if not lines or lines[0].strip() != "7767517":
        raise ValueError(f"{param.name} is not an ncnn model: it does not begin with 7767517.")
    layers = []
    for line in lines[2:]:
        words = line.split()
        if not words or words[0] not in _KINDS:
            continue
        pairs = (word.split("=") for word in words[4 + int(words[2]) + int(words[3]) :])
        values = {int(key): float(value) for key, value in pairs if "," not in value}
        layers.append(Layer(words[0], values))
    return layers


def read_weights(layers: list[Layer], data: bytes) -> list[list[np.ndarray]]:
    """Read the contents of a .bin file; return [weight, bias] or [slope] of each layer, float32.

    Weights are (out, in, kernel, kernel), also those of a Deconvolution.

    Raises:
        ValueError: the length of the file is not that of the layers, or its weights are compressed
            in an unknown way.
    """
    at = 0

    def take(count: int, dtype: type) -> np.ndarray:
        nonlocal at
        size = count * np.dtype(dtype).itemsize
        if at + size > len(data):
            raise ValueError(f"The ncnn weights end at byte {len(data)}, in the middle of a layer.")
        found = np.frombuffer(data, dtype, count, at)
        at += -(-size // 4) * 4  # every buffer is aligned to four bytes
        return found.astype(np.float32)

    weights = []
    for layer in layers:
        if layer.kind == "PReLU":
            weights.append([take(int(layer.values[0]), np.float32)])
            continue
        out, kernel, count = (int(layer.values[key]) for key in (0, 1, 6))
        tag = int(np.frombuffer(data, np.uint32, 1, at)[0])
        at += 4
        if tag not in (0, _FP16_TAG):
            raise ValueError(
                f"The ncnn weights have an unknown encoding (tag {tag:#x}); only 16-bit and 32-bit "
                "floats can be read."
            )
        kernels = take(count, np.float16 if tag else np.float32)
        bias = take(out, np.float32)
        weights.append([kernels.reshape(out, -1, kernel, kernel), bias])
    if at != len(data):
        raise ValueError(f"The ncnn weights have {len(data)} bytes; {at} were expected.")
    return weights


def ncnn_state(param: Path, weights: Path) -> dict[str, torch.Tensor]:
    """Read a network of the Real-ESRGAN family or RIFE 4.6, with the official names of its weights.

    Raises:
        ValueError: the files are those of another network, or damaged.
    """
    read = rife_state if "rife.Warp" in param.read_text() else esrgan_state
    return read(param, weights)


def esrgan_state(param: Path, weights: Path) -> dict[str, torch.Tensor]:
    """Read a network of the Real-ESRGAN family, with the official names of its weights.

    Args:
        param, weights: the .param and .bin files of an RRDBNet (x4plus) or an SRVGGNetCompact
            (animevideov3).
    """
    import torch

    layers = read_layers(param)
    arrays = read_weights(layers, weights.read_bytes())
    compact = any(layer.kind == "PReLU" for layer in layers)
    names = _compact_names(len(layers)) if compact else _rrdb_names(len(layers))
    state = {}
    for name, parts in zip(names, arrays, strict=True):
        for suffix, array in zip(("weight", "bias"), parts, strict=False):
            state[f"{name}.{suffix}"] = torch.from_numpy(array.copy())
    return state


def _compact_names(layers: int) -> list[str]:
    """Return the names of SRVGGNetCompact's layers, which alternate: convolution, PReLU."""
    return [f"body.{number}" for number in range(layers)]


def _rrdb_names(convolutions: int) -> list[str]:
    """Return the names of RRDBNet's convolutions: 15 in each block, and 6 others."""
    blocks = (convolutions - 6) // 15
    body = [
        f"body.{block}.rdb{dense}.conv{number}"
        for block in range(blocks)
        for dense in (1, 2, 3)
        for number in (1, 2, 3, 4, 5)
    ]
    tail = ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    return ["conv_first", *body, *tail]


_RIFE_BLOCKS, _RIFE_DEPTH = 4, 8
"""The number of blocks of RIFE 4.6, and of residual convolutions in each."""


def rife_names() -> list[str]:
    """Return the names of RIFE 4.6's convolutions, in the order of its flownet.bin."""
    parts = ["conv0.0.0", "conv0.1.0"]
    parts += [f"convblock.{number}.conv" for number in range(_RIFE_DEPTH)]
    parts += ["lastconv.0"]
    return [f"block{block}.{part}" for block in range(_RIFE_BLOCKS) for part in parts]


def _rife_layers(param: Path) -> dict[str, Layer]:
    """Return the layers of RIFE 4.6's flownet.param, by their official names.

    Raises:
        ValueError: it is the .param file of another network.
    """
    layers, names = read_layers(param), rife_names()
    kinds = ["Deconvolution" if "lastconv" in name else "Convolution" for name in names]
    if [layer.kind for layer in layers] != kinds:
        raise ValueError(
            f"{param.name} is not that of RIFE 4.6, the only version that can be read from ncnn's "
            f"files: it has {len(layers)} layers with weights, not {len(names)}, or another order."
        )
    return dict(zip(names, layers, strict=True))


def rife_state(param: Path, weights: Path) -> dict[str, torch.Tensor]:
    """Read RIFE 4.6, with the official names of its weights.

    In the file, convolutions are already multiplied by the scale of their residual (beta), so beta
    is 1 here.

    Raises:
        ValueError: the files are those of another network, or damaged.
    """
    import torch

    layers = _rife_layers(param)
    arrays = read_weights(list(layers.values()), weights.read_bytes())
    state = {}
    for name, (kernels, bias) in zip(layers, arrays, strict=True):
        # PyTorch stores a transposed convolution as (in, out, kernel, kernel).
        kernels = kernels.swapaxes(0, 1) if "lastconv" in name else kernels
        state[f"{name}.weight"] = torch.from_numpy(kernels.copy())
        state[f"{name}.bias"] = torch.from_numpy(bias.copy())
        if name.endswith(".conv"):
            state[name.removesuffix("conv") + "beta"] = torch.ones(1, len(bias), 1, 1)
    return state


def write_rife(state: dict[str, torch.Tensor], param: Path, weights: Path) -> None:
    """Write RIFE 4.6 as the flownet.bin for a given flownet.param, in 16-bit floats.

    Args:
        state: the weights by their official names, without `module.`.
        param: the existing .param file.
        weights: the .bin file to write.

    Raises:
        ValueError: the size of a weight is not that in the .param file.
    """
    with weights.open("wb") as file:
        for name, layer in _rife_layers(param).items():
            kernels, bias = (state[f"{name}.{part}"].float() for part in ("weight", "bias"))
            if name.endswith(".conv"):
                beta = state[name.removesuffix("conv") + "beta"].float().flatten()
                kernels, bias = kernels * beta[:, None, None, None], bias * beta
            if "lastconv" in name:
                kernels = kernels.transpose(0, 1)
            if (len(bias), kernels.numel()) != (layer.values[0], layer.values[6]):
                raise ValueError(
                    f"{name} has {kernels.numel()} weights for {len(bias)} channels, but "
                    f"{param.name} requires {layer.values[6]:.0f} for {layer.values[0]:.0f}. Use "
                    "the flownet.param of RIFE 4.6."
                )
            data = np.ascontiguousarray(kernels.numpy()).astype(np.float16).tobytes()
            file.write(np.uint32(_FP16_TAG).tobytes() + data + b"\0" * (-len(data) % 4))
            file.write(bias.numpy().astype(np.float32).tobytes())

"""3x3 convolutions on a CPU with a quarter of the multiplications, in fp32.

    library = build(folder)              # compiles winograd.c, once
    install(network, library)            # replaces the convolutions that it is made for

Libraries compute a 3x3 convolution directly, at up to 90 % of what a core without AVX-512 or AMX
can do at all. Winograd's method needs 36 multiplications where that needs 144, and takes a third of
the time on such a core. It differs from the direct sum by rounding, 1e-5 of the largest value.

Bias and activation are computed in the same pass: alone, an activation takes half as long as the
convolution, because it waits for memory.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers.errors import ModelError

SOURCE = Path(__file__).with_suffix(".c")

FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-std=gnu11", "-shared", "-fPIC", "-pthread")

LEAST_RESULTS = 16
"""A convolution to fewer channels is left as it is, since most of its work would be filling."""

_IN_ORDER = ("SRVGGNetCompact",)
"""Networks whose lists of parts are run one after another."""

_G = torch.tensor(
    [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float64
) / torch.tensor([24, 24, 24, 24, 24, 24], dtype=torch.float64).view(6, 1)
"""The transform of a filter for F(4, 3): the points 0, 1, -1, 2, -2 and infinity."""


def find_compiler() -> str | None:
    """Return the C compiler of this machine: that of the variable CC, cc, gcc or clang."""
    names = (os.environ.get("CC"), "cc", "gcc", "clang")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@lru_cache
def build(folder: Path) -> ctypes.CDLL:
    """Compile the library for this machine's processor, unless the folder has it, and load it.

    Raises:
        ModelError: there is no C compiler, or it fails.
    """
    compiler = find_compiler()
    if compiler is None:
        raise ModelError("There is no C compiler. Install gcc, or name one in the variable CC.")
    path = folder / f"winograd-{_fingerprint(compiler)}.so"
    if not path.exists():
        _compile(compiler, path)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ModelError(f"{path} cannot be loaded ({error}). Delete it, and run again.") from error
    whole, far, place = ctypes.c_int, ctypes.c_long, ctypes.c_void_p
    _keep_freed_memory()
    library.convolve.argtypes = [
        place, far, whole, whole, whole, whole, place, place, place, place, far, whole, whole,
    ]  # fmt: skip
    return library


def _keep_freed_memory() -> None:
    """Let the system's allocator keep up to 62 MB of freed memory for what is allocated next.

    It keeps twice the size of the largest piece, of up to 32 MB, that was ever freed. Without this,
    fresh pages take a fifteenth of the time of a small frame.
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def _fingerprint(compiler: str) -> str:
    """Return what distinguishes the library: source, flags, compiler and processor."""
    try:
        processor = next(
            line
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith(("flags", "Features"))
        )
    except (OSError, StopIteration):
        processor = platform.processor()
    parts = (SOURCE.read_text(), *FLAGS, compiler, platform.machine(), processor)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _compile(compiler: str, path: Path) -> None:
    """Compile the library; it gets its name when it is whole."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            made = Path(scratch) / path.name
            command = [compiler, *FLAGS, str(SOURCE), "-o", str(made)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if done.returncode:
                raise ModelError(f"{compiler} cannot compile {SOURCE.name}: {done.stderr[:300]}")
            made.replace(path)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelError(f"{SOURCE.name} cannot be compiled ({error}).") from error


class WinogradConv2d(nn.Module):
    """A 3x3 convolution, followed by an activation that multiplies what is below 0.

    Args:
        layer: a convolution that `suits`, in fp32 on the CPU.
        slope: the factor of values below 0, of every channel or of all: 1 for no activation, 0 for
            ReLU.
        library: the result of `build`.
    """

    def __init__(self, layer: nn.Conv2d, slope: Tensor, library: ctypes.CDLL) -> None:
        super().__init__()
        self._library, lanes = library, library.lanes()
        self.weight = layer.weight  # networks look at its type
        self.results = layer.out_channels
        self.padded = -(-self.results // (2 * lanes)) * 2 * lanes
        self.channels = -(-layer.in_channels // lanes) * lanes
        extra = self.padded - self.results
        bias = torch.zeros(self.results) if layer.bias is None else layer.bias.detach()
        self.bias = functional.pad(bias, (0, extra)).contiguous()
        self.slope = functional.pad(slope.detach().expand(self.results), (0, extra)).contiguous()
        whole = functional.pad(
            layer.weight.detach().double(),
            (0, 0, 0, 0, 0, self.channels - layer.in_channels, 0, extra),
        )
        points = torch.einsum("ia,kcab,jb->ijck", _G, whole, _G).float().flatten(0, 1)
        self.points = points.unflatten(2, (-1, 2 * lanes)).permute(2, 0, 1, 3).contiguous()

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, results, H, W) for (N, C, H, W), float32 on the CPU.

        Raises:
            MemoryError: there is not enough memory.
        """
        pixels = x.permute(0, 2, 3, 1)
        if pixels.shape[3] < self.channels:
            pixels = functional.pad(pixels, (0, self.channels - pixels.shape[3]))
        count, height, width, channels = pixels.shape
        step = pixels.stride(2)
        if pixels.stride() != (height * width * step, width * step, step, 1):
            pixels = pixels.clone(memory_format=torch.contiguous_format)
            step = channels
        made = torch.empty((count, height, width, self.padded), dtype=torch.float32)
        failed = self._library.convolve(
            pixels.data_ptr(), step, count, height, width, channels, self.points.data_ptr(),
            self.bias.data_ptr(), self.slope.data_ptr(), made.data_ptr(), self.padded, self.padded,
            torch.get_num_threads(),
        )  # fmt: skip
        if failed:
            raise MemoryError(f"not enough memory to convolve {width}x{height} pixels")
        return made[..., : self.results].permute(0, 3, 1, 2)


def install(network: nn.Module, library: ctypes.CDLL, in_order: bool = False) -> nn.Module:
    """Replace the convolutions that `suits`, with activations that follow directly, in place.

    A module that is equal to standard layers only together, like a convolution with a residual
    connection, has a method `to_layers`, which returns them as an `nn.Sequential`.

    Args:
        in_order: whether the network's parts are run one after another, as in `nn.Sequential`.
    """
    in_order = in_order or isinstance(network, nn.Sequential)
    parts = list(network._modules)
    for name, following in zip(parts, [*parts[1:], ""], strict=False):
        part = network._modules[name]
        if part is None:
            continue
        if hasattr(part, "to_layers"):
            part = cast(nn.Module, part.to_layers())  # type: ignore[operator]
        if not suits(part):
            network._modules[name] = install(part, library, type(network).__name__ in _IN_ORDER)
            continue
        slope = _slope_of(network._modules[following]) if in_order and following else None
        if slope is not None:
            network._modules[following] = nn.Identity()
        slope = torch.ones(1) if slope is None else slope
        network._modules[name] = WinogradConv2d(cast(nn.Conv2d, part), slope, library)
    return network


def _slope_of(layer: nn.Module | None) -> Tensor | None:
    """Return by what an activation multiplies values below 0; None if it is of another kind."""
    match layer:
        case nn.PReLU(weight=slope):
            return slope
        case nn.LeakyReLU(negative_slope=slope):
            return torch.tensor([slope])
        case nn.ReLU():
            return torch.zeros(1)
    return None


def suits(layer: nn.Module) -> bool:
    """Tell whether a layer is a convolution that can be computed in this way."""
    return (
        isinstance(layer, nn.Conv2d)
        and type(layer).forward is nn.Conv2d.forward
        and layer.kernel_size == (3, 3)
        and layer.stride == layer.dilation == (1, 1)
        and layer.padding in ((1, 1), "same")
        and layer.padding_mode == "zeros"
        and layer.groups == 1
        and layer.out_channels >= LEAST_RESULTS
        and layer.weight.dtype == torch.float32
    )

"""Enlarge and restore with any network that spandrel recognises, in tiles if necessary.

    network = Upscaler(state_dict, device="cpu", precision="bf16", memory=lambda: 1 << 30)
    large = network.upscale([image])[0]        # (H * scale, W * scale, 3)

Real-ESRGAN: Wang et al. 2021, https://github.com/xinntao/Real-ESRGAN.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from torch.nn import functional

from helpers.catalog.registry import Request, engine
from helpers.errors import ModelError
from helpers.nn.backends import USUAL, Runner, Way
from helpers.nn.blend_weights import blend_states
from helpers.nn.card import PixelsOnCard, to_array, to_bits
from helpers.nn.tensors import (
    DTYPES,
    UnroundedPixels,
    from_tensor,
    from_ycrcb,
    to_tensor,
    to_ycrcb,
)
from helpers.nn.tiling import FittingTiles, enlarge_in_tiles
from helpers.nn.weight_files import read_state
from helpers.runtime.postpone import postpone

SMALLEST_TILE = 32
"""The smallest side of a tile in pixels; the input of a smaller one would be mostly overlap."""

_BUSY = 640 * 480
"""Pixels that keep a card busy: animevideov3 computes them for about 3 ms on an H200, ten times as
long as it takes to start its layers (benchmarks/RESULTS.md)."""

_PURPOSES = ("SR", "Restoration")
"""The purposes, in spandrel's terms, of the networks that can be used."""

Picture = TypeVar("Picture", np.ndarray, PixelsOnCard)


class Upscaler:
    """A super-resolution or restoration network on a device.

    Args:
        state: the network's weights, by their official names.
        device: the device that it runs on.
        precision: its precision; a network that does not support it gets fp32.
        memory: returns how many bytes may be used.
        name: its name, for messages; that of the architecture if not given.
        way: how it is run.

    Attributes:
        scale: how many times larger each side becomes; 1 for restoration.
        architecture: spandrel's name of the architecture.
        precision: the precision in use.
        overlap: pixels by which a tile's input is larger on each side.

    Raises:
        ModelError: spandrel does not know the network, or it has another purpose.
    """

    def __init__(
        self,
        state: dict[str, Any],
        device: str = "cpu",
        precision: str = "fp32",
        memory: Callable[[], int] = lambda: 1 << 30,
        name: str = "",
        way: Way = USUAL,
    ) -> None:
        model = _recognise(state)
        self.scale = model.scale
        self.architecture = model.architecture.name
        self.name = name or self.architecture
        able = {"fp16": model.supports_half, "bf16": model.supports_bfloat16}
        self.precision = precision if able.get(precision, True) else "fp32"
        self.device, self.memory = device, memory
        self.network = model.model.eval().to(
            device=device, dtype=DTYPES[self.precision], memory_format=torch.channels_last
        )
        self.runner = Runner(self.network, way)
        self.channels = model.input_channels
        self.needs, self.tiling = model.size_requirements, model.tiling.name.lower()
        self._tags = ", ".join(model.tags)
        # A 3x3 convolution reaches one pixel further. A compact network reaches as far as it is
        # deep; in a deep one, the influence of distant pixels is negligible.
        layers = [m for m in self.network.modules() if isinstance(m, torch.nn.Conv2d)]
        self.overlap = min(len(layers) + 1, 32)
        self._widest = max(layer.out_channels for layer in layers)
        self._lock = threading.Lock()
        self._tiles = FittingTiles(SMALLEST_TILE)

    def facts(self) -> list[tuple[str, str]]:
        """Return a description of the network: names and values."""
        count = sum(parameter.numel() for parameter in self.network.parameters())
        tiling = {
            "supported": f"yes, with {self.overlap} pixels of overlap",
            "discouraged": "only if memory is short, since it uses the whole picture",
            "internal": "by the network itself",
        }
        return [
            ("architecture", self.architecture + (f" ({self._tags})" if self._tags else "")),
            ("scale", f"x{self.scale}"),
            ("channels", "luma only" if self.channels == 1 else "RGB"),
            ("parameters", f"{count / 1e6:.2f} million, in {self.precision} on {self.device}"),
            ("tiling", tiling[self.tiling]),
            ("sides", f"a multiple of {self.needs.multiple_of}, at least {self.needs.minimum}"),
        ]

    @property
    def pixel_device(self) -> str | None:
        """The device on which it takes pictures and leaves its own; None if only as arrays."""
        return self.device if self.channels == 3 else None

    def upscale(self, images: list[Picture]) -> list[Picture]:
        """Enlarge pictures of one size.

        Args:
            images: (H, W, 3) RGB, uint8 or uint16; all arrays, or all on `pixel_device`.

        Returns:
            (H * scale, W * scale, 3) of the same type, and where the pictures were.

        Raises:
            OutOfMemoryError: even the smallest tile does not fit in memory.
        """
        with self._lock:  # one call at a time, since two would share the same cores and memory
            height, width = images[0].shape[:2]
            begin = self._tiles.known or self.choose_tile(images[0].shape, len(images))
            return self._tiles.run(
                partial(self._enlarge_pictures, images),
                min(begin, max(height, width)),
                f"{self.name} ran out of memory on a {width}x{height} frame, even in tiles of "
                "{tile} pixels. No frame was lost or changed. Close other programs or notebooks, "
                "or choose a smaller model (animevideov3), and run it again; it continues from "
                "here.",
            )

    def choose_batch(self, shape: tuple[int, ...], most: int) -> int:
        """Return how many pictures it should get at once, 1 to `most`.

        They are as many as keep a card busy, if they fit in memory without tiles.
        """
        pixels = shape[0] * shape[1]
        fitting = self.memory() / (self.bytes_per_pixel() * pixels)
        return max(min(most, math.ceil(_BUSY / pixels), int(fitting)), 1)

    def choose_tile(self, shape: tuple[int, ...], batch: int = 1) -> int:
        """Return the side of the largest tile that fits in memory, in input pixels."""
        height, width = shape[:2]
        if self.tiling != "supported":  # it uses the whole picture; tiles are the last resort
            return max(height, width)
        pixels = max(self.memory() / (self.bytes_per_pixel() * batch), SMALLEST_TILE**2)
        if height * width <= pixels:
            return max(height, width)
        across = max(int(math.sqrt(pixels)) - 2 * self.overlap, SMALLEST_TILE)
        # With tiles of equal size, the overlap costs the least.
        return max(math.ceil(side / math.ceil(side / across)) for side in (height, width))

    def bytes_per_pixel(self) -> float:
        """Estimate the memory for an input pixel at the network's widest layer, in bytes."""
        size = torch.finfo(self.dtype).bits // 8
        compact = "Compact" in self.architecture
        wide = self._widest * (4 if compact else 4 * self.scale**2)
        return wide * size + 3 * self.scale**2 * (size + 10)

    def _enlarge_pictures(self, images: list[Picture], tile: int) -> list[Picture]:
        """Enlarge pictures where they are, in tiles if necessary."""
        bits, on_card = [to_bits(image) for image in images], isinstance(images[0], PixelsOnCard)
        if on_card and tile >= max(images[0].shape[:2]):
            # They will be resized, most of the time, and are rounded then.
            batch = self._run_network(bits)
            return [UnroundedPixels(unit, bits[0].dtype) for unit in batch]  # type: ignore[misc]
        made = self._enlarge_tiles(bits, tile)
        return [PixelsOnCard(one) if on_card else to_array(one) for one in made]  # type: ignore[misc]

    def _enlarge_tiles(self, images: list[torch.Tensor], tile: int) -> list[torch.Tensor]:
        """Enlarge tile by tile, or at once if the picture is a single tile."""
        if tile >= max(images[0].shape[:2]):
            return self._run(images)
        return enlarge_in_tiles(images, (tile, tile), self.overlap, self.scale, self._run)

    def _run(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
        """Run the network once, on the bits of pictures."""
        if self.channels == 3:
            return self._run_padded(images)
        # A network for grey pictures enlarges the luma; the colours are interpolated.
        made = []
        for image in images:
            luma, chroma = to_ycrcb(to_array(image))
            grey = to_bits(np.dstack([luma] * 3))
            large = to_array(self._run_padded([grey])[0])[..., 0]
            size = large.shape[::-1]
            plain = cv2.resize(chroma, size, interpolation=cv2.INTER_CUBIC)
            made.append(to_bits(from_ycrcb(large, plain)))
        return made

    @torch.inference_mode()
    def _run_padded(self, images: list[torch.Tensor]) -> list[torch.Tensor]:
        """Run the network on the bits of pictures, and round the result."""
        return from_tensor(self._run_network(images).expand(-1, 3, -1, -1), images[0].dtype)

    @torch.inference_mode()
    def _run_network(self, images: list[torch.Tensor]) -> torch.Tensor:
        """Run the network on pictures with the padding that it needs; crop the result."""
        height, width = images[0].shape[:2]
        across, down = self.needs.get_padding(width, height)
        batch = pad_batch(to_tensor(images, self.device, self.dtype), down, across)
        batch = batch[:, : self.channels].contiguous(memory_format=torch.channels_last)
        return self.runner(batch)[..., : height * self.scale, : width * self.scale]

    @property
    def dtype(self) -> torch.dtype:
        """The type of the network's weights."""
        return DTYPES[self.precision]


def pad_batch(batch: torch.Tensor, down: int, across: int) -> torch.Tensor:
    """Pad a batch, (N, C, H, W), at the bottom and right, mirrored if it is large enough.

    Otherwise its last rows and columns are repeated.
    """
    if not (down or across):
        return batch
    mode = "reflect" if down < batch.shape[2] and across < batch.shape[3] else "replicate"
    return functional.pad(batch, (0, across, 0, down), mode=mode)


@engine("upscale", "denoise")
def load(request: Request, denoise: Fraction | None = None) -> Upscaler:
    """Return the network of a model; with a denoise strength, a blend of its two networks."""
    state = request.state() if denoise is None else _blend(request, float(denoise))
    return Upscaler(
        state, request.device, request.precision, request.memory, request.name, request.way
    )


def _blend(request: Request, denoise: float) -> dict[str, Any]:
    """Return the blend of a model's strong and weak weights for a denoise strength."""
    strong, weak = (read_state([path]) for path in request.paths)
    return blend_states(strong, weak, denoise)


def _recognise(state: dict[str, Any]) -> Any:
    """Return spandrel's description of the network that weights belong to.

    Raises:
        ModelError: spandrel does not know the network, or it has another purpose.
    """
    with postpone("torchvision.transforms.functional"):  # for two networks, both refused below
        from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

    try:
        model = ModelLoader(device="cpu").load_from_state_dict(state)
    except UnsupportedModelError as error:
        raise ModelError(
            f"These weights ({len(state)} tensors, the first is {next(iter(state), 'none')}) "
            "are not those of a network that spandrel supports. Choose one from its list."
        ) from error
    except (RuntimeError, KeyError, ValueError, AssertionError) as error:
        raise ModelError(
            f"These weights ({len(state)} tensors) look like those of a network that spandrel "
            f"supports, but do not fit it ({' '.join(str(error).split())[:120]}). The file may be "
            "damaged; download it again."
        ) from error
    channels = (model.input_channels, model.output_channels)
    fits = isinstance(model, ImageModelDescriptor) and model.purpose in _PURPOSES
    if not fits or channels not in ((1, 1), (3, 3)):
        raise ModelError(
            f"These are the weights of {model.architecture.name} ({model.purpose}, {channels[0]} "
            f"channels to {channels[1]}). Choose a network that enlarges or restores one RGB or "
            "grey picture."
        )
    return model
